"""The systemd units: valid, hardened, and each process keeps its promise to the watchdog."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from tests.faults.brokers import await_port, free_port

REPOSITORY = Path(__file__).resolve().parents[2]
UNITS = sorted((REPOSITORY / "debian").glob("*.service"))
# How exposed a service may be by the measure of systemd-analyze: 0 not at all, 10 entirely.
EXPOSURE = 2.5
# Short here, minutes in the units. The dispatcher looks at the record every other second.
WATCHED_SECONDS = 2.6
TALK_TO_THE_BROKER = ["deposit-scheduler", "deposit-worker@"]

analyze = shutil.which("systemd-analyze")
needs_analyze = pytest.mark.skipif(analyze is None, reason="apt install systemd, for systemd-analyze")


def name_of(unit: Path) -> str:
    """What systemd calls it."""
    return unit.stem.partition(".")[2]


each_unit = pytest.mark.parametrize("unit", UNITS, ids=name_of)


def settings_of(unit: Path) -> dict[str, list[str]]:
    """The settings of a unit; each may come several times."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^([A-Za-z]+)=(.*)$", unit.read_text(), re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


def test_there_is_a_unit_for_every_process() -> None:
    assert [unit.name for unit in UNITS] == [
        "deposit-server.deposit-dispatcher.service",
        "deposit-server.deposit-scheduler.service",
        "deposit-server.deposit-watch.service",
        "deposit-server.deposit-web.service",
        "deposit-worker.deposit-worker@.service",
    ]


