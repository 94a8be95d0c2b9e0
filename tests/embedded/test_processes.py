"""The runner of the Procfile's processes, with small real processes, in a process of its own."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

RUNNER = """
import json, sys
from embedded.processes import Processes
commands, patience = json.loads(sys.argv[1]), json.loads(sys.argv[2])
Processes(commands, {"PATH": "/usr/bin:/bin"}).run(
    every_tick=lambda: None, first_to_stop="web", patience=patience
)
print("all ended")
"""

FOREVER = "sh -c 'echo $$ up; exec sleep 600'"


def busy_for(seconds: float) -> str:
    """A process that says when it is asked to stop, and takes its time over it."""
    end = f'trap "echo asked; sleep {seconds}; echo finished; exit 0" TERM'
    return f"sh -c '{end}; echo up; while :; do sleep 0.05; done'"


class Runner:
    """A running ``Processes``, and what it has printed so far."""

    def __init__(self, output: Path, commands: dict[str, str], patience: dict[str, float]) -> None:
        self._output = output
        words = [sys.executable, "-c", RUNNER, json.dumps(commands), json.dumps(patience)]
        with output.open("w") as file:
            self.process = subprocess.Popen(words, stdout=file, stderr=subprocess.STDOUT)

    def lines(self) -> list[str]:
        """What was printed, without the time: ``name | words``."""
        text = self._output.read_text()
        return [re.sub(r"^\d\d:\d\d:\d\d (\w+) +\| ", r"\1 | ", line) for line in text.splitlines()]

    def wait_for(self, pattern: str, times: int = 1) -> list[re.Match[str]]:
        """Wait until so many lines match; returns the matches."""
        deadline = time.monotonic() + 20
        while True:
            found = [match for match in map(re.compile(pattern).fullmatch, self.lines()) if match]
            if len(found) >= times:
                return found
            assert time.monotonic() < deadline, self.lines()
            time.sleep(0.02)

    def stop(self, number: signal.Signals = signal.SIGINT) -> list[str]:
        """Ask to stop, wait for the end, return all that was printed."""
        self.process.send_signal(number)
        assert self.process.wait(20) == 0, self.lines()
        return self.lines()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Runner]]:
    runners: list[Runner] = []

    def start(commands: dict[str, str], **patience: float) -> Runner:
        runners.append(Runner(tmp_path / f"output{len(runners)}", commands, patience))
        return runners[-1]

    yield start
    for runner in runners:
        runner.process.kill()
        runner.process.wait()


def is_alive(pid: int) -> bool:
    try:
        return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_all_when_asked(run: Callable[..., Runner], number: signal.Signals) -> None:
    runner = run({"web": FOREVER, "worker": FOREVER})
    pids = [int(match[1]) for match in runner.wait_for(r"\w+ \| (\d+) up", 2)]
    assert runner.stop(number)[-1] == "all ended"
    assert [is_alive(pid) for pid in pids] == [False, False]


def test_a_killed_process_is_back_within_two_seconds(run: Callable[..., Runner]) -> None:
    runner = run({"web": FOREVER, "worker": FOREVER})
    [first] = runner.wait_for(r"worker \| (\d+) up")
    begun = time.monotonic()
    os.kill(int(first[1]), signal.SIGKILL)
    runner.wait_for(r"worker \| (\d+) up", 2)
    assert time.monotonic() - begun < 2
    assert "system | worker ended (signal SIGKILL); starting it again in 0.5 s" in runner.stop()


def test_what_a_killed_process_had_started_ends_with_it(run: Callable[..., Runner]) -> None:
    runner = run({"web": "sh -c 'sleep 600 & echo $$ $!; wait'"})
    [first] = runner.wait_for(r"web \| (\d+) (\d+)")
    os.kill(int(first[1]), signal.SIGKILL)
    runner.wait_for(r"web \| (\d+) (\d+)", 2)
    assert not is_alive(int(first[2]))


def test_a_process_that_dies_again_and_again_is_given_longer_pauses(run: Callable[..., Runner]) -> None:
    runner = run({"web": "sh -c 'exit 3'"})
    runner.wait_for(r"system \| web ended \(exit code 3\); starting it again in 2 s")
    pauses = [line.split()[-2] for line in runner.stop() if "starting it again" in line]
    assert pauses == ["0.5", "1", "2"]


def test_the_web_server_stops_before_the_workers_are_asked(run: Callable[..., Runner]) -> None:
    runner = run({"worker": busy_for(0.1), "web": busy_for(0.5)})
    runner.wait_for(r"\w+ \| up", 2)
    told = [line for line in runner.stop() if line.endswith(("asked", "finished"))]
    assert told == ["web | asked", "web | finished", "worker | asked", "worker | finished"]


def test_a_process_that_does_not_stop_is_ended_after_its_time(run: Callable[..., Runner]) -> None:
    runner = run({"web": busy_for(600)}, web=0.5)
    runner.wait_for(r"web \| up")
    assert "system | web is still busy and is ended now; its work will be taken up again" in runner.stop()


def test_a_second_request_to_stop_ends_all_at_once(run: Callable[..., Runner]) -> None:
    runner = run({"web": busy_for(600), "worker": busy_for(600)}, web=600, worker=600)
    runner.wait_for(r"\w+ \| up", 2)
    runner.process.send_signal(signal.SIGINT)
    runner.wait_for(r"web \| asked")
    begun = time.monotonic()
    assert runner.stop()[-1] == "all ended"
    assert time.monotonic() - begun < 5


def test_the_processes_end_when_the_runner_is_killed(run: Callable[..., Runner]) -> None:
    runner = run({"web": FOREVER, "worker": FOREVER})
    pids = [int(match[1]) for match in runner.wait_for(r"\w+ \| (\d+) up", 2)]
    runner.process.kill()
    deadline = time.monotonic() + 10
    while any(map(is_alive, pids)):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_every_line_keeps_its_name_and_long_output_is_whole(run: Callable[..., Runner]) -> None:
    runner = run({"web": "sh -c 'seq 1 20000; printf unfinished; exec sleep 600'"})
    runner.wait_for(r"web \| 20000")
    lines = runner.stop()
    assert lines[:20000] == [f"web | {number}" for number in range(1, 20001)]
    assert "web | unfinished" in lines
