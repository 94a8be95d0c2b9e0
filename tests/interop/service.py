"""The server of these tests: ``make run`` on a free port with a data folder of its own."""

import base64
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedded.env_files import read_env_file

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Service:
    """A running server and its demo client."""

    base_url: str
    user: str
    password: str
    collection: str
    provider_url: str
    data: Path = Path()

    def manage(self, *words: str | Path) -> "subprocess.CompletedProcess[str]":
        """Run ``manage.py`` beside the server, as the page on running it says."""
        process = self.managing(*words)
        out, err = process.communicate(timeout=300)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def managing(self, *words: str | Path) -> "subprocess.Popen[str]":
        """Begin that; its output has to be read where it is more than a pipe holds."""
        return subprocess.Popen(
            [sys.executable, "manage.py", *map(str, words)],
            cwd=REPOSITORY,
            env={"PATH": os.environ["PATH"], "DATA_DIR": str(self.data)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def get(self, path: str, **headers: str) -> bytes:
        """The answer to a GET below the base address, as the demo client."""
        token = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        request = urllib.request.Request(  # noqa: S310  the address is our own server's
            f"{self.base_url}/{path}", headers={"Authorization": f"Basic {token}", **headers}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            body: bytes = answer.read()
            return body

    def status(self, deposit_id: str) -> dict[str, Any]:
        """The status document as JSON."""
        body = self.get(f"{self.collection}/{deposit_id}/status/", Accept="application/json")
        document: dict[str, Any] = json.loads(body)
        return document

    def settled(self, deposit_id: str) -> dict[str, Any]:
        """The status of a complete deposit once the workers have finished with it."""
        deadline = time.monotonic() + 60
        while (status := self.status(deposit_id))["deposit_status"] in ("deposited", "verified", "loading"):
            assert time.monotonic() < deadline, status
            time.sleep(0.1)
        return status

    def receipt(self, deposit_id: str) -> str:
        """The deposit receipt."""
        return self.get(f"{self.collection}/{deposit_id}/atom/").decode()


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[Service]:
    """Start a server with these settings, wait until it answers, and stop it in the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # Nothing of the tests' own settings may reach it.
    environment = {"PATH": os.environ["PATH"], "PORT": str(port), "DATA_DIR": str(folder / "data")}
    environment |= settings
    with (folder / "run.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "embedded.run"], cwd=REPOSITORY, env=environment, stdout=log, stderr=log
        )
    try:
        _wait(process, port, folder / "run.log")
        demo = read_env_file(folder / "data" / "demo.env")
        yield Service(
            base_url=demo["DEPOSIT_BASE_URL"],
            user=demo["DEPOSIT_USER"],
            password=demo["DEPOSIT_PASSWORD"],
            collection=demo["DEPOSIT_COLLECTION"],
            provider_url=demo["DEPOSIT_PROVIDER_URL"],
            data=folder / "data",
        )
    finally:
        process.terminate()
        process.wait(120)


def _wait(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, log.read_text()
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5):
            return
        time.sleep(0.1)
    raise AssertionError(log.read_text())