@needs_analyze
@each_unit
def test_a_unit_is_hardened(unit: Path) -> None:
    said = subprocess.run(
        [str(analyze), "security", "--offline=true", f"--threshold={int(EXPOSURE * 10)}", str(unit)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SYSTEMD_PAGER": "", "LC_ALL": "C.UTF-8"},
    )
    assert said.returncode == 0, said.stdout + said.stderr
    level = re.search(r"Overall exposure level for .*: ([0-9.]+)", said.stdout)
    assert level
    assert float(level[1]) <= EXPOSURE, said.stdout


@needs_analyze
@each_unit
def test_systemd_finds_no_fault_in_a_unit(unit: Path, tmp_path: Path) -> None:
    # Under the name and with a program that are there: it looks for both.
    here = tmp_path / unit.name.partition(".")[2].replace("@.", "@load.")
    here.write_text(
        re.sub(r"/usr/lib/deposit/venv/bin/python\S*", sys.executable, unit.read_text()).replace(
            "Documentation=man:deposit-admin(8)\n", ""
        )
    )
    said = subprocess.run(
        [str(analyze), "verify", "--recursive-errors=no", "--man=no", str(here)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    assert (said.returncode, said.stderr) == (0, "")


def queues(text: str) -> set[str]:
    """The queues that a script enables workers for."""
    return set(re.findall(r"for queue in ([a-z ]+);", text)[0].split())


@pytest.mark.parametrize("script", ["postinst", "postrm", "prerm"])
def test_every_queue_has_a_worker(script: str) -> None:
    procfile = (REPOSITORY / "Procfile").read_text()
    needed = {queue for names in re.findall(r" -Q (\S+)", procfile) for queue in names.split(",")}
    assert queues((REPOSITORY / "debian" / f"deposit-worker.{script}").read_text()) == needed


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real broker: with the embedded one, Celery has no loop of its own."""
    if shutil.which("redis-server") is None:
        pytest.skip("apt install redis-server")
    port = free_port()
    folder = tmp_path_factory.mktemp("redis")
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        await_port(port, server)
        yield f"redis://127.0.0.1:{port}/0"
        server.terminate()


@dataclass
class Watched:
    """A process of a unit, and what systemd would have heard of it."""

    unit: Path
    process: subprocess.Popen[bytes]
    notices: socket.socket
    heard: dict[str, int] = field(default_factory=dict)

    def listen(self, phase: str) -> None:
        """Count the signs of life that have come since the last phase."""
        self.heard[phase] = 0
        self.notices.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                self.heard[phase] += self.notices.recv(4096) == b"WATCHDOG=1"

    def begin(self) -> None:
        """Wait for the first sign of life."""
        self.notices.settimeout(60)
        while self.notices.recv(4096) != b"WATCHDOG=1":
            pass


def start(unit: Path, broker: str, folder: Path, stack: contextlib.ExitStack) -> Watched:
    """The process of a unit, with its watchdog listening as systemd would."""
    command = settings_of(unit)["ExecStart"][0].replace("%%h", "test").replace("%i", "housekeeping").split()
    folder.mkdir()
    notices = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
    notices.bind(str(folder / "notify"))
    url, question, options = os.environ["DATABASE_URL"].partition("?")
    environment = {
        **os.environ,
        "NOTIFY_SOCKET": str(folder / "notify"),
        "WATCHDOG_USEC": str(int(WATCHED_SECONDS * 1_000_000)),
        "CELERY_BROKER_URL": broker,
        "DATA_DIR": str(folder),
        "DATABASE_URL": f"{url.rpartition('/')[0]}/{connection.settings_dict['NAME']}{question}{options}",
        "PORT": str(free_port()),
    }
    process = subprocess.Popen([sys.executable, *command[1:]], cwd=REPOSITORY, env=environment)
    stack.callback(process.wait)
    stack.callback(process.kill)
    return Watched(unit, process, notices)


def signal_all(everybody: Iterable[Watched], number: signal.Signals) -> None:
    """Send a signal to every process."""
    for each in everybody:
        each.process.send_signal(number)


@pytest.fixture(scope="module")
def watched(
    broker: str,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[dict[str, Watched]]:
    """All units' processes after a while of life, a while of being frozen, and another of life."""
    folder = tmp_path_factory.mktemp("units")
    away = f"redis://127.0.0.1:{free_port()}/0"
    with contextlib.ExitStack() as stack, django_db_blocker.unblock():
        all_of_them = {name_of(unit): start(unit, broker, folder / name_of(unit), stack) for unit in UNITS}
        for unit in UNITS:
            if name_of(unit) in TALK_TO_THE_BROKER:
                name = f"{name_of(unit)} without broker"
                all_of_them[name] = start(unit, away, folder / name, stack)
        for each in all_of_them.values():
            each.begin()
        for phase in ("first", "second", "frozen", "again"):
            if phase == "frozen":
                signal_all(all_of_them.values(), signal.SIGSTOP)
                time.sleep(0.1)
                for each in all_of_them.values():
                    each.listen("before")
            if phase == "again":
                signal_all(all_of_them.values(), signal.SIGCONT)
            time.sleep(WATCHED_SECONDS)
            for each in all_of_them.values():
                each.listen(phase)
        signal_all(all_of_them.values(), signal.SIGTERM)
        yield all_of_them


takes_long = pytest.mark.skipif(
    "TEST_FAULTS" not in os.environ, reason="freezes processes for seconds: set TEST_FAULTS=1"
)
EVERYBODY = [name_of(unit) for unit in UNITS] + [f"{name} without broker" for name in TALK_TO_THE_BROKER]


@takes_long
@pytest.mark.django_db
@pytest.mark.parametrize("name", EVERYBODY)
def test_the_watchdog_hears_a_living_process_in_time(watched: dict[str, Watched], name: str) -> None:
    heard = watched[name].heard
    assert 0 not in (heard["first"], heard["second"], heard["again"])


@takes_long
@pytest.mark.django_db
@pytest.mark.parametrize("name", EVERYBODY)
def test_the_watchdog_misses_a_frozen_process(watched: dict[str, Watched], name: str) -> None:
    assert watched[name].heard["frozen"] == 0


@takes_long
@pytest.mark.django_db
@each_unit
def test_a_process_that_is_stopped_ends_in_order_and_in_time(watched: dict[str, Watched], unit: Path) -> None:
    assert watched[name_of(unit)].process.wait(int(settings_of(unit)["TimeoutStopSec"][0])) == 0
