"""The program ``swh`` of an environment, loaded once: its commands and its servers (``swh_command.py``)."""

import json
import os
import select
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


class Server:
    """A server that was started; ``pid``: its process, which has no children."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        # Names this process even when its number is somebody else's.
        self._descriptor = os.pidfd_open(pid)

    def has_ended(self, within: float = 0) -> bool:
        """Whether the process is no more, in so many seconds."""
        return bool(select.select([self._descriptor], [], [], within)[0])

    def kill(self) -> None:
        """End it where it stands (SIGKILL) and wait until it is gone. Raises `AssertionError` if it was before."""
        assert not self.has_ended(), f"the server {self.pid} had ended"
        signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)
        assert self.has_ended(within=60), f"the server {self.pid} does not die"

    def close(self) -> None:
        """End it, if it has not ended."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)
        assert self.has_ended(within=60), f"the server {self.pid} does not die"
        os.close(self._descriptor)


class GunicornServer(Server):
    """One with workers; it is asked to end, for they would outlive it."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        super().__init__(process.pid)
        self._process = process

    def close(self) -> None:
        """End it and its workers."""
        self._process.terminate()
        self._process.wait(60)
        os.close(self._descriptor)


class Commands:
    """``programs``: the folder with the environment's Python."""

    def __init__(self, programs: Path, process: "subprocess.Popen[str]") -> None:
        self.programs = programs
        self._process = process
        self._lock = threading.Lock()

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run ``swh`` with these words."""
        told = self._ask(words=words)
        return subprocess.CompletedProcess(words, told["code"], told["out"], told["err"])

    def start(self, *words: str, config: Path, log: Path) -> Server:
        """Start the server that ``swh`` is with these words and this configuration."""
        return Server(self._ask(words=words, config=str(config), log=str(log))["pid"])

    def start_workers(self, name: str, port: int, *, workers: int, config: Path, log: Path) -> Server:
        """Start the server of ``swh.<name>`` with gunicorn, as it is run in production; its workers end with it."""
        words = [
            str(self.programs / "gunicorn"),
            f"--workers={workers}",
            "--threads=4",
            f"--bind=127.0.0.1:{port}",
            f"swh.{name}.api.server:make_app_from_configfile()",
        ]
        environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "SWH_CONFIG_FILENAME": str(config)}
        with log.open("ab") as file:
            process = subprocess.Popen(words, env=environment, stdout=file, stderr=file)
        return GunicornServer(process)

    def _ask(self, **asked: Any) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        with self._lock:
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
            told: dict[str, Any] = json.loads(self._process.stdout.readline())
        return told


@contextmanager
def commands(programs: Path, *modules: str) -> Iterator[Commands]:
    """The commands of the environment in this folder, which loads these modules once."""
    process = subprocess.Popen(
        [programs / "python", HERE / "swh_command.py", *modules],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
    )
    with process:
        try:
            yield Commands(programs, process)
        finally:
            process.kill()
