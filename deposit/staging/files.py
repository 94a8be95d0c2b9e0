"""The way of the bytes, first step: from the socket into a staging file, hashed in the same pass.

A package is written below ``STAGING_ROOT/incoming``, renamed to a name of its own below
``STAGING_ROOT/packages/<day>``, and synced; only then may a row name it. A file that no row names is garbage:
`storage.staging_file` removes what a refused request wrote, the cleanup what a crash left. With a bucket the folder is
this machine's own: marks of what arrives, and what is fetched to be read.
"""

import errno
import os
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from django.conf import settings

from deposit.refusals import Kind, Refusal
from deposit.staging.hashing import Hashing

# The name of a file that arrives: its own, whose it is, and how many bytes were promised.
_ARRIVING = re.compile(r"(?P<id>[0-9a-f]{32})\.(?P<client>\d+)\.(?P<promised>\d+)\.part")

# An upload to which nothing was written for so long is over, whatever became of it; the HTTP server gives up on
# silent clients long before. In seconds.
_LIVE_SECONDS = 600.0

# Days whose folder this process knows to be durable.
_durable_days: set[Path] = set()


@dataclass(frozen=True, kw_only=True, slots=True)
class StagedFile:
    """A package that is safely on disk: synced, hashed, and named below ``STAGING_ROOT``."""

    stored_as: str
    size: int  # bytes
    sha256: str  # hex
    md5: str | None  # hex, when asked for


@lru_cache(maxsize=4)
def _folder(name: str) -> Path:
    """A folder by its name: to make a path takes longer than to use it."""
    return Path(name)


def root() -> Path:
    """The directory of all staged bytes."""
    return _folder(settings.STAGING_ROOT)


def path_of(stored_as: str) -> Path:
    """Where a staged file lies; the name comes from the record, never from a client."""
    return root() / stored_as


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def day_directory() -> Path:
    """The folder of today's packages, durable."""
    day = root() / "packages" / f"{datetime.now(UTC):%Y-%m-%d}"
    if day not in _durable_days:
        # Also when it exists: whoever made it may not have synced it yet.
        day.mkdir(parents=True, exist_ok=True)
        for parent in (day.parent, day.parent.parent):
            sync_directory(parent)
        _durable_days.add(day)
    return day


class StagingFile:
    """A package while it arrives. ``write`` the chunks, then ``finish``; anything else ends in ``discard``."""

    def __init__(self, *, limit: int, with_md5: bool = False, client: int = 0, promised: int = 0) -> None:
        incoming = root() / "incoming"
        self._id = uuid.uuid4().hex
        self._path = incoming / f"{self._id}.{client}.{promised}.part"
        try:
            self._file = self._opened()
        except OSError as error:
            raise storage_full(error) from error
        self._hashing = Hashing(with_md5=with_md5)
        self._limit = limit
        self.size = 0
        self.finished = False

    def _opened(self) -> FileIO:
        try:
            return self._path.open("xb", buffering=0)
        except FileNotFoundError:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return self._path.open("xb", buffering=0)

    def take_copy(self, source: object) -> bool:
        """A folder takes no copies: the bytes have to come."""
        return False

    def write(self, chunk: bytes) -> None:
        """Append a chunk; raises `Refusal` when the package grows past its limit."""
        self.size += len(chunk)
        if self.size > self._limit:
            raise too_large(self._limit)
        self._hashing.update(chunk)
        view = memoryview(chunk)
        while view:
            try:
                view = view[self._file.write(view) :]
            except OSError as error:
                raise storage_full(error) from error

    def finish(self) -> StagedFile:
        """Give the file its final name, sync it, sync the directory."""
        try:
            day = day_directory()
            final = day / self._id
            # First, so that one entry in the file system's journal holds both; a row names it when all is durable.
            self._path.rename(final)
            self._path = final
            os.fsync(self._file.fileno())
            self._file.close()
            sync_directory(day)
            self.finished = True
        except OSError as error:
            raise storage_full(error) from error
        sha256, md5 = self._hashing.digests()
        return StagedFile(stored_as=str(final.relative_to(root())), size=self.size, sha256=sha256, md5=md5)

    def close(self) -> None:
        """Let go of the file; it stays where it is."""
        self._file.close()

    def discard(self) -> None:
        """Leave nothing behind."""
        self.close()
        with suppress(FileNotFoundError):
            self._path.unlink()


