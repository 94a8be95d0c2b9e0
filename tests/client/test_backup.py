"""A backup of a busy service, restored elsewhere."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest

from client import Depositor, Metadata
from tests.client.conftest import REPOSITORY, Server


def manage(server: Server, *words: str | Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a command of the server's operator."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("DATABASE_", "SECRET_"))}
    settings = {
        "DATA_DIR": str(server.data),
        "DEPOSIT_ENV_FILE": str(server.data / "deposit.env"),
        "DJANGO_SETTINGS_MODULE": "settings.embedded",
        **environment,
    }
    return subprocess.run(
        [sys.executable, "manage.py", *map(str, words)],
        cwd=REPOSITORY,
        env={**own, **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )


@contextmanager
def other_database() -> Iterator[str]:
    """The URL of an empty database on the tests' own server."""
    url = urlsplit(os.environ["DATABASE_URL"])
    name = f"restored_{os.getpid()}"
    connection = psycopg2.connect(urlunsplit(url))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
    try:
        yield urlunsplit(url._replace(path=f"/{name}"))
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
        connection.close()


@contextmanager
def busy(server: Server, folder: Path) -> Iterator[list[int]]:
    """A depositor who sends package after package; the numbers of the deposits that were accepted so far."""
    accepted: list[int] = []
    enough = threading.Event()

    def deposit() -> None:
        with Depositor(server.base_url, username=server.username, password=server.password) as depositor:
            while not enough.is_set():
                package = folder / f"package-{len(accepted)}.txt.tar"
                subprocess.run(["tar", "-C", folder, "-cf", package, "content"], check=True)
                metadata = Metadata(name="busy", authors=("Ada",))
                accepted.append(depositor.upload(package, metadata=metadata).deposit_id)
                (folder / "content").write_bytes(os.urandom(20_000))

    (folder / "content").write_bytes(os.urandom(20_000))
    thread = threading.Thread(target=deposit)
    thread.start()
    try:
        yield accepted
    finally:
        enough.set()
        thread.join()


@pytest.mark.skipif("TEST_FAULTS" not in os.environ, reason="keeps a service busy: set TEST_FAULTS=1")
def test_backup_of_a_busy_service_holds_all_that_was_accepted_before_it(
    server: Server, tmp_path: Path
) -> None:
    backups, elsewhere = tmp_path / "backups", tmp_path / "elsewhere"
    (elsewhere / "staging").mkdir(parents=True)
    (elsewhere / "archive").mkdir()
    with busy(server, tmp_path) as accepted:
        while len(accepted) < 3:
            pass
        before = list(accepted)
        made = manage(server, "backup", backups)
    assert made.returncode == 0, made.stderr
    with other_database() as url:
        there = {
            "DATABASE_URL": url,
            "DATA_DIR": str(elsewhere),
            "STAGING_ROOT": str(elsewhere / "staging"),
            "ARCHIVE_ROOT": str(elsewhere / "archive"),
        }
        restored = manage(server, "restore", backups, **there)
        assert restored.returncode == 0, restored.stderr
        with psycopg2.connect(url) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT id FROM deposit_deposit")
            assert set(before) <= {row[0] for row in cursor.fetchall()}
            cursor.execute("SELECT count(*) FROM archive_pack")
            assert cursor.fetchone() == (len(list((elsewhere / "archive").rglob("*.tar.zst"))),)
        connection.close()
        assert manage(server, "archive", "verify", **there).returncode == 0
        again = manage(server, "restore", backups, **there)
        assert (again.returncode, "Restore into an empty one" in again.stderr) == (1, True)


def test_second_backup_copies_only_what_is_new(server: Server, tmp_path: Path) -> None:
    assert manage(server, "backup", tmp_path).returncode == 0
    packs = {path: path.stat().st_mtime_ns for path in (tmp_path / "packs").rglob("*.tar.zst")}
    second = manage(server, "backup", tmp_path)
    assert second.returncode == 0
    assert {path: path.stat().st_mtime_ns for path in packs} == packs
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d{6}Z", Path(second.stdout.split()[-1]).name)


@pytest.mark.parametrize("harm", ["cut", "missing", "changed"])
def test_damaged_backup_is_refused_before_anything_is_changed(
    server: Server, tmp_path: Path, harm: str
) -> None:
    with Depositor(server.base_url, username=server.username, password=server.password) as depositor:
        (tmp_path / "content").write_bytes(os.urandom(1000))
        subprocess.run(["tar", "-C", tmp_path, "-cf", tmp_path / "a.tar", "content"], check=True)
        metadata = Metadata(name="damaged", authors=("Ada",))
        receipt = depositor.upload(tmp_path / "a.tar", metadata=metadata)
        assert depositor.wait(receipt.deposit_id, timeout=60).status == "done"
    made = Path(manage(server, "backup", tmp_path / "backups").stdout.split()[-1])
    name = next(iter(json.loads((made / "manifest.json").read_text())["packs"]))
    pack = tmp_path / "backups" / "packs" / name[:2] / f"{name}.tar.zst"
    if harm == "cut":
        with pack.open("r+b") as file:
            file.truncate(10)
    elif harm == "missing":
        pack.unlink()
    else:
        (made / "record.dump").write_bytes(b"x" + (made / "record.dump").read_bytes()[1:])
    with other_database() as url:
        refused = manage(
            server, "restore", tmp_path / "backups", DATABASE_URL=url, ARCHIVE_ROOT=str(tmp_path)
        )
        assert refused.returncode == 1
        assert "Not restored" in refused.stderr
        with psycopg2.connect(url) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
            assert cursor.fetchone() == (0,)
        connection.close()
