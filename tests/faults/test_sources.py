"""Uploads into a watched folder while watcher, web, checker, loader and PostgreSQL are killed at random.

As many deposits as uploads, each original moved only when it was stored, a report beside where each was.
``SOURCE_UPLOADS`` says how many; what docs/explanation/nothing-lost.md tells is of 2,000.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.buckets import free_port
from tests.support.samples import make_zip

REPOSITORY = Path(__file__).resolve().parents[2]
UPLOADS = int(os.environ.get("SOURCE_UPLOADS", "100"))
# Part of the command line of each process that is killed.
VICTIMS = {
    "watch": b"manage.py\0watch",
    "web": b"gunicorn",
    "checker": b"-n\0checker",
    "loader": b"-n\0loader",
    "postgres": b"postgres",
}

pytestmark = pytest.mark.skipif(
    "TEST_FAULTS" not in os.environ, reason="kills processes for minutes: set TEST_FAULTS=1"
)


class Run:
    """``make run`` in a folder of its own."""

    def __init__(self, data: Path) -> None:
        self.environment = {
            name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "SECRET_KEY")
        } | {"DATA_DIR": str(data), "PORT": str(free_port()), "PYTHONWARNINGS": "ignore"}
        self.data = data
        self.log = (data.parent / "run.log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "embedded.run"],
            cwd=REPOSITORY,
            env=self.environment,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def manage(self, *words: str) -> Any:
        """A command's answer; tried again while PostgreSQL is away."""
        for _ in range(60):
            done = subprocess.run(
                [sys.executable, "manage.py", *words, "--json"],
                cwd=REPOSITORY,
                env=self.environment,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode == 0:
                return json.loads(done.stdout)
            time.sleep(2)
        raise AssertionError(done.stderr)

    def kill(self, name: str) -> bool:
        """Kill one process of a kind with SIGKILL."""
        found = [pid for pid in self._processes() if VICTIMS[name] in self._command(pid)]
        if not found:
            return False
        os.kill(random.choice(found), signal.SIGKILL)
        return True

    def _processes(self) -> Iterator[int]:
        """Whatever has our data folder in its environment, and so is ours."""
        mine = f"DATA_DIR={self.data}\0".encode()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != self.process.pid:
                try:
                    is_ours = mine in (entry / "environ").read_bytes()
                    in_data = str(self.data).encode() in (entry / "cmdline").read_bytes()
                except OSError:
                    continue
                if is_ours or in_data:
                    yield int(entry.name)

    def _command(self, pid: int) -> bytes:
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return b""

    def stop(self) -> None:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(120)
        self.log.close()


@pytest.fixture
def run() -> Iterator[Run]:
    """The service, with folders that PostgreSQL's own user may enter."""
    with tempfile.TemporaryDirectory(prefix="deposit-watched-") as folder:
        data = Path(folder) / "data"
        data.mkdir()
        for each in (data.parent, data):
            each.chmod(0o711)
        running = Run(data)
        try:
            yield running
        finally:
            running.stop()


def reports(folder: Path) -> Counter[str]:
    """How many reports there are of each outcome."""
    return Counter(path.name.split(".")[-4] for path in folder.glob("*.log"))


def test_every_upload_is_deposited_once_and_moved_when_it_is_stored(run: Run, tmp_path: Path) -> None:
    folder, completed = tmp_path / "watched", tmp_path / "completed"
    folder.mkdir()
    run.manage("collection", "create", "--name", "papers")
    run.manage(
        *("source", "add", "folder", "scans", "--path", str(folder), "--collection", "papers"),
        *("--completed-dir", str(completed)),
    )
    killed: Counter[str] = Counter()
    begun, next_kill = time.monotonic(), 0.0
    for number in range(UPLOADS):
        (folder / f"{number}.zip").write_bytes(make_zip({"number": b"%d" % number}))
        if time.monotonic() >= next_kill:
            name = random.choice([*VICTIMS])
            killed[name] += run.kill(name)
            next_kill = time.monotonic() + random.uniform(0.5, 2.0)
        time.sleep(0.005)
    end = time.monotonic() + 60 + UPLOADS
    while len(list(completed.glob("*.zip"))) < UPLOADS:
        assert time.monotonic() < end, (reports(folder), killed)
        if time.monotonic() < end - UPLOADS / 2 and time.monotonic() >= next_kill:
            name = random.choice([*VICTIMS])
            killed[name] += run.kill(name)
            next_kill = time.monotonic() + random.uniform(2.0, 6.0)
        time.sleep(0.2)
    print(f"{UPLOADS} uploads in {time.monotonic() - begun:.0f} s, killed {dict(killed)}")
    states = Counter(item["state"] for item in run.manage("source", "items", "scans"))
    deposits = {item["deposit"] for item in run.manage("source", "items", "scans")}
    assert states == {"stored": UPLOADS}
    assert len(deposits) == UPLOADS
    listed = run.manage("deposit", "list", "--limit", str(UPLOADS + 10))
    assert Counter(row["status"] for row in listed) == {"done": UPLOADS}
    assert reports(folder) == {"stored": UPLOADS}
    assert list(folder.glob("*.zip")) == []
    assert {path.name for path in completed.glob("*.zip")} == {f"{number}.zip" for number in range(UPLOADS)}
