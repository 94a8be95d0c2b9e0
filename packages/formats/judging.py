"""Judging files in a process of its own, with bounds on memory and time: pictures are decoded there, and nowhere else.

``python -m packages.formats.judging`` reads lines of JSON, ``{"file": …, "name": …}``, and answers each with one:
``{}`` for a file that can be preserved, else ``{"reason": …, "detail": …, "code": …}``.
"""

import atexit
import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from packages.formats.preservable import NotPreservable, judge

# A picture of 120 million pixels takes a third of it. In bytes.
MEMORY = 4 * 1024**3
SECONDS = 3600
# How long a process is given new packages; far below the processor time that it has in all.
REUSED_SECONDS = 300.0
_DIED = "The file could not be examined: it takes more memory or time than it may."

Judge = Callable[[Path, str], NotPreservable | None]


class JudgeDied(Exception):
    """The process ended without an answer about a file."""


@contextmanager
def judging() -> Iterator[Judge]:
    """A function that judges a file by its content and its name in the package; it raises JudgeDied.

    The process is this thread's, and is used for the packages of a few minutes: its start takes longer than most of
    them. Whatever goes wrong ends it.
    """
    judge: _Process | None = getattr(_own, "judge", None)
    _own.judge = None
    if judge is None or not judge.is_usable:
        if judge is not None:
            judge.end()
        judge = _Process()
    try:
        yield judge.ask
    except BaseException:
        judge.end()
        raise
    _own.judge = judge


class _Process:
    """The other end of a judging process; one question at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "packages.formats.judging"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=Path(__file__).resolve().parents[2],
            env={},
        )
        self._began, self._owner = time.monotonic(), os.getpid()
        atexit.register(self.end)

    @property
    def is_usable(self) -> bool:
        """Whether it is this process's own, lives, and is young."""
        young = time.monotonic() - self._began < REUSED_SECONDS
        return young and self._owner == os.getpid() and self._process.poll() is None

    def ask(self, file: Path, name: str) -> NotPreservable | None:
        """What keeps a file from being preserved. Raises JudgeDied."""
        questions, answers = self._process.stdin, self._process.stdout
        assert questions is not None
        assert answers is not None
        try:
            questions.write(json.dumps({"file": str(file), "name": name}) + "\n")
            questions.flush()
            line = answers.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self.end()
            raise JudgeDied(_DIED)
        told = json.loads(line)
        return NotPreservable(told["reason"], told["detail"], told["code"]) if told else None

    def end(self) -> None:
        """End it, and wait until it is gone; a fork's copy is another's to end."""
        atexit.unregister(self.end)
        if self._owner == os.getpid():
            self._process.kill()
            with suppress(BrokenPipeError):
                self._process.communicate()


_own = threading.local()


def _answer(question: dict[str, str]) -> dict[str, str]:
    try:
        judge(Path(question["file"]), question["name"])
    except NotPreservable as refused:
        return {"reason": refused.reason, "detail": refused.detail, "code": refused.code}
    return {}


def _serve() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_answer(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
