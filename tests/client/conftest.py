"""A whole server, as `make run` starts it, for the tests of the client; one for the whole session."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from client import Depositor
from client.cli import main
from tests.support import museum_demo

REPOSITORY = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 90


class Server(NamedTuple):
    """A running server and its demo client."""

    base_url: str
    username: str
    password: str
    collection: str
    provider_url: str
    data: Path

    @property
    def root(self) -> str:
        """The address without the SWORD face's ``/1``."""
        return self.base_url.removesuffix("/1")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The service on a free port, with its own database and folders, and a museum at hand; stopped at the end."""
    port = free_port()
    own = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DATABASE_URL", "SECRET_KEY", "DEPOSIT_ENV_FILE", "STAGING_ROOT", "ARCHIVE_ROOT")
        and not name.startswith("CELERY_")
    }
    with tempfile.TemporaryDirectory(prefix="deposit-server-") as folder, ExitStack() as stack:
        data = Path(folder)
        data.chmod(0o711)
        museum = stack.enter_context(museum_demo.both(data / "museum"))
        with (data / "run.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "embedded.run"],
                cwd=REPOSITORY,
                env={**own, **museum, "DATA_DIR": folder, "PORT": str(port), "EXPORT_TO": f"{folder}/export"},
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
        try:
            _wait_until_healthy(process, port, data)
            demo = dict(
                line.split("=", 1)
                for line in (data / "demo.env").read_text().splitlines()
                if line and not line.startswith("#")
            )
            names = ("BASE_URL", "USER", "PASSWORD", "COLLECTION", "PROVIDER_URL")
            url, user, password, collection, provider = (
                demo[f"DEPOSIT_{name}"].strip("'\"") for name in names
            )
            yield Server(url, user, password, collection, provider, data)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(1)
            except subprocess.TimeoutExpired:
                # Asked twice, it does not wait for the workers to take their leave.
                process.send_signal(signal.SIGTERM)
                process.wait(60)


def _wait_until_healthy(process: "subprocess.Popen[bytes]", port: int, data: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise RuntimeError("The server did not start:\n" + (data / "run.log").read_text()[-4000:])


@pytest.fixture
def depositor(server: Server) -> Iterator[Depositor]:
    """The demo client at that server."""
    with Depositor(server.base_url, username=server.username, password=server.password) as depositor:
        yield depositor


class Outcome(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, read as JSON."""
        return json.loads(self.out)


Run = Callable[..., Outcome]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command ``deposit`` with a home of its own; keyword arguments go to its environment."""

    def run(*words: str | Path, stdin: str = "", **environment: str) -> Outcome:
        capsys.readouterr()
        with monkeypatch.context() as patch:
            for name in list(os.environ):
                if name.startswith(("DEPOSIT_", "XDG_")):
                    patch.delenv(name)
            for name, value in {"HOME": str(tmp_path), **environment}.items():
                patch.setenv(name, value)
            patch.setattr(sys, "stdin", io.StringIO(stdin))
            code = main([*map(str, words)])
        return Outcome(code, *capsys.readouterr())

    return run


@pytest.fixture
def deposit(run: Run, server: Server) -> Run:
    """Run ``deposit`` against the server, as its demo client."""

    def deposit(*words: str | Path, **environment: str) -> Outcome:
        known = {
            "DEPOSIT_BASE_URL": server.base_url,
            "DEPOSIT_USER": server.username,
            "DEPOSIT_PASSWORD": server.password,
        }
        return run(*words, **{**known, **environment})

    return deposit


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small source folder with all that a tree can hold."""
    source = tmp_path / "hello-1.0"
    (source / "src" / "deep").mkdir(parents=True)
    (source / "README").write_text("Hello, archive\n")
    (source / "src" / "hello").write_text("#!/bin/sh\necho hello\n")
    (source / "src" / "hello").chmod(0o755)
    (source / "src" / "deep" / "empty").touch()
    (source / "src" / "été 1").write_text("été\n")
    (source / "src" / "link").symlink_to("../README")
    return source
