"""Reading a package where it can do no harm: in a process of its own, with bounds that the kernel keeps.

A bug in a codec, or a bomb that the readers let through, ends that process and nothing else. Each thread that asks has
a *fork server*: a small interpreter that knows nothing (no environment, no open files, no settings), has one thread,
and forks a *reader* for every package. So a reader costs a fork of a small process, not the start of an interpreter.
"""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from packages.bagit import Problem
from packages.errors import PackageError
from packages.limits import MIB, Limits
from packages.listing import Entry, Take, read_entries
from packages.warnings import PackageWarning

# A reader that has not used a second of processor time for so long waits for a disk that does not answer.
SILENCE_SECONDS = 600.0
_POLL_SECONDS = 5.0
_TICK = b"."
# Two hundred entries with the longest paths, or one with the content of a small file, are shorter.
_LONGEST_LINE = 32 * MIB
_TOO_MUCH = (
    "Reading the package takes more {} than it may. Compress it anew with a common program, or split it."
)
_START = "import sys; sys.path[:] = {}; from packages.fork_server import serve; serve({})"


class ReaderDied(Exception):
    """A reader ended without a verdict and within its limits: a fault of ours, or of the machine."""


class Proof(NamedTuple):
    """What is wrong with a bag (nothing for other packages), and what the depositor should know."""

    problems: list[Problem]
    warnings: list[PackageWarning]


def validate(
    path: Path,
    limits: Limits,
    *,
    bag: bool = False,
    bag_profile: Mapping[str, Any] | None = None,
    alive: Callable[[], None],
    take: Take | None = None,
    wanted: Sequence[str] = (),
) -> Proof:
    """Go through the package at ``path`` to its end; as a bag, return what keeps it from being valid.

    ``bag_profile``: the BagIt profile that the bag has to be of, too (`packages.bag_profiles`).
    ``alive`` is called as the work moves on; what it raises stops the reader. ``take`` gets the entries of all members
    as they are read, with the content of small files whose path matches a pattern of ``wanted``; what it has got counts
    only once this returns. Raises `PackageError` as
    ``open_package`` does, and with ``package.limit.time`` or ``package.limit.memory`` for a package that takes more
    processor time or memory than it may; `OSError` and `ReaderDied` for faults of ours.
    """
    question = {"path": str(path), "bag": bag, "bag_profile": bag_profile, "limits": asdict(limits)}
    return _judge(*_ask(question, alive, take, wanted))


class Whole(NamedTuple):
    """A package that was read to its end: what `validate` answers, and the entries of its members, some at a time."""

    proof: Proof
    entries: list[list[Entry]]


def validate_several(
    paths: Sequence[Path], limits: Limits, *, alive: Callable[[], None], wanted: Sequence[str] = ()
) -> list[Whole | None]:
    """Go through small packages of one depositor in one reader, which costs one fork.

    None for what is not plainly whole: ask for it by itself, with `validate`. They share the bounds on memory and time.
    Whoever breaks out of the code of the readers can answer for the packages that follow, so let all have one owner.
    Raises what ``alive`` raises.
    """
    question = {"several": [str(path) for path in paths], "bag": False, "bag_profile": None}
    question |= {"limits": asdict(limits), "wanted": list(wanted)}
    found: list[Whole | None] = []
    entries: list[list[Entry]] = []

    def judge(answer: dict[str, Any]) -> None:
        found.append(Whole(_judge(answer, 0), entries.copy()) if "problems" in answer else None)
        entries.clear()

    server = _fork_server()
    try:
        server.ask(question, alive, entries.append, judge)
    except ReaderDied:
        server.kill()
    except BaseException:
        server.kill()
        raise
    found = found[: len(paths)]
    return found + [None] * (len(paths) - len(found))


def examine(
    path: Path,
    limits: Limits,
    *,
    examiner: str,
    arguments: dict[str, Any],
    bag: bool = False,
    bag_profile: Mapping[str, Any] | None = None,
    alive: Callable[[], None],
    take: Take | None = None,
    wanted: Sequence[str] = (),
) -> tuple[Proof, dict[str, Any]]:
    """`validate` a package, and let somebody else look at its members in the same confined pass.

    ``examiner`` is the ``module:name`` of a `packages.fork_server.Examiner`; it gets the ``arguments``, is shown
    every member, and what it answers in the end is answered here. All of it must be JSON. Raises as `validate` does.
    """
    question = {"path": str(path), "bag": bag, "bag_profile": bag_profile, "limits": asdict(limits)}
    answer, status = _ask(question | {"examiner": examiner, "arguments": arguments}, alive, take, wanted)
    return _judge(answer, status), answer["examined"]


