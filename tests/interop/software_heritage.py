"""Software Heritage's own servers on this machine: PostgreSQL, objstorage, storage and swh-deposit, from PyPI.

Their programs come from an environment of their own (``swh-server.txt``).
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.interop import software_heritage_databases as databases
from tests.interop.software_heritage_databases import Databases
from tests.interop.swh_commands import Commands, Server

HERE = Path(__file__).resolve().parent


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(kw_only=True)
class SoftwareHeritage:
    """An objstorage and a storage, and where they are. ``commands``: the program that they are."""

    folder: Path
    commands: Commands
    databases: Databases
    storage_database: str = "storage"
    objects_port: int = field(default_factory=free_port)
    storage_port: int = field(default_factory=free_port)
    servers: list[Server] = field(default_factory=list)
    # With so many processes of gunicorn each; 0: as `swh` itself serves, in one.
    workers: int = 0

    @property
    def storage_url(self) -> str:
        """The address of storage's RPC."""
        return f"http://127.0.0.1:{self.storage_port}/"

    @property
    def objects_url(self) -> str:
        """The address of objstorage's RPC."""
        return f"http://127.0.0.1:{self.objects_port}/"

    @contextlib.contextmanager
    def another(self, name: str) -> "Iterator[SoftwareHeritage]":
        """A second, empty objstorage and storage on the same PostgreSQL."""
        folder = self.folder / name
        folder.mkdir()
        other = SoftwareHeritage(
            folder=folder,
            commands=self.commands,
            databases=self.databases,
            storage_database=f"storage-{name}",
            workers=self.workers,
        )
        with other.running():
            yield other

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Run them, empty."""
        (self.folder / "objects").mkdir()
        root = str(self.folder / "objects")
        objects = {"cls": "pathslicing", "root": root, "slicing": "0:2"}
        self.configure("objstorage.yml", {"objstorage": objects})
        remote = {"cls": "remote", "url": self.objects_url}
        database = self.databases.url(self.storage_database)
        self.configure(
            "storage.yml", {"storage": {"cls": "postgresql", "db": database, "objstorage": remote}}
        )
        self.databases.create(self.storage_database, databases.STORAGE)
        try:
            self.start()
            yield
        finally:
            self.stop()

    def start(self) -> None:
        """Start the two servers, over what is there."""
        for name, port in (("objstorage", self.objects_port), ("storage", self.storage_port)):
            words = [name, "rpc-serve", "--no-debug", "--host", "127.0.0.1", "--port", str(port)]
            config, log = self.folder / f"{name}.yml", self.folder / f"{name}.log"
            server = (
                self.commands.start_workers(name, port, workers=self.workers, config=config, log=log)
                if self.workers
                else self.commands.start(*words, config=config, log=log)
            )
            self.servers.append(server)
            wait_for(f"http://127.0.0.1:{port}/", server, log)

    def kill(self) -> None:
        """Kill both where they stand. They must have been alive, and nothing answers afterwards."""
        for server in self.servers:
            server.kill()
        for port in (self.objects_port, self.storage_port):
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
                raise AssertionError(f"something answers at port {port}")
        self.stop()

    def stop(self) -> None:
        """Stop both."""
        while self.servers:
            self.servers.pop().close()

    @property
    def database_pid(self) -> int:
        """The process of PostgreSQL."""
        return self.databases.process.pid

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows that a statement gives in storage's database."""
        return self.databases.query(self.storage_database, statement)

    def configure(self, name: str, content: dict[str, Any]) -> Path:
        """A configuration file; JSON is YAML."""
        path = self.folder / name
        path.write_text(json.dumps(content))
        return path


def wait_for(url: str, server: Server, log: Path) -> None:
    """Wait until a server answers."""
    for _ in range(3000):
        assert not server.has_ended(), log.read_text()
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):  # noqa: S310
            return
        time.sleep(0.02)
    raise AssertionError(f"{url} does not answer")


@contextlib.contextmanager
def running(folder: Path, commands: Commands) -> Iterator[SoftwareHeritage]:
    """The database, objstorage and storage; stopped and removed in the end."""
    try:
        with databases.running(folder, commands, free_port()) as found:
            servers = SoftwareHeritage(folder=folder, commands=commands, databases=found)
            with servers.running():
                yield servers
    finally:
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
        return self.servers.databases.url(self.name)

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


def _configured(servers: SoftwareHeritage, name: str, port: int) -> Path:
    """The configuration of a swh-deposit that loads into that storage."""
    url = f"http://127.0.0.1:{port}/1"
    storage = {"cls": "remote", "url": servers.storage_url}
    found = servers.databases
    return servers.configure(
        f"{name}.yml",
        {
            "max_upload_size": 200 * 1024**2,
            "scheduler": {"cls": "postgresql", "db": found.url(f"scheduler-{name}")},
            "storage": storage,
            "storage_metadata": storage,
            "swh_authority_url": "http://deposit.example.org/",
            "authentication_provider": "basic",
            "allowed_hosts": ["127.0.0.1"],
            "deposit": {"url": f"{url}/private/"},
            "private": {
                "secret_key": "of the tests",
                "media_root": str(servers.folder / name),
                "db": {"name": name, "user": "postgres", "host": str(found.sockets), "port": found.port},
            },
        },
    )


@contextlib.contextmanager
def deposit_peer(servers: SoftwareHeritage, name: str) -> Iterator[DepositPeer]:
    """A swh-deposit with an empty database and a scheduler of that name, running."""
    servers.databases.create(name, databases.DEPOSIT)
    servers.databases.create(f"scheduler-{name}", databases.SCHEDULER)
    (servers.folder / name).mkdir()
    port = free_port()
    config = _configured(servers, name, port)
    with (servers.folder / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            [servers.commands.programs / "python", HERE / "swh_deposit_server.py", str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env={
                "PATH": os.environ["PATH"],
                "LANG": "C.UTF-8",
                "SWH_CONFIG_FILENAME": str(config),
                "DJANGO_SETTINGS_MODULE": "swh.deposit.settings.production",
            },
        )
    with process:
        try:
            peer = DepositPeer(servers=servers, name=name, port=port, process=process)
            peer.do("hello")
            yield peer
        finally:
            process.kill()
