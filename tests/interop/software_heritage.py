"""Software Heritage's own servers on this machine: PostgreSQL, objstorage, storage and swh-deposit, from PyPI.

Their programs come from an environment of their own (``swh-server.txt``). The PostgreSQL is Debian's, because their
schemas need its contrib extensions.
"""

import contextlib
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2

HERE = Path(__file__).resolve().parent


def debian_postgres() -> Path | None:
    """The folder with Debian's ``postgres``, if it and its contrib extensions are installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    major = found[-1].parent.parent.name if found else ""
    return (
        found[-1].parent
        if Path(f"/usr/share/postgresql/{major}/extension/btree_gist.control").exists()
        else None
    )


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(kw_only=True)
class SoftwareHeritage:
    """Where the servers are. ``programs``: the folder of ``swh`` and its Python."""

    folder: Path
    programs: Path
    postgres: Path
    port: int = field(default_factory=free_port)
    objects_port: int = field(default_factory=free_port)
    storage_port: int = field(default_factory=free_port)
    storage_database: str = "storage"
    processes: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    def database(self, name: str) -> str:
        """The URL of a database."""
        return f"postgresql://postgres@/{name}?host={self.folder / 'sockets'}&port={self.port}"

    @contextlib.contextmanager
    def another(self, name: str) -> "Iterator[SoftwareHeritage]":
        """A second, empty objstorage and storage on the same PostgreSQL."""
        (self.folder / name).mkdir()
        other = SoftwareHeritage(
            folder=self.folder / name,
            programs=self.programs,
            postgres=self.postgres,
            port=self.port,
            storage_database=f"storage-{name}",
        )
        (self.folder / name / "sockets").symlink_to(self.folder / "sockets")
        try:
            other.start_storage()
            yield other
        finally:
            other.stop()

    @property
    def storage_url(self) -> str:
        """The address of storage's RPC."""
        return f"http://127.0.0.1:{self.storage_port}/"

    @property
    def objects_url(self) -> str:
        """The address of objstorage's RPC."""
        return f"http://127.0.0.1:{self.objects_port}/"

    def start_database(self) -> None:
        """An empty cluster, which listens on a socket alone."""
        data, sockets = self.folder / "cluster", self.folder / "sockets"
        sockets.mkdir()
        demote: dict[str, Any] = {"user": "postgres"} if os.geteuid() == 0 else {}
        if demote:
            owner = pwd.getpwnam("postgres")
            self.folder.chmod(0o755)
            data.mkdir()
            for path in (data, sockets):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        run: dict[str, Any] = {"check": True, "stdout": subprocess.DEVNULL, "cwd": "/", **demote}
        subprocess.run([self.postgres / "initdb", "-A", "trust", "-U", "postgres", "-D", data], **run)
        options = ["-k", str(sockets), "-p", str(self.port), "-c", "listen_addresses=", "-c", "fsync=off"]
        server = subprocess.Popen(
            [self.postgres / "postgres", "-D", data, *options], cwd="/", stderr=subprocess.DEVNULL, **demote
        )
        self.processes.append(server)
        for _ in range(200):
            with contextlib.suppress(psycopg2.OperationalError):
                psycopg2.connect(self.database("postgres")).close()
                return
            time.sleep(0.1)
        raise AssertionError("PostgreSQL does not start")

    def create(self, database: str) -> None:
        """An empty database."""
        with contextlib.closing(psycopg2.connect(self.database("postgres"))) as connection:
            connection.autocommit = True
            connection.cursor().execute(f'CREATE DATABASE "{database}"')

    def query(self, database: str, statement: str) -> list[tuple[Any, ...]]:
        """The rows that a statement gives."""
        with contextlib.closing(psycopg2.connect(self.database(database))) as connection:
            cursor = connection.cursor()
            cursor.execute(statement)
            return cursor.fetchall()

    def start_storage(self) -> None:
        """Objstorage and storage, empty."""
        (self.folder / "objects").mkdir()
        objects = {
            "objstorage": {"cls": "pathslicing", "root": str(self.folder / "objects"), "slicing": "0:2/2:4"}
        }
        remote = {"cls": "remote", "url": self.objects_url}
        storage = {
            "storage": {"cls": "postgresql", "db": self.database(self.storage_database), "objstorage": remote}
        }
        self.configure("objects.yml", objects)
        self.configure("storage.yml", storage)
        self.create(self.storage_database)
        self.swh("db", "init-admin", "storage", "-d", self.database(self.storage_database))
        self.swh("-C", str(self.folder / "storage.yml"), "db", "init", "storage")
        self.start_rpc()

    def create_scheduler(self, name: str) -> None:
        """A scheduler's database, where swh-deposit asks for its checks and loads."""
        self.create(name)
        self.swh("db", "init-admin", "scheduler", "-d", self.database(name))
        config = self.configure(
            f"{name}.yml", {"scheduler": {"cls": "postgresql", "db": self.database(name)}}
        )
        self.swh("-C", str(config), "db", "init", "scheduler")

    def start_rpc(self) -> None:
        """The two RPC servers, over what is there."""
        for name, port in (("objstorage", self.objects_port), ("storage", self.storage_port)):
            config = self.folder / ("objects.yml" if name == "objstorage" else "storage.yml")
            words = [name, "-C", str(config), "rpc-serve", "--host", "127.0.0.1", "--port", str(port)]
            self.start([self.programs / "swh", *words], name, SWH_CONFIG_FILENAME=str(config))
            wait_for(f"http://127.0.0.1:{port}/", self.processes[-1])

    def configure(self, name: str, content: dict[str, Any]) -> Path:
        """A configuration file; JSON is YAML."""
        path = self.folder / name
        path.write_text(json.dumps(content))
        return path

    def swh(self, *words: str) -> None:
        """Run the command ``swh``."""
        done = subprocess.run([self.programs / "swh", *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def start(
        self, command: list[Any], name: str, *, answers: bool = False, **environment: str
    ) -> "subprocess.Popen[bytes]":
        """Start a server; its standard input is a pipe, and its output too where it ``answers`` there."""
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if answers else log,
                stderr=log,
                env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **environment},
            )
        self.processes.append(process)
        return process

    def stop(self) -> None:
        """Stop all, the database last."""
        for process in reversed(self.processes.copy()):
            self.stop_one(process)

    def stop_one(self, process: "subprocess.Popen[bytes]") -> None:
        """Stop a server that was started here."""
        self.processes.remove(process)
        # To PostgreSQL, not to wait for its sessions.
        process.send_signal(signal.SIGINT)
        process.wait(60)
        for pipe in filter(None, (process.stdin, process.stdout)):
            pipe.close()


def wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    """Wait until a server answers."""
    for _ in range(600):
        assert process.poll() is None, f"{process.args!r} ended"
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):  # noqa: S310
            return
        time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")


@contextlib.contextmanager
def running(folder: Path, programs: Path) -> Iterator[SoftwareHeritage]:
    """The database, objstorage and storage; stopped and removed in the end."""
    postgres = debian_postgres()
    assert postgres is not None
    servers = SoftwareHeritage(folder=folder, programs=programs, postgres=postgres)
    try:
        servers.start_database()
        servers.start_storage()
        yield servers
    finally:
        servers.stop()
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(kw_only=True)
class DepositPeer:
    """A swh-deposit 3.0.1 with its own checker and loader, which work when they are told to."""

    servers: SoftwareHeritage
    name: str
    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def database(self) -> str:
        """The URL of its database."""
        return self.servers.database(self.name)

    @property
    def base_url(self) -> str:
        """What its clients are given."""
        return f"http://127.0.0.1:{self.port}/1"

    @property
    def media(self) -> Path:
        """Its uploads."""
        return self.servers.folder / self.name

    def do(self, what: str, **arguments: Any) -> Any:
        """Have it do something (see ``swh_deposit_server.py``); its answer."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps({"do": what, **arguments}).encode() + b"\n")
        self.process.stdin.flush()
        while line := self.process.stdout.readline():
            if line.startswith(b"ANSWER "):
                return json.loads(line[7:])
        raise AssertionError((self.servers.folder / f"{self.name}.log").read_text()[-3000:])


@contextlib.contextmanager
def deposit_peer(servers: SoftwareHeritage, name: str) -> Iterator[DepositPeer]:
    """A swh-deposit with an empty database and a scheduler of that name, running."""
    servers.create(name)
    servers.create_scheduler(f"scheduler-{name}")
    media = servers.folder / name
    media.mkdir()
    port = free_port()
    url = f"http://127.0.0.1:{port}/1"
    storage = {"cls": "remote", "url": servers.storage_url}
    config = servers.configure(
        f"{name}.yml",
        {
            "max_upload_size": 200 * 1024**2,
            "scheduler": {"cls": "postgresql", "db": servers.database(f"scheduler-{name}")},
            "storage": storage,
            "storage_metadata": storage,
            "swh_authority_url": "http://deposit.example.org/",
            "authentication_provider": "basic",
            "allowed_hosts": ["127.0.0.1"],
            "deposit": {"url": f"{url}/private/"},
            "private": {
                "secret_key": "of the tests",
                "media_root": str(media),
                "db": {
                    "name": name,
                    "user": "postgres",
                    "host": str(servers.folder / "sockets"),
                    "port": servers.port,
                },
            },
        },
    )
    process = servers.start(
        [servers.programs / "python", HERE / "swh_deposit_server.py", str(port)],
        name,
        answers=True,
        SWH_CONFIG_FILENAME=str(config),
        DJANGO_SETTINGS_MODULE="swh.deposit.settings.production",
    )
    try:
        peer = DepositPeer(servers=servers, name=name, port=port, process=process)
        peer.do("hello")
        yield peer
    finally:
        servers.stop_one(process)
