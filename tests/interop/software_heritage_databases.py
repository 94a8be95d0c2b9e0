"""The PostgreSQL of Software Heritage's servers on this machine, with their empty databases to copy.

It is Debian's, because their schemas need its contrib extensions. Making the schemas takes half a minute, so it is done
once, and each cluster is a copy of that one.
"""

import contextlib
import fcntl
import json
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2

from tests.interop.swh_commands import Commands

# The empty databases of storage, of swh-scheduler and of swh-deposit.
STORAGE, SCHEDULER, DEPOSIT = "empty-storage", "empty-scheduler", "empty-deposit"
# Nothing in a cluster outlives the tests; small WAL files are copied fast.
_INITDB = ("-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync", "--wal-segsize=1")
_SERVER = ("-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=200")


def debian_postgres() -> Path | None:
    """The folder with Debian's ``postgres``, if it and its contrib extensions are installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    major = found[-1].parent.parent.name if found else ""
    return (
        found[-1].parent
        if Path(f"/usr/share/postgresql/{major}/extension/btree_gist.control").exists()
        else None
    )


@dataclass(kw_only=True)
class Databases:
    """A running cluster, which listens on a socket in ``sockets`` alone."""

    sockets: Path
    port: int
    process: "subprocess.Popen[bytes]"

    def url(self, name: str) -> str:
        """The URL of a database."""
        return f"postgresql://postgres@/{name}?host={self.sockets}&port={self.port}"

    def create(self, name: str, template: str = "template1") -> None:
        """A copy of another database."""
        with contextlib.closing(psycopg2.connect(self.url("postgres"))) as connection:
            connection.autocommit = True
            connection.cursor().execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')

    def make_read_only(self, name: str) -> None:
        """Nobody writes in a database any more, in sessions that begin from now on."""
        with contextlib.closing(psycopg2.connect(self.url("postgres"))) as connection:
            connection.autocommit = True
            connection.cursor().execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')

    def query(self, name: str, statement: str) -> list[tuple[Any, ...]]:
        """The rows that a statement gives in a database."""
        with contextlib.closing(psycopg2.connect(self.url(name))) as connection:
            cursor = connection.cursor()
            cursor.execute(statement)
            return cursor.fetchall()


def _demoted() -> dict[str, Any]:
    """How PostgreSQL's programs run: never as root."""
    as_whom: dict[str, Any] = {"user": "postgres"} if os.geteuid() == 0 else {}
    return {"cwd": "/", "stdout": subprocess.DEVNULL, **as_whom}


def _folder(folder: Path) -> Path:
    """A folder of the cluster's account."""
    folder.mkdir()
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    return folder


@contextlib.contextmanager
def _running(folder: Path, postgres: Path, port: int) -> Iterator[Databases]:
    """The cluster in ``folder``/cluster."""
    where = ["-D", str(folder / "cluster"), "-k", str(folder / "sockets"), "-p", str(port)]
    command = [str(postgres / "postgres"), *where, *_SERVER]
    process: subprocess.Popen[bytes] = subprocess.Popen(command, stderr=subprocess.DEVNULL, **_demoted())
    databases = Databases(sockets=_folder(folder / "sockets"), port=port, process=process)
    try:
        _wait(databases)
        yield databases
    finally:
        # Not to wait for its sessions.
        process.send_signal(signal.SIGINT)
        process.wait(60)


def _wait(databases: Databases) -> None:
    for _ in range(1000):
        with contextlib.suppress(psycopg2.OperationalError):
            psycopg2.connect(databases.url("postgres")).close()
            return
        time.sleep(0.02)
    raise AssertionError("PostgreSQL does not start")


def _with_schemas(folder: Path, postgres: Path, commands: Commands) -> None:
    """A cluster with the empty databases, stopped again."""
    initdb = [str(postgres / "initdb"), *_INITDB, "-D", str(_folder(folder / "cluster"))]
    subprocess.run(initdb, check=True, **_demoted())
    with _running(folder, postgres, 5432) as databases:
        for name in (STORAGE, SCHEDULER, DEPOSIT):
            databases.create(name)
        for name, package in ((STORAGE, "storage"), (SCHEDULER, "scheduler")):
            config = folder / f"{package}.yml"
            place = {"cls": "postgresql", "db": databases.url(name)}
            objects = {"objstorage": {"cls": "memory"}} if package == "storage" else {}
            config.write_text(json.dumps({package: {**place, **objects}}))
            for words in (
                ("db", "init-admin", package, "-d", databases.url(name)),
                ("-C", str(config), "db", "init", package),
            ):
                done = commands.run(*words)
                assert done.returncode == 0, done.stderr
        _migrate(folder, databases, commands)


def _migrate(folder: Path, databases: Databases, commands: Commands) -> None:
    """The tables of swh-deposit."""
    place = {"name": DEPOSIT, "user": "postgres", "host": str(databases.sockets), "port": databases.port}
    config = folder / "deposit.yml"
    scheduler = {"cls": "postgresql", "db": databases.url(SCHEDULER)}
    private = {"secret_key": "of the tests", "media_root": str(folder), "db": place}
    content = {
        "private": private,
        "scheduler": scheduler,
        "storage": {"cls": "memory"},
        "authentication_provider": "basic",
    }
    config.write_text(json.dumps(content))
    subprocess.run(
        [commands.programs / "python", "-m", "django", "migrate", "--verbosity=0"],
        check=True,
        env={
            "PATH": os.environ["PATH"],
            "SWH_CONFIG_FILENAME": str(config),
            "DJANGO_SETTINGS_MODULE": "swh.deposit.settings.production",
        },
    )


def _saved(postgres: Path, commands: Commands) -> Path:
    """That cluster, packed; made when the environment is new."""
    environment = commands.programs.parent
    packed = environment / f"cluster-{postgres.parent.name}-{os.geteuid()}.tar"
    with (environment / "cluster.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not packed.exists():
            folder = Path(tempfile.mkdtemp(prefix="schemas-", dir="/tmp"))
            folder.chmod(0o755)
            try:
                _with_schemas(folder, postgres, commands)
                part = packed.with_suffix(".part")
                subprocess.run(["tar", "-cf", part, "-C", folder, "cluster"], check=True)
                part.rename(packed)
            finally:
                shutil.rmtree(folder)
    return packed


@contextlib.contextmanager
def running(folder: Path, commands: Commands, port: int) -> Iterator[Databases]:
    """A cluster in that folder, with the empty databases and no other."""
    postgres = debian_postgres()
    assert postgres is not None
    folder.chmod(0o755)
    subprocess.run(["tar", "-xpf", _saved(postgres, commands), "-C", folder], check=True)
    with _running(folder, postgres, port) as databases:
        yield databases
