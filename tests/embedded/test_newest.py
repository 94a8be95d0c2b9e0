"""The newest Python of a machine is found, and nothing else is taken for one."""

import re
import sys
from pathlib import Path

import pytest

from embedded import newest
from embedded.setup import REPOSITORY


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without another Python."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("PYENV_ROOT", raising=False)
    return tmp_path


def put(path: Path, *, says: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)


def test_where_there_is_none_none_is_found(home: Path) -> None:
    assert newest.newest() is None


def test_ours_has_its_version() -> None:
    assert newest.version_of(Path(sys.executable)) == sys.version_info[:2]


@pytest.mark.parametrize("says", ["", "3", "three thirteen", "pyenv: python3.13: command not found"])
def test_what_does_not_run_is_no_python(home: Path, says: str) -> None:
    put(home / "bin" / "python3.13", says=says)
    assert newest.version_of(home / "bin" / "python3.13") == (0, 0)
    assert newest.version_of(home / "bin" / "nothing") == (0, 0)


def test_the_newest_that_has_wheels_is_taken(home: Path) -> None:
    older, new = newest.NEWEST[1] - 1, newest.NEWEST[1]
    put(home / "bin" / f"python3.{older}", says=f"3 {older}")
    put(home / ".pyenv" / "versions" / f"3.{new}.1" / "bin" / "python", says=f"3 {new}")
    put(home / ".pyenv" / "versions" / "3.99.0" / "bin" / "python", says="3 99")
    put(home / ".pyenv" / "versions" / "3.9.18" / "bin" / "python", says="3 9")
    assert newest.newest() == home / ".pyenv" / "versions" / f"3.{new}.1" / "bin" / "python"


def test_every_file_of_the_part_is_there() -> None:
    assert [name for name in [*newest.PART, *newest.TYPED] if not (REPOSITORY / name).exists()] == []


def test_a_file_that_this_python_warns_of_fails_lint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "__init__.py").write_text("x = '\\d'\n")
    (tmp_path / "manage.py").write_text("")
    monkeypatch.setattr(newest, "REPOSITORY", tmp_path)
    monkeypatch.setattr(newest, "PLACE", tmp_path / "place")
    monkeypatch.setattr(newest, "TYPED", ["room"])
    assert newest.lint(Path(sys.executable)) == 1
    (tmp_path / "room" / "__init__.py").write_text("x = r'\\d'\n")
    assert newest.lint(Path(sys.executable)) == 0


def test_ci_runs_it() -> None:
    assert re.search(r"^python3 -m embedded newest$", (REPOSITORY / ".ci" / "run").read_text(), re.MULTILINE)