class ComparedFile:
    """A package that has come before: hashed like a `StagingFile`, and kept nowhere."""

    def __init__(self, *, limit: int) -> None:
        self._hashing = Hashing(with_md5=True)
        self._limit = limit
        self.size = 0

    def write(self, chunk: bytes) -> None:
        """Hash a chunk; raises `Refusal` when the package grows past its limit."""
        self.size += len(chunk)
        if self.size > self._limit:
            raise too_large(self._limit)
        self._hashing.update(chunk)

    def finish(self) -> StagedFile:
        """What it was; there is no file."""
        sha256, md5 = self._hashing.digests()
        return StagedFile(stored_as="", size=self.size, sha256=sha256, md5=md5)


class Upload(NamedTuple):
    """A package on its way in: whose it is (0: nobody's in particular), and how many bytes are still to come."""

    client: int
    missing: int


def arriving() -> Iterator[Upload]:
    """The uploads under way, in all processes of all hosts, by the names of their files."""
    live = time.time() - _LIVE_SECONDS
    incoming = root() / "incoming"
    for entry in os.scandir(incoming) if incoming.is_dir() else ():
        match = _ARRIVING.fullmatch(entry.name)
        with suppress(FileNotFoundError):
            if match and (status := entry.stat()).st_mtime > live:
                yield Upload(int(match["client"]), max(0, int(match["promised"]) - status.st_size))


@contextmanager
def announced(client: int, length: int) -> Iterator[Path]:
    """Others are told, by this file, that ``length`` bytes of a client are on their way to somewhere else."""
    incoming = root() / "incoming"
    incoming.mkdir(parents=True, exist_ok=True)
    mark = incoming / f"{uuid.uuid4().hex}.{client}.{length}.part"
    mark.touch(mode=0o600)
    try:
        yield mark
    finally:
        mark.unlink(missing_ok=True)


def require_room(length: int) -> None:
    """Raises `Refusal` when ``length`` more bytes, and what others are still to send, would fill the disk."""
    if refuses_uploads(length):
        raise storage_is_full()


def refuses_uploads(length: int = 0) -> bool:
    """Whether uploads of ``length`` bytes are answered 507: the disk has no more than is reserved or promised."""
    folder = root()
    space = os.statvfs(folder if folder.is_dir() else folder.parent)
    free = space.f_bavail * space.f_frsize - sum(upload.missing for upload in arriving())
    return free - length < settings.RESERVED_BYTES


def too_large(limit: int) -> Refusal:
    """The refusal of a package over the limit, in bytes."""
    return Refusal(
        Kind.TOO_LARGE,
        "upload.too_large",
        f"Upload size limit exceeded (max {limit} bytes).",
        f"Please consider sending the archive in multiple steps, each of at most {limit} bytes.",
    )


def storage_full(error: OSError) -> Exception:
    """The 507 `Refusal` for a full disk; any other error as it is."""
    return storage_is_full() if error.errno in (errno.ENOSPC, errno.EDQUOT) else error


def storage_is_full() -> Refusal:
    """The 507 for a disk without room."""
    return Refusal(
        Kind.STORAGE_FULL,
        "storage.full",
        "The server has no room for this package at the moment.",
        "Nothing was kept. Please try again later; the operators can see that the disk is full.",
    )


def removed(path: Path) -> bool:
    """Unlink a file; whether it was there."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def folders(parent: Path) -> list[Path]:
    """The folders in a folder, by name; none where that is not there."""
    if not parent.is_dir():
        return []
    return sorted(Path(entry.path) for entry in os.scandir(parent) if entry.is_dir(follow_symlinks=False))


def old_files(folder: Path, age: timedelta) -> Iterator[Path]:
    """The files in a folder to which nothing was written for ``age``."""
    if not folder.is_dir():
        return
    before = (datetime.now(UTC) - age).timestamp()
    for entry in os.scandir(folder):
        with suppress(FileNotFoundError):
            if entry.is_file(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_mtime <= before:
                yield Path(entry.path)
