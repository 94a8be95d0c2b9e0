"""A service of its own for a benchmark: ``make run`` on a free port with an empty data folder."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, slots=True)
class Service:
    """A running service; ``demo`` holds the variables of its ``demo.env``."""

    port: int
    data: Path
    pid: int
    demo: dict[str, str]

    def processes(self, words: str) -> list[int]:
        """The process ids below the service whose command line holds ``words``."""
        found = []
        for pid in descendants(self.pid):
            with suppress(OSError):
                if words in Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode():
                    found.append(pid)
        return found


def rss(pid: int) -> int:
    """Resident memory of a process, in bytes; 0 when it is gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0


def descendants(pid: int) -> list[int]:
    """A process and all that it started, as far as they live."""
    found, todo = [], [pid]
    while todo:
        parent = todo.pop()
        with suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                todo += [int(child) for child in (task / "children").read_text().split()]
        found.append(parent)
    return found


@contextmanager
def running(*, repository: Path = REPOSITORY, **environment: str) -> Iterator[Service]:
    """Start the service, wait for it, stop it, and remove its data.

    ``repository`` is another checkout, with its own ``.venv`` or with the packages of this one.
    """
    data = Path(tempfile.mkdtemp(prefix="deposit-bench-"))
    # As root the database runs under an unprivileged uid, which must get through.
    data.chmod(0o711)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {**os.environ, "PORT": str(port), "DATA_DIR": str(data), **environment}
    own = repository / ".venv/bin/python"
    command = [str(own) if own.exists() else sys.executable, "-m", "embedded", "run"]
    with (data / "run.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=repository, env=env, stdout=log, stderr=log)
    try:
        _wait(port, process, data)
        lines = (data / "demo.env").read_text().splitlines()
        demo = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
        yield Service(port=port, data=data, pid=process.pid, demo=demo)
    finally:
        process.terminate()
        process.wait(120)
        shutil.rmtree(data, ignore_errors=True)


def _wait(port: int, process: "subprocess.Popen[bytes]", data: Path) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise SystemExit((data / "run.log").read_text())
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz"):
            return
        time.sleep(0.1)
    raise SystemExit("The service did not start within a minute.")
