"""One source of the data folder: no command looks for one service's archive in another's folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from settings.env import REPOSITORY

ASK = "from django.conf import settings; print(settings.DATA_DIR, settings.ARCHIVE_ROOT)"
NEEDED = "SECRET_KEY=x\nDATABASE_URL=postgres://127.0.0.1:1/none\nDEPOSIT_EMBEDDED=true\n"


def run(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, REPOSITORY / "manage.py", *words],
        env={"PATH": os.environ["PATH"], **environment},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    path = tmp_path / "etc" / "deposit.env"
    path.write_text(NEEDED)
    return path


def asked(file: Path, **environment: str) -> list[str]:
    done = run("shell", "--no-imports", "-c", ASK, DEPOSIT_ENV_FILE=str(file), **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_file_of_settings_says_where_the_data_are(file: Path, tmp_path: Path) -> None:
    file.write_text(f"{NEEDED}DATA_DIR={tmp_path}/told\n")
    assert asked(file) == [f"{tmp_path}/told", f"{tmp_path}/told/archive"]
    assert asked(file, DATA_DIR=f"{tmp_path}/env")[0] == f"{tmp_path}/env"


def test_the_data_are_beside_the_file_that_lies_among_them(file: Path) -> None:
    (file.parent / "archive").mkdir()
    assert asked(file) == [str(file.parent), f"{file.parent}/archive"]


def test_without_a_data_folder_nothing_is_guessed_and_there_is_no_traceback(file: Path) -> None:
    for command in (("doctor",), ("archive", "verify"), ("check",)):
        done = run(*command, DEPOSIT_ENV_FILE=str(file))
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == (
            f"manage.py: {file} does not say where the data are, and neither does the environment. Set DATA_DIR, in "
            "either, to the folder that holds archive/ and staging/.\n"
        )


def test_missing_settings_are_one_sentence_too(tmp_path: Path) -> None:
    done = run("check", DATA_DIR=str(tmp_path))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "SECRET_KEY" in done.stderr
