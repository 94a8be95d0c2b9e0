"""The pages are tried word for word, and the reference is what the program says of itself."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from client.cli.reference import page
from tests.client.conftest import REPOSITORY, Server

# A block that is run is announced by a comment, which says with what exit code its last command ends, if not 0.
BLOCK = re.compile(r"<!-- run(?: exit=(\d+))? -->\n```console\n(.*?)```", re.DOTALL)


def script_of(path: Path) -> str:
    """The commands of a page's blocks, in order, as one script that stops where something ends otherwise."""
    lines = ["set -eu", f'deposit() {{ PYTHONPATH={REPOSITORY} {sys.executable} -m client "$@"; }}']
    for code, block in BLOCK.findall(path.read_text()):
        commands = [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]
        assert commands, block
        last = commands.pop()
        lines += commands
        lines += (
            [f"{last} && ended=0 || ended=$?", f"[ $ended = {code or 0} ] || exit $ended"] if code else [last]
        )
    return "\n".join(lines)


@pytest.mark.parametrize("name", ["tutorial/first-deposit.md", "how-to/deposit-from-scripts.md"])
def test_page_works_word_for_word(name: str, server: Server, tmp_path: Path) -> None:
    script = script_of(REPOSITORY / "docs" / name)
    assert "deposit upload" in script
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
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
    assert (REPOSITORY / "docs" / "reference" / "client.md").read_text() == page()
