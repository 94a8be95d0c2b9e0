"""The pages are tried word for word, and the reference is what the program says of itself."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from client.cli import api_reference, reference
from tests.client.conftest import REPOSITORY, Server

# A block that is run is announced by a comment, which says with what exit code its last command ends, if not 0, or what
# must have happened before. One that is not run says why.
RUN = r"<!-- run(?: exit=(\d+))?(?:: ([^\n]*))? -->\n"
BLOCK = re.compile(RUN + r"```console\n(.*?)```", re.DOTALL)
SILENT = re.compile(r"(?<!-->\n)^ *```console\n([^\n]*)", re.MULTILINE)
DOCS = REPOSITORY / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if "adr" not in page.parts)
WITH_COMMANDS = [page for page in PAGES if BLOCK.search(page.read_text())]
# What pages use beside the shell's own tools.
PROGRAMS = ["curl", "openssl", "unzip", "xz", "zip"]
# In place of a server's own name and folder of settings.
STANDS_FOR = {"https://deposit.example.org/1/": "$DEPOSIT_BASE_URL/", "/etc/deposit/": "$PWD/"}


def script_of(path: Path) -> str:
    """The commands of a page's blocks, in order, as one script that stops where something ends otherwise."""
    lines = [
        "set -eu",
        f'deposit() {{ PYTHONPATH={REPOSITORY} {sys.executable} -m client "$@"; }}',
        f'deposit-admin() {{ env -u DEPOSIT_PASSWORD {sys.executable} {REPOSITORY}/manage.py "$@"; }}',
        f'archivematica() {{ PYTHONPATH={REPOSITORY} exec {sys.executable} -m tests.support.archivematica "$@"; }}',
        'museum-demo() { ln -s "$DATA_DIR/museum" "$1"; deposit-admin museum_setup; }',
        'decided() { until [ "$(ls museum/service/*/*/ | grep -c tar$)" -ge "$1" ]; do sleep 0.5; done; }',
        f'moto_server() {{ exec {sys.executable} -m moto.server -H 127.0.0.1 -p "$@"; }}',
        # Of each page its own: what one erases no other can deposit again.
        f"[ -e hello ] || {{ mkdir hello && echo hello from {path.stem} > hello/README; }}"
        if path.parent.name == "how-to"
        else "",
    ]
    for code, before, block in BLOCK.findall(path.read_text()):
        commands = [line[2:] for line in block.splitlines() if line.startswith(("$ ", "# "))]
        assert commands, block
        last = commands.pop()
        lines += [before, *commands]
        lines += (
            [f"{last} && ended=0 || ended=$?", f"[ $ended = {code or 0} ] || exit $ended"] if code else [last]
        )
    script = "\n".join(lines)
    for words, value in STANDS_FOR.items():
        script = script.replace(words, value)
    return script


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_commands_of_a_page_are_run_or_say_why_not(page: Path) -> None:
    assert SILENT.findall(page.read_text()) == []


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: str(page.relative_to(DOCS)))
def test_page_works_word_for_word(page: Path, server: Server, tmp_path: Path) -> None:
    script = script_of(page)
    lacking = [name for name in PROGRAMS if re.search(rf"\b{name}\b", script) and not shutil.which(name)]
    if lacking:
        pytest.skip(f"{', '.join(lacking)}: not installed")
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "DATA_DIR": str(server.data),
            "DEPOSIT_BASE_URL": server.base_url,
            "DEPOSIT_USER": server.username,
            "DEPOSIT_PASSWORD": server.password,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"


def test_reference_is_what_the_program_says() -> None:
    assert (REPOSITORY / "docs" / "reference" / "client.md").read_text() == reference.page()


def test_reference_of_the_python_api_is_what_the_code_says() -> None:
    assert (REPOSITORY / "docs" / "reference" / "python.md").read_text() == api_reference.page()