def _ask(
    question: dict[str, Any], alive: Callable[[], None], take: Take | None, wanted: Sequence[str]
) -> tuple[dict[str, Any], int]:
    question["wanted"] = list(wanted) if take else None
    server = _fork_server()
    try:
        return server.ask(question, alive, take)
    except BaseException:
        server.kill()
        raise


def _judge(answer: dict[str, Any], status: int) -> Proof:
    match answer:
        case {"problems": problems, "warnings": warnings}:
            return Proof([Problem(*one) for one in problems], [PackageWarning(*one) for one in warnings])
        case {"refused": [code, subject, message]}:
            raise PackageError(code, subject, message)
        case {"errno": number, "text": text}:
            raise OSError(number, text)
        case {"memory": True}:
            raise PackageError("package.limit.memory", "", _TOO_MUCH.format("memory"))
        case {"fault": fault}:
            raise ReaderDied(fault)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU:
        raise PackageError("package.limit.time", "", _TOO_MUCH.format("processor time"))
    code = os.waitstatus_to_exitcode(status)
    end = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    raise ReaderDied(f"the reader of the package ended with {end}")


class _ForkServer:
    """The other end of a fork server; one question at a time."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        places = json.dumps([place for place in sys.path if place])
        code = _START.format(places, theirs.fileno())
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", code],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env={},
                cwd="/",
                start_new_session=True,
            )
        self._socket = ours
        self._socket.settimeout(_POLL_SECONDS)
        self.owner = os.getpid()

    @property
    def is_usable(self) -> bool:
        """Whether it is this process's own, and lives."""
        return self.owner == os.getpid() and self._process.poll() is None

    def ask(
        self,
        question: dict[str, Any],
        alive: Callable[[], None],
        take: Take | None,
        judge: Callable[[dict[str, Any]], None] | None = None,
    ) -> tuple[dict[str, Any], int]:
        """The reader's answer ({} if it ended without one) and its wait status; each of several goes to ``judge``."""
        self._socket.sendall(json.dumps(question).encode() + b"\n")
        answer: dict[str, Any] = {}
        for line in self._lines(alive):
            if line.startswith(b'{"status"'):
                return answer, int(json.loads(line)["status"])
            if line.startswith(b"{") and line.endswith(b"}"):
                answer = json.loads(line)
                if judge:
                    judge(answer)
            elif take and line.startswith(b"[") and line.endswith(b"]"):
                take(read_entries(line))
        raise ReaderDied("the fork server of the readers ended")

    def _lines(self, alive: Callable[[], None]) -> Iterator[bytes]:
        """Whole lines, without the ticks before them."""
        pending = b""
        heard = time.monotonic()
        while True:
            try:
                data = self._socket.recv(65536)
            except TimeoutError:
                if time.monotonic() - heard > SILENCE_SECONDS:
                    raise ReaderDied("the package cannot be read: the disk does not answer") from None
                continue
            if not data:
                return
            heard = time.monotonic()
            alive()
            *lines, pending = (pending + data).split(b"\n")
            if len(pending) > _LONGEST_LINE:
                raise ReaderDied("the reader of the package said more in one line than a reader says")
            pending = pending.lstrip(_TICK)
            for line in lines:
                yield line.lstrip(_TICK)

    def kill(self) -> None:
        """End the fork server and its reader, and wait until both are gone."""
        if self.owner != os.getpid():
            self._process.returncode = 0  # a fork's copy: the process is another's
        elif self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            with suppress(OSError):
                while self._socket.recv(65536):
                    pass
        self._socket.close()


_own = threading.local()


def _fork_server() -> _ForkServer:
    """The fork server of this thread; a process that was forked gets its own."""
    server: _ForkServer | None = getattr(_own, "fork_server", None)
    if server is not None and not server.is_usable:
        server.kill()
        server = None
    if server is None:
        server = _own.fork_server = _ForkServer()
        atexit.register(server.kill)
    return server
