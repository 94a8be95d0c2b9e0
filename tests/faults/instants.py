"""Every instant at which a process touches the disk or the database, counted, so that each can be made its last.

As SQLite tests itself: first the instants of a run are counted; then the run is repeated once for each, and at that
instant the process dies without a word, or the call fails.
"""

import contextlib
import errno
import io
import os
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

Happen = Callable[[str], None]


class Watched(io.FileIO):
    """A file whose writes are instants."""

    happen: Happen

    def write(self, data: Any) -> int:
        """Write half, then the rest: the instant lies between."""
        half = super().write(memoryview(data)[: len(data) // 2]) if len(data) > 1 else 0
        self.happen("write")
        return half + super().write(memoryview(data)[half:])


@contextlib.contextmanager
def watched(happen: Happen) -> Iterator[None]:
    """For the block, call ``happen`` at each instant: before it takes effect, and for commits also after."""
    real_open = io.open

    def opened(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if mode != "xb":
            return real_open(file, mode, *args, **kwargs)
        happen("create")
        found = Watched(file, mode)
        found.happen = happen
        return found

    def before(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            happen(name)
            return real(*args, **kwargs)

        return call

    def commit(self: BaseDatabaseWrapper) -> None:
        happen("commit")
        real_commit(self)
        happen("committed")

    real_commit = BaseDatabaseWrapper._commit  # type: ignore[attr-defined]
    with contextlib.ExitStack() as patches:
        patches.enter_context(mock.patch.object(io, "open", opened))
        for name in ("fsync", "fdatasync", "rename", "unlink", "mkdir"):
            patches.enter_context(mock.patch.object(os, name, before(name, getattr(os, name))))
        patches.enter_context(mock.patch.object(BaseDatabaseWrapper, "_commit", commit))
        patches.enter_context(
            mock.patch.object(CursorWrapper, "execute", before("sql", CursorWrapper.execute))
        )
        yield


class Nth:
    """Does something at the n-th instant."""

    def __init__(self, number: int, act: Callable[[str], None]) -> None:
        self.seen: list[str] = []
        self._number, self._act = number, act

    def __call__(self, name: str) -> None:
        self.seen.append(name)
        if len(self.seen) == self._number:
            self._act(name)


def die(name: str) -> None:
    """The process is gone: nothing is tidied up, no lock given back, no answer sent."""
    os._exit(9)


def fail(name: str) -> None:
    """The call fails: the disk is full, the database away."""
    if name in ("sql", "commit", "committed"):
        raise OperationalError("the connection was cut")
    raise OSError(errno.ENOSPC, "No space left on device")
