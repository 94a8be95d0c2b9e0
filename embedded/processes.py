"""Runs the processes of a Procfile in one terminal, and starts again what dies.

One thread, one loop: it copies each process's output, line by line behind its name, to standard output, and
looks five times a second whether all live. A process that dies is back in half a second; one that dies again
and again is given longer and longer pauses. When this process is killed outright, the kernel ends the others.
"""

import ctypes
import datetime
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import IO

from honcho.colour import get_colours
from honcho.printer import Message, Printer

TICK_SECONDS = 0.2
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
# A process that lived this long and then died starts again at once, whatever it did before.
HEALTHY_SECONDS = 60.0

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def _end_with_parent() -> None:
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass(kw_only=True)
class Child:
    """One line of the Procfile, and its process while it runs."""

    name: str
    command: str
    colour: str
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = FIRST_PAUSE_SECONDS
    due: float = 0.0
    unfinished_line: bytes = field(default=b"", repr=False)

    def start(self, environment: Mapping[str, str]) -> int:
        """Start the process in a session of its own; returns the file descriptor of its output."""
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {self.command}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,
            preexec_fn=_end_with_parent,  # safe: this program has one thread
        )
        assert self.process.stdout is not None
        self.started = time.monotonic()
        self.unfinished_line = b""
        os.set_blocking(self.process.stdout.fileno(), False)
        return self.process.stdout.fileno()

    def signal_group(self, number: signal.Signals) -> None:
        """Signal the process and all that it started."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)


class Processes:
    """The processes of one Procfile. ``run`` returns when all have ended after SIGINT or SIGTERM."""

    def __init__(self, commands: Mapping[str, str], environment: Mapping[str, str]) -> None:
        colours = get_colours()
        self._children = [Child(name=n, command=c, colour=next(colours)) for n, c in commands.items()]
        self._environment = environment
        self._selector = selectors.DefaultSelector()
        self._printer = Printer(sys.stdout, width=max(map(len, [*commands, "system"])))
        self._stops_asked = 0

    def run(
        self, *, every_tick: Callable[[], None], first_to_stop: str, patience: Mapping[str, float]
    ) -> None:
        """Start all and keep them running; then stop ``first_to_stop``, and the others after it.

        ``patience`` says how many seconds a process may take to finish its work; a second Ctrl-C ends all.
        """
        previous = {
            number: signal.signal(number, self._ask_to_stop) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            while not self._stops_asked:
                self._start_those_due()
                self._pump()
                every_tick()
            self.say("stopping; press Ctrl-C again to stop at once")
        finally:
            self._stop([c for c in self._children if c.name == first_to_stop], patience)
            self._stop(self._children, patience)
            for number, handler in previous.items():
                signal.signal(number, handler)

    def say(self, words: str) -> None:
        """Print a line of our own between those of the processes."""
        self._write("system", None, words)

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        self._stops_asked += 1

    def _start_those_due(self) -> None:
        now = time.monotonic()
        for child in self._children:
            if child.process is None and now >= child.due:
                self._selector.register(child.start(self._environment), selectors.EVENT_READ, child)
            elif child.process is not None and child.process.poll() is not None:
                self._bury(child, now)

    def _bury(self, child: Child, now: float) -> None:
        """A process died that should not have: end what it left running, and set the time of its return."""
        code = self._end(child)
        child.pause = FIRST_PAUSE_SECONDS if now - child.started > HEALTHY_SECONDS else child.pause
        child.due = now + child.pause
        self.say(f"{child.name} ended ({_describe(code)}); starting it again in {child.pause:g} s")
        child.pause = min(child.pause * 2, LONGEST_PAUSE_SECONDS)

    def _end(self, child: Child) -> int:
        child.signal_group(signal.SIGKILL)
        process = child.process
        assert process is not None
        assert process.stdout is not None
        while self._read(child):
            pass
        self._forget(process.stdout)
        process.stdout.close()
        child.process = None
        return process.wait()

    def _stop(self, children: Iterable[Child], patience: Mapping[str, float]) -> None:
        begun = time.monotonic()
        waiting = [child for child in children if child.process is not None]
        for child in waiting:
            assert child.process is not None
            child.process.terminate()
        while waiting:
            self._pump()
            for child in list(waiting):
                assert child.process is not None
                late = self._stops_asked > 1 or time.monotonic() - begun > patience.get(child.name, 10.0)
                if child.process.poll() is None and not late:
                    continue
                if child.process.poll() is None:
                    self.say(f"{child.name} is still busy and is ended now; its work will be taken up again")
                self._end(child)
                waiting.remove(child)

    def _pump(self) -> None:
        for key, _ in self._selector.select(TICK_SECONDS):
            self._read(key.data)

    def _read(self, child: Child) -> bool:
        """Copy a piece of a process's output; False when there is no more at this moment."""
        assert child.process is not None
        assert child.process.stdout is not None
        try:
            piece = os.read(child.process.stdout.fileno(), 65536)
        except BlockingIOError:
            return False
        *lines, child.unfinished_line = (child.unfinished_line + piece).split(b"\n")
        if not piece or len(child.unfinished_line) > 65536:
            lines, child.unfinished_line = [*lines, child.unfinished_line], b""
        for line in lines:
            self._write(child.name, child.colour, line.decode(errors="replace"))
        if not piece:
            self._forget(child.process.stdout)
        return bool(piece)

    def _forget(self, output: IO[bytes]) -> None:
        with suppress(KeyError):  # forgotten at its end already
            self._selector.unregister(output)

    def _write(self, name: str, colour: str | None, line: str) -> None:
        now = datetime.datetime.now().astimezone()
        try:
            if line:
                self._printer.write(Message(type="line", data=line, time=now, name=name, colour=colour))
        except OSError:  # the terminal has gone: nobody is there to stop us later
            self._stops_asked = max(self._stops_asked, 1)


def _describe(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
