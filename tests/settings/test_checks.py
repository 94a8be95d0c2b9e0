"""The checks of ``manage.py check --deploy``, on real folders, a real PostgreSQL and real sockets."""

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.checks import CheckMessage
from django.db import connection
from pytest_django.fixtures import Settings

from settings import checks

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def folders(tmp_path: Path, settings: Settings) -> Path:
    """Three folders as they should be."""
    for name in ("STAGING_ROOT", "ARCHIVE_ROOT", "CELERY_BROKER_DIR"):
        (tmp_path / name).mkdir(mode=0o700)
        setattr(settings, name, str(tmp_path / name))
    return tmp_path


def _found(problems: list[CheckMessage]) -> list[tuple[str | None, str]]:
    return [(problem.id, problem.msg.partition(":")[0]) for problem in problems]


def test_good_folders_pass_and_stay_empty(folders: Path) -> None:
    assert checks.check_folders(None) == []
    assert [list(folder.iterdir()) for folder in folders.iterdir()] == [[], [], []]


def test_a_missing_folder_is_named(folders: Path) -> None:
    (folders / "ARCHIVE_ROOT").rmdir()
    assert _found(checks.check_folders(None)) == [("settings.E010", "ARCHIVE_ROOT")]


def test_a_folder_that_everybody_reads_is_named(folders: Path) -> None:
    (folders / "STAGING_ROOT").chmod(0o755)
    assert _found(checks.check_folders(None)) == [("settings.E011", "STAGING_ROOT")]


def test_a_folder_that_takes_no_files_is_named(settings: Settings, folders: Path) -> None:
    settings.STAGING_ROOT = "/proc/self"  # nobody writes there, not even root
    assert ("settings.E012", "STAGING_ROOT") in _found(checks.check_folders(None))


def test_another_broker_needs_no_folder(settings: Settings, folders: Path) -> None:
    settings.CELERY_BROKER_URL = "amqp://localhost"
    (folders / "CELERY_BROKER_DIR").rmdir()
    assert checks.check_folders(None) == []


@pytest.mark.django_db
def test_the_database_of_the_tests_is_told_to_be_volatile() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW fsync")
        expected = [] if cursor.fetchone() == ("on",) else ["settings.E023"]
    assert [problem.id for problem in checks.check_database(None)] == expected


@pytest.mark.django_db
def test_migrations_that_wait_are_counted() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'sessions'")
    assert [p.msg for p in checks.check_database(None) if p.id == "settings.E024"] == [
        "1 migrations are not applied."
    ]


def _check(tag: str, **variables: str) -> list[str]:
    """The codes that `manage.py check --deploy` finds in a process of its own."""
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--tag", tag],
        cwd=REPOSITORY,
        env={**os.environ, **variables},
        check=False,
        capture_output=True,
        text=True,
    )
    return re.findall(r"settings\.[EW]\d+", done.stderr)


@pytest.mark.django_db
def test_more_sessions_than_the_server_gives_are_told(settings: Settings) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
        )
        (given,) = cursor.fetchone()
    settings.DATABASE_CONNECTIONS = given
    assert [p.id for p in checks.check_database(None) if p.id == "settings.W025"] == []
    settings.DATABASE_CONNECTIONS = given + 1
    [problem] = [p for p in checks.check_database(None) if p.id == "settings.W025"]
    assert f"{given + 1} sessions; PostgreSQL gives {given}." in problem.msg


@pytest.mark.django_db
def test_a_sum_that_the_web_alone_exceeds_is_told(settings: Settings) -> None:
    settings.WEB_WORKERS, settings.WEB_CONNECTIONS, settings.DATABASE_CONNECTIONS = 4, 5, 30
    assert [p.id for p in checks.check_database(None) if p.id == "settings.W026"] == []
    settings.WEB_CONNECTIONS = 6
    [problem] = [p for p in checks.check_database(None) if p.id == "settings.W026"]
    assert "may ask for 24 sessions" in problem.msg


def test_a_database_that_is_away_is_told() -> None:
    assert _check("postgresql", DATABASE_URL="postgres://nobody@127.0.0.1:1/none") == ["settings.E020"]


def test_the_broker_of_the_embedded_run_is_usable() -> None:
    assert _check("broker") == []


def test_a_broker_that_is_away_is_told() -> None:
    assert _check("broker", CELERY_BROKER_URL="amqp://127.0.0.1:1") == ["settings.E030"]


def test_a_frozen_broker_is_told_within_seconds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as frozen:  # takes connections and never answers
        begun = time.monotonic()
        assert _check("broker", CELERY_BROKER_URL=f"amqp://127.0.0.1:{frozen.getsockname()[1]}") == [
            "settings.E030"
        ]
        assert time.monotonic() - begun < 20
