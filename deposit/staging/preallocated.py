"""Files of a size that is known before their bytes come, and which fill in any order (segmented uploads).

A promise takes no room on the disk: the file has holes until bytes come, for anybody can promise, and take it back.

Nobody holds a lock while bytes arrive. Each piece is written under the file's shared lock, for as long as one write
takes, and only while the file is open for writing; sealing it takes the exclusive lock. So a connection that hung
for an hour and then goes on cannot change bytes that somebody has checked since.
"""

import fcntl
import hashlib
import os
import stat
import uuid
from contextlib import suppress

from deposit.staging import files

_SEALED_MODE = 0o400


def new_name() -> str:
    """A name for a file that is to be reserved, as `Part.stored_as`; its folder exists and is durable."""
    day = files.day_directory()
    return str((day / uuid.uuid4().hex).relative_to(files.root()))


def make(stored_as: str, size: int) -> None:
    """Make the file in its whole length, of holes. Raises a 507 `Refusal` when there is no room, and leaves nothing."""
    path = files.path_of(stored_as)
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        os.ftruncate(handle, size)
        os.fsync(handle)
    except OSError as error:
        path.unlink()
        raise files.storage_full(error) from error
    finally:
        os.close(handle)
    files.sync_directory(path.parent)


def seal(stored_as: str) -> None:
    """Nothing is written to the file from here on, by nobody. Doing it twice is no error."""
    handle = os.open(files.path_of(stored_as), os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        os.fchmod(handle, _SEALED_MODE)
        os.fsync(handle)
    finally:
        os.close(handle)


class Sealed(Exception):
    """The file takes no more bytes: it has been sealed, or is gone."""


class PreallocatedRegion:
    """One region of a reserved file while its bytes arrive: written in order, hashed in the same pass."""

    def __init__(self, stored_as: str, *, offset: int, size: int) -> None:
        try:
            self._handle = os.open(files.path_of(stored_as), os.O_WRONLY)
        except (FileNotFoundError, PermissionError) as error:
            raise Sealed from error
        self._offset, self._left = offset, size
        self._sha256 = hashlib.sha256()

    def write(self, chunk: bytes) -> None:
        """Put a chunk after the one before. Raises `Sealed`; ``ValueError`` past the end of the region."""
        if len(chunk) > self._left:
            raise ValueError("more bytes than the region has room for")
        self._sha256.update(chunk)
        try:
            self._write(memoryview(chunk))
        except OSError as error:
            raise files.storage_full(error) from error
        self._left -= len(chunk)

    def _write(self, view: memoryview) -> None:
        fcntl.flock(self._handle, fcntl.LOCK_SH)
        try:
            if not stat.S_IMODE(os.fstat(self._handle).st_mode) & stat.S_IWUSR:
                raise Sealed
            while view:
                written = os.pwrite(self._handle, view, self._offset)
                self._offset += written
                view = view[written:]
        finally:
            fcntl.flock(self._handle, fcntl.LOCK_UN)

    @property
    def missing(self) -> int:
        """How many bytes are still to come."""
        return self._left

    @property
    def sha256(self) -> str:
        """Of the bytes so far, in hex."""
        return self._sha256.hexdigest()

    def sync(self) -> None:
        """Make the bytes durable."""
        try:
            os.fdatasync(self._handle)
        except OSError as error:
            raise files.storage_full(error) from error

    def close(self) -> None:
        """Let go of the file."""
        with suppress(OSError):
            os.close(self._handle)
