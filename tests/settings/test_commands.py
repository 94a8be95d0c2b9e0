"""The commands that operators of swh-deposit type have a counterpart, by each name that our commands have.

Production settings, an empty database, and the words of `docs/how-to/move-from-swh-deposit.md`.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.test_backup import other_database
from tests.settings.test_production import SAFE

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs" / "how-to" / "move-from-swh-deposit.md").read_text()
# The second column of the page's table.
OURS = [
    re.findall("`([^`]+)`", line)[-1] for line in PAGE.splitlines() if re.match(r"\| (`|the icinga)", line)
]
NAMES = ("django-admin", "manage.py", "deposit-admin")
GIVEN = {
    "<collection-name>": "software",
    "<client-name>": "grace",  # of which each name of ours makes one
    "<to-define>": "correct horse battery",
    "<address>": "https://grace.example.org/",
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of an operator: the settings are in the file of the service, as Debian's packages have it."""
    folder = tmp_path_factory.mktemp("etc")
    for name in ("archive", "staging"):
        (folder / name).mkdir(mode=0o700)
    with other_database() as url:
        settings = SAFE | {"DATABASE_URL": url, "DATA_DIR": str(folder)}
        (folder / "deposit.env").write_text("".join(f'{name}="{text}"\n' for name, text in settings.items()))
        environment = {"DEPOSIT_ENV_FILE": str(folder / "deposit.env"), "DATA_DIR": str(folder)}
        done = typed(OURS[1], environment, folder / "bin")
        assert (done.returncode, done.stderr) == (0, "")
        yield environment


def installed(folder: Path) -> None:
    """The three programs, as they are on an operator's path."""
    folder.mkdir(exist_ok=True)
    if (folder / "django-admin").exists():
        return
    script = (REPOSITORY / "debian" / "deposit-admin").read_text()
    script = script.replace("/usr/lib/deposit/venv", sys.prefix).replace(
        "/usr/lib/deposit/app", str(REPOSITORY)
    )
    # There is no such user here.
    script = script.replace('"$(id -u)" = 0', '"" = 0')
    (folder / "deposit-admin").write_text(script)
    (folder / "manage.py").write_text(f'#!/bin/sh\nexec {sys.executable} {REPOSITORY}/manage.py "$@"\n')
    (folder / "django-admin").symlink_to(Path(sys.executable).parent / "django-admin")
    for name in ("deposit-admin", "manage.py"):
        (folder / name).chmod(0o755)


def typed(line: str, service: dict[str, str], folder: Path) -> "subprocess.CompletedProcess[str]":
    """What becomes of a line that somebody types."""
    installed(folder)
    return subprocess.run(
        ["bash", "-c", line],
        cwd="/",
        env={
            "PATH": f"{folder}:/usr/bin:/bin",
            "PYTHONPATH": str(REPOSITORY),
            "HOME": str(folder),
            **service,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def under(name: str, words: str) -> str:
    """A command of the page under one of the names."""
    words = re.sub(r"^\S+ | ?--settings=settings.production$", "", words)
    return f"{name} {words}" + (" --settings=settings.production" if name == "django-admin" else "")


def test_the_page_has_the_commands_of_the_peer() -> None:
    assert [line.split()[:2] for line in OURS] == [
        ["export", "DEPOSIT_ENV_FILE=/etc/deposit/deposit.env"],
        ["django-admin", "migrate"],
        ["deposit-admin", "user"],
        ["deposit-admin", "deposit"],
        ["deposit-admin", "check_deposit"],
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_database_is_made_and_upgraded(name: str, service: dict[str, str], tmp_path: Path) -> None:
    """Made by the first of the names; by each of them there is nothing left to do."""
    done = typed(under(name, OURS[1]), service, tmp_path)
    assert (done.returncode, "No migrations to apply." in done.stdout) == (0, True), done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_a_client_and_its_collection_are_made(name: str, service: dict[str, str], tmp_path: Path) -> None:
    line = under(name, OURS[2])
    for words, value in GIVEN.items():
        line = line.replace(words, shlex.quote(value if words != "<client-name>" else f"{value}.{name}"))
    done = typed(line, service, tmp_path)
    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["collections   software"]), done.stderr


@pytest.fixture(scope="module")
def failed(service: dict[str, str]) -> list[int]:
    """Deposits whose loading failed."""
    url = re.findall('DATABASE_URL="(.*)"', Path(service["DEPOSIT_ENV_FILE"]).read_text())[0]
    code = """
import django; django.setup()
from tests.support.lifecycle_fixtures import in_status, sent
from deposit.models import Status
for _ in range(3):
    print(in_status(Status.FAILED, sent(complete=False)).pk)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env={**os.environ, "DATABASE_URL": url, "DATA_DIR": service["DATA_DIR"]},
        capture_output=True,
        text=True,
        check=True,
    )
    return [int(word) for word in done.stdout.split()]


@pytest.mark.parametrize("name", NAMES)
def test_a_failed_deposit_is_scheduled_again(
    name: str, service: dict[str, str], failed: list[int], tmp_path: Path
) -> None:
    line = under(name, OURS[3]).replace("<deposit-id>", str(failed[NAMES.index(name)]))
    done = typed(line, service, tmp_path)
    assert (done.returncode, re.findall(r"^status +(\w+)$", done.stdout, re.MULTILINE)) == (
        0,
        ["verified"],
    ), done.stderr


def test_the_check_says_what_is_wrong(service: dict[str, str], tmp_path: Path) -> None:
    """Nothing runs here: it is critical, in the words of a plugin."""
    done = typed(OURS[4], service, tmp_path)
    assert (done.returncode, done.stdout.startswith("DEPOSIT CRITICAL")) == (2, True), (
        done.stdout + done.stderr
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [("django-admin", "check"), ("django-admin", "migrate"), ("deposit-admin", "user list")],
)
def test_settings_that_lack_something_say_what(
    name: str, words: str, service: dict[str, str], tmp_path: Path
) -> None:
    """Not empty settings, and no "no issues"."""
    lacking = tmp_path / "deposit.env"
    lines = Path(service["DEPOSIT_ENV_FILE"]).read_text().splitlines(keepends=True)
    lacking.write_text("".join(line for line in lines if not line.startswith("AUTHORITY_URL")))
    done = typed(under(name, f"x {words}"), service | {"DEPOSIT_ENV_FILE": str(lacking)}, tmp_path / "bin")
    assert (done.returncode, "AUTHORITY_URL is not set" in done.stderr) == (1, True), done.stderr
