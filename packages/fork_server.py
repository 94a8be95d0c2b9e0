"""The processes that `packages.sandbox` talks to: a fork server, and the readers that it forks."""

import ctypes
import importlib
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from packages import landlock
from packages.bagit import validate_bag
from packages.contents import Contents
from packages.errors import PackageError
from packages.limits import MIB, Limits
from packages.listing import Sender
from packages.members import Member
from packages.opening import open_package
from packages.privileges import give_up

# What a reader may use beside its decompressor: the tables of a package with the most members, above all.
TABLES = 384 * MIB
# Processor time grows with the package: the slowest honest decompression takes a fifth of this.
SECONDS_PER_MIB = 1.0
_OPEN_FILES = 16
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38


def serve(descriptor: int) -> None:
    """Answer questions until the other end is gone. Each is a line; so are the answers, and the end of each reader."""
    # First, for it makes the kernel forget whose death ends this process.
    give_up()
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    landlock.places()
    control = socket.socket(fileno=descriptor)
    with control.makefile("rb") as questions:
        for line in questions:
            question = json.loads(line)
            with suppress(Exception):
                # Once, for all readers to come. What is wrong with it the reader tells.
                _examiner(question)
            reader = os.fork()
            if reader == 0:
                _read_and_exit(control, question)
            _, status = os.waitpid(reader, 0)
            # The line break ends what a reader may have left half written.
            control.sendall(b'\n{"status": %d}\n' % status)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _read_and_exit(control: socket.socket, question: dict[str, Any]) -> None:
    try:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        _tick(control)
        if "several" in question:
            _read_several(question, partial(_send_whole, control))
            os._exit(0)
        answer = _answer(question, partial(_send_whole, control))
        signal.setitimer(signal.ITIMER_PROF, 0)
        control.sendall(json.dumps(answer).encode() + b"\n")
        os._exit(0)
    finally:
        os._exit(1)


class Examiner(Protocol):
    """Who looks at the members of a package on the way: made with its arguments, shown each, asked in the end.

    It reads the content of a member whole or not at all.
    """

    def __init__(self, arguments: dict[str, Any]) -> None: ...

    def see(self, member: Member) -> None:
        """A member, whose content may be read now."""

    def finish(self, path: Path, limits: Limits) -> dict[str, Any]:
        """What was found, as JSON; the package may be opened once more."""


def _answer(question: dict[str, Any], send: Callable[[bytes], object]) -> dict[str, Any]:
    path, limits = Path(question["path"]), Limits(**question["limits"])
    try:
        _set_bounds(limits, path.stat().st_size)
        landlock.read_only(path)
        return _examined(question, path, limits, send)
    except PackageError as error:
        return {"refused": [error.code, error.subject, error.message]}
    except MemoryError:
        return {"memory": True}
    except OSError as error:
        return {"errno": error.errno or 0, "text": error.strerror or str(error)}
    except Exception as error:  # noqa: BLE001 (a bug of the readers: the other side tells it)
        return {"fault": f"{type(error).__name__}: {error}"}


def _read_several(question: dict[str, Any], send: Callable[[bytes], object]) -> None:
    """Answer on small packages one after the other; all that is not whole is left to a reader of its own."""
    paths, limits = [Path(path) for path in question["several"]], Limits(**question["limits"])
    _set_bounds(limits, 0)
    landlock.read_only(*paths)
    for path in paths:
        answer: dict[str, Any] = {"alone": True}
        with suppress(PackageError, OSError):
            answer = _examined(question, path, limits, send)
        send(json.dumps(answer).encode() + b"\n")


def _examined(
    question: dict[str, Any], path: Path, limits: Limits, send: Callable[[bytes], object]
) -> dict[str, Any]:
    """The answer on a package that is whole. Raises `PackageError` for others."""
    is_bag = question["bag"]
    problems = validate_bag(path, limits=limits, profile=question["bag_profile"]) if is_bag else []
    examiner = _examiner(question)
    with open_package(path, limits) as package:
        wanted = question["wanted"]
        sender = None if wanted is None else Sender(wanted, send)
        contents = Contents(package.noted, source_only=limits.source_only, top_folder=limits.top_folder)
        for member in package:
            if sender:
                sender.observe(member)
            seen = contents.see(member)
            if examiner:
                examiner.see(seen)
            if sender:
                sender.add(seen)
        contents.finish()
        if sender:
            sender.flush()
    examined = examiner.finish(path, limits) if examiner else {}
    return {"problems": problems, "warnings": package.warnings, "examined": examined}


def _examiner(question: dict[str, Any]) -> Examiner | None:
    named = question.get("examiner")
    if not named:
        return None
    module, _, name = named.partition(":")
    kind: type[Examiner] = getattr(importlib.import_module(module), name)
    return kind(question["arguments"])


def _set_bounds(limits: Limits, size: int) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    space = pages * resource.getpagesize() + limits.memory + TABLES
    seconds = limits.seconds + int(size / MIB * SECONDS_PER_MIB)
    for kind, most in (
        (resource.RLIMIT_AS, space),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
    ):
        _, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        # One second of grace tells "too long" (SIGXCPU) from a kill.
        resource.setrlimit(kind, (most, most + 1 if kind == resource.RLIMIT_CPU and most != hard else most))


def _send_whole(control: socket.socket, line: bytes) -> None:
    """Send a line without a tick in the middle of it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPROF})
    try:
        control.sendall(line)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGPROF})


def _tick(control: socket.socket) -> None:
    """Tell with every second of processor time that the work goes on."""

    def tell(number: int, frame: object) -> None:
        control.sendall(b".")

    signal.signal(signal.SIGPROF, tell)
    signal.setitimer(signal.ITIMER_PROF, 0.2, 1.0)
