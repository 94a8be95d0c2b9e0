"""The settings' half of ``manage.py bootstrap``: what is written where, and what is left alone."""

from pathlib import Path

import environ
import pytest

from settings.bootstrap import BootstrapError, complete

NEEDED = {
    "DATABASE_URL": "postgres://u:p%40ss@db/x",
    "CELERY_BROKER_URL": "amqp://u:p@mq//",
    "ALLOWED_HOSTS": "a.example.org,b.example.org",
    "AUTHORITY_URL": "https://a.example.org/",
    "RELEASE_AUTHOR": "An archive & more <a@example.org>",
}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The environment file of a service that says nothing in its environment."""
    for name in (*NEEDED, "SECRET_KEY", "DEPOSIT_EMBEDDED"):
        for each in (name, f"{name}_FILE"):
            monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DEPOSIT_ENV_FILE", str(tmp_path / "deposit.env"))
    return tmp_path / "deposit.env"


def _given() -> list[str]:
    return [word for name, value in NEEDED.items() for word in ("--set", f"{name}={value}")]


def _read(file: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    env = environ.Env()
    with monkeypatch.context() as scratch:
        for name in (*NEEDED, "SECRET_KEY"):
            scratch.setenv(name, "")  # so that what is read is taken back
        env.read_env(file, overwrite=True)
        return {name: env.str(name) for name in (*NEEDED, "SECRET_KEY")}


def test_values_are_read_back_as_they_were_given(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(complete(["--no-input", *_given()])) == {*NEEDED, "SECRET_KEY"}
    read = _read(file, monkeypatch)
    assert {name: read[name] for name in NEEDED} == NEEDED
    assert len(read["SECRET_KEY"]) >= 50
    assert complete(["--no-input", *_given()]) == []


def test_what_stands_in_the_file_is_kept(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("# ours\nSECRET_KEY=kept\nALLOWED_HOSTS=localhost\nPROXY_COUNT=1")
    file.chmod(0o640)
    complete(["--no-input", *_given()])
    assert file.read_text().startswith("# ours\nSECRET_KEY=kept\nPROXY_COUNT=1\n")
    assert _read(file, monkeypatch) == {**NEEDED, "SECRET_KEY": "kept"}
    assert file.stat().st_mode & 0o777 == 0o640


def test_secrets_in_files_of_their_own_count(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY_FILE", "/run/secrets/key")
    monkeypatch.setenv("DATABASE_URL_FILE", "/run/secrets/database")
    for name in ("CELERY_BROKER_URL", "ALLOWED_HOSTS", "AUTHORITY_URL", "RELEASE_AUTHOR"):
        monkeypatch.setenv(name, NEEDED[name])
    assert complete(["--no-input"]) == []
    assert not file.exists()


@pytest.mark.parametrize("wrong", ["ALLOWED_HOSTS", "allowed=1", "A=1\nB=2", "A=\0"])
def test_a_setting_that_is_none_is_refused(file: Path, wrong: str) -> None:
    with pytest.raises(BootstrapError):
        complete(["--no-input", *_given(), "--set", wrong])
    assert not file.exists()


def test_check_writes_nothing(file: Path) -> None:
    with pytest.raises(BootstrapError, match="would be written"):
        complete(["--check", *_given()])
    assert not file.exists()
