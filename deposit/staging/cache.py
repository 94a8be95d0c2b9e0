"""A folder of this machine with copies of staged files, of bounded size: what was not read for longest goes first.

A file that is larger than the bound comes in when it is alone: it waits for the others, and they for it.

A copy that is read is held by a shared lock, and not removed. Room is taken before the bytes come, under one lock for
all processes of the machine. A copy has its name when it is whole.
"""

import errno
import fcntl
import os
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from deposit.staging.interface import StagingAway

# Ranges that are fetched at once, and how long each is, in bytes.
_AT_ONCE = 4
RANGE = 16 * 1024**2
# How long a reader waits for others to let go of their copies, in seconds; then its work is tried again later.
WAIT_SECONDS = 60.0
_LOOK_SECONDS = 0.25
_HALF = ".part"

Read = Callable[[int, int], bytes]


class Cache:
    """Copies in ``folder``, of ``most`` bytes together."""

    def __init__(self, folder: Path, most: int) -> None:
        self._folder = folder
        self._most = most

    @contextmanager
    def holding(
        self, name: str, *, size: Callable[[], int], read: Read, alive: Callable[[], None]
    ) -> Iterator[Path]:
        """A copy of the file ``name``, for the block; ``read`` gets the bytes from a position up to another.

        Raises `StagingAway` when there is no room for it, and what ``size``, ``read`` and ``alive`` raise.
        """
        path = self._folder / name.replace("/", ".")
        handle = _held(path)
        if handle is None:
            handle = self._fetched(path, size(), read, alive)
        try:
            yield path
        finally:
            os.close(handle)

    def forget(self, name: str) -> None:
        """Remove the copy of a file, if there is one."""
        (self._folder / name.replace("/", ".")).unlink(missing_ok=True)

    def _fetched(self, path: Path, size: int, read: Read, alive: Callable[[], None]) -> int:
        """Fetch a copy; the handle that holds it. Two may do it at once: the later one takes what the other has."""
        half = path.with_name(f".{path.name}.{uuid.uuid4().hex}{_HALF}")
        handle = self._reserve(half, size, alive)
        try:
            _fill(handle, size, read, alive)
            with self._alone():
                other = _held(path)
                if other is None:
                    half.rename(path)
                    return handle
        except BaseException:
            os.close(handle)
            half.unlink(missing_ok=True)
            raise
        os.close(handle)
        half.unlink(missing_ok=True)
        return other

    def _reserve(self, half: Path, size: int, alive: Callable[[], None]) -> int:
        """A file of its size, held; older copies make room. Raises `StagingAway`."""
        deadline = time.monotonic() + WAIT_SECONDS
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        while True:
            with self._alone():
                if self._make_room(size):
                    return _made(half, size)
            if time.monotonic() > deadline:
                raise StagingAway(
                    f"There was no room for {size} bytes in {self._folder}: others are being read."
                )
            time.sleep(_LOOK_SECONDS)
            alive()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        lock = os.open(self._folder / ".lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _make_room(self, size: int) -> bool:
        """Remove what nobody reads, the oldest first, until ``size`` bytes fit; whether they do."""
        found = []
        for entry in os.scandir(self._folder):
            with suppress(FileNotFoundError):
                if entry.name != ".lock":
                    status = entry.stat(follow_symlinks=False)
                    # What a process left half, when it died, goes first.
                    found.append(
                        (not entry.name.endswith(_HALF), status.st_mtime, status.st_size, entry.path)
                    )
        used = sum(length for _, _, length, _ in found)
        for _, _, length, path in sorted(found):
            if used + size <= self._most:
                break
            if _unlinked(path):
                used -= length
        return not used or used + size <= self._most


def _held(path: Path) -> int | None:
    """A handle that holds a copy; None when there is none."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    fcntl.flock(handle, fcntl.LOCK_SH)
    if not os.fstat(handle).st_nlink:
        # It was removed before it was held.
        os.close(handle)
        return None
    # By the exact clock: the kernel's own stamps are too coarse to tell readers apart that follow each other.
    now = time.time_ns()
    with suppress(OSError):
        os.utime(handle, ns=(now, now))
    return handle


def _made(half: Path, size: int) -> int:
    handle = os.open(half, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH)
        if size:
            os.posix_fallocate(handle, 0, size)
    except OSError as error:
        os.close(handle)
        half.unlink(missing_ok=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StagingAway(f"The disk of {half.parent} is full.") from error
        raise
    return handle


def _unlinked(path: str) -> bool:
    """Remove a copy, unless somebody holds it."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        Path(path).unlink()
    except BlockingIOError:
        return False
    except FileNotFoundError:
        return True
    finally:
        os.close(handle)
    return True


def _fill(handle: int, size: int, read: Read, alive: Callable[[], None]) -> None:
    if size <= RANGE:
        _copy(handle, read, 0, size)
        return
    ranges = [(at, min(at + RANGE, size)) for at in range(0, size, RANGE)]
    with _stopping(ThreadPoolExecutor(_AT_ONCE)) as threads:
        for _ in threads.map(lambda each: _copy(handle, read, *each), ranges):
            alive()


@contextmanager
def _stopping(threads: ThreadPoolExecutor) -> Iterator[ThreadPoolExecutor]:
    """What has not begun when the block fails is not begun."""
    try:
        yield threads
    finally:
        threads.shutdown(cancel_futures=True)


def _copy(handle: int, read: Read, start: int, stop: int) -> None:
    if start == stop:
        return
    data = memoryview(read(start, stop))
    if len(data) != stop - start:
        raise StagingAway(f"{len(data)} bytes came instead of {stop - start}.")
    while data:
        written = os.pwrite(handle, data, start)
        start, data = start + written, data[written:]
