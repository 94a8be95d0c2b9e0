"""The supervisor of the embedded PostgreSQL, on real clusters. As root and as an ordinary user alike."""

import contextlib
import json
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from embedded import binaries
from embedded.account import Account
from embedded.binaries import PostgresError
from embedded.postgres import Postgres

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to change its uid")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the database's account can reach, which pytest's own are not for root."""
    path = Path(tempfile.mkdtemp(prefix="dep-", dir="/tmp"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


@contextlib.contextmanager
def running(folder: Path, **options: Any) -> Iterator[Postgres]:
    postgres = Postgres(folder, say=lambda sentence: None, **options)
    postgres.start()
    try:
        yield postgres
    finally:
        postgres.stop()


@pytest.fixture(scope="module")
def cluster() -> Iterator[tuple[Postgres, Path]]:
    """A durable cluster, for the tests that only look at it."""
    path = Path(tempfile.mkdtemp(prefix="dep-", dir="/tmp"))
    path.chmod(0o711)
    with running(path) as postgres:
        yield postgres, path
    shutil.rmtree(path)


def query(postgres: Postgres, statement: str) -> list[tuple[Any, ...]]:
    with contextlib.closing(psycopg2.connect(postgres.url())) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def server_pid(folder: Path) -> int:
    return int((folder / "postgres" / "data" / "postmaster.pid").read_text().split()[0])


def kill_server(postgres: Postgres, folder: Path) -> None:
    os.kill(server_pid(folder), signal.SIGKILL)
    while postgres.is_alive():
        time.sleep(0.02)


def test_a_new_cluster_answers_and_keeps_its_data(folder: Path) -> None:
    with running(folder) as postgres:
        query(postgres, "CREATE TABLE kept AS SELECT 42 AS number")
    assert not postgres.accepts_connections()
    with running(folder) as postgres:
        assert query(postgres, "SELECT number FROM kept") == [(42,)]


def test_a_durable_cluster_keeps_what_it_confirms(cluster: tuple[Postgres, Path]) -> None:
    postgres, _ = cluster
    names = ("fsync", "full_page_writes", "synchronous_commit", "data_checksums")
    assert [query(postgres, f"SHOW {name}") for name in names] == [[("on",)]] * 4


def test_text_is_utf8_and_sorted_by_code_point(cluster: tuple[Postgres, Path]) -> None:
    postgres, _ = cluster
    statement = "SELECT datlocprovider, datlocale, pg_encoding_to_char(encoding) FROM pg_database"
    assert set(query(postgres, statement)) == {("b", "C.UTF-8", "UTF8")}


def test_the_application_is_no_superuser(cluster: tuple[Postgres, Path]) -> None:
    postgres, _ = cluster
    statement = "SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user"
    assert query(postgres, statement) == [(False, False, False)]


def test_nobody_connects_without_the_password(cluster: tuple[Postgres, Path]) -> None:
    postgres, _ = cluster
    wrong = postgres.url().replace(postgres.url().split(":")[2].split("@")[0], "guess")
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(wrong)


def test_no_port_is_opened(cluster: tuple[Postgres, Path]) -> None:
    postgres, _ = cluster
    assert query(postgres, "SHOW listen_addresses") == [("",)]


def test_only_the_owner_reaches_the_files(cluster: tuple[Postgres, Path]) -> None:
    _, folder = cluster
    paths = [folder / "postgres", folder / "postgres" / "data", folder / "postgres" / "socket"]
    assert [stat.S_IMODE(path.stat().st_mode) for path in paths] == [0o700] * 3
    assert stat.S_IMODE((folder / "postgres.json").stat().st_mode) == 0o600
    assert not (folder / "postgres" / "password").exists()


def test_starting_twice_starts_one_server(cluster: tuple[Postgres, Path]) -> None:
    _, folder = cluster
    first = server_pid(folder)
    Postgres(folder).start()
    assert server_pid(folder) == first


def test_eight_that_start_at_once_start_one_server(folder: Path) -> None:
    clusters = [Postgres(folder, durable=False, say=lambda sentence: None) for _ in range(8)]
    threads = [threading.Thread(target=cluster.start) for cluster in clusters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        started = [cluster for cluster in clusters if cluster._process is not None]
        assert (len(started), [cluster.accepts_connections() for cluster in clusters]) == (1, [True] * 8)
    finally:
        started[0].stop()


def test_a_killed_server_starts_again_with_its_data(folder: Path) -> None:
    with running(folder) as postgres:
        query(postgres, "CREATE TABLE kept AS SELECT 42 AS number")
        kill_server(postgres, folder)
        postgres.start()
        assert query(postgres, "SELECT number FROM kept") == [(42,)]


def test_a_server_killed_under_another_run_starts_again(folder: Path) -> None:
    """Its zombie, or a stranger that got its number, must not be taken for it."""
    with running(folder) as postgres:
        pid_file = folder / "postgres" / "data" / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
        kill_server(postgres, folder)
        with subprocess.Popen(["sleep", "60"]) as stranger:
            pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
            with running(folder) as again:
                assert query(again, "SELECT 1") == [(1,)]
            stranger.kill()


def test_an_interrupted_making_is_begun_anew(folder: Path) -> None:
    (folder / "postgres" / "data.new").mkdir(parents=True)
    (folder / "postgres" / "data.new" / "half").touch()
    with running(folder, durable=False) as postgres:
        assert query(postgres, "SELECT 1") == [(1,)]
    assert not (folder / "postgres" / "data.new").exists()


def test_a_long_path_gets_a_private_short_socket_folder(folder: Path) -> None:
    deep = folder / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    with running(deep, durable=False) as postgres:
        socket = Path(json.loads((deep / "postgres.json").read_text())["socket"])
        assert query(postgres, "SELECT 1") == [(1,)]
        assert stat.S_IMODE(socket.stat().st_mode) == 0o700
    socket.rmdir()


def test_a_path_with_spaces_and_signs_works(folder: Path) -> None:
    odd = folder / "my data+ä%20"
    odd.mkdir()
    with running(odd, durable=False) as postgres:
        assert query(postgres, "SELECT 1") == [(1,)]


def test_data_of_another_major_version_is_left_alone(folder: Path) -> None:
    with running(folder, durable=False):
        pass
    version = folder / "postgres" / "data" / "PG_VERSION"
    version.write_text("12\n")
    with pytest.raises(PostgresError, match="made by PostgreSQL 12"):
        Postgres(folder).start()
    assert version.read_text() == "12\n"


def test_a_server_that_cannot_start_shows_the_end_of_its_log(folder: Path) -> None:
    with running(folder, durable=False):
        pass
    (folder / "postgres" / "data" / "postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(PostgresError, match="no_such_setting"):
        Postgres(folder).start()


def test_lost_data_is_never_replaced_silently(folder: Path) -> None:
    with running(folder, durable=False):
        pass
    shutil.rmtree(folder / "postgres")
    with pytest.raises(PostgresError, match="which is gone"):
        Postgres(folder).start()


def test_the_shell_s_own_postgresql_variables_lead_nowhere(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGDATA", "/nonexistent")
    monkeypatch.setenv("PGHOST", "/nonexistent")
    monkeypatch.setenv("PGPORT", "1")
    with running(folder, durable=False) as postgres:
        assert query(postgres, "SELECT 1") == [(1,)]


@needs_root
def test_root_runs_it_under_an_unprivileged_uid(cluster: tuple[Postgres, Path]) -> None:
    _, folder = cluster
    status = Path("/proc", str(server_pid(folder)), "status").read_text()
    ids = {line.split()[0]: line.split()[1:] for line in status.splitlines() if ":" in line}
    assert (ids["Uid:"], ids["Gid:"], ids["Groups:"]) == (["65534"] * 4, ["65534"] * 4, [])


@needs_root
def test_an_unreachable_folder_stays_closed_and_the_cluster_goes_elsewhere(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "SYSTEM_FOLDER", folder / "system")
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    with running(closed, durable=False) as postgres:
        where = json.loads((closed / "postgres.json").read_text())["folder"]
        assert (Path(where).parent, postgres.accepts_connections()) == (folder / "system", True)
    assert (stat.S_IMODE(closed.stat().st_mode), sorted(path.name for path in closed.iterdir())) == (
        0o700,
        ["postgres.json", "postgres.lock"],
    )


@needs_root
def test_unreachable_programs_are_copied_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "SYSTEM_FOLDER", folder / "system")
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    package = binaries.find_binaries(Account()).parents[1]
    for name in (package.name, f"{package.name}.libs"):
        shutil.copytree(package.with_name(name), closed / name)
    monkeypatch.syspath_prepend(closed)
    with running(folder, durable=False) as postgres:
        command = Path("/proc", str(server_pid(folder)), "cmdline").read_text()
        assert (command.startswith(f"{folder}/system/"), postgres.accepts_connections()) == (True, True)
    inode = next((folder / "system").iterdir()).stat().st_ino
    binaries.find_binaries(Account.for_database())
    assert [path.stat().st_ino for path in (folder / "system").iterdir()] == [inode]
