"""Reading the package's file: by position, never more than asked for, never past its end."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from packages.refusals import truncated

READ = 256 * 1024
_SMALL = 4 * 1024


class PackageFile:
    """A regular file, opened for reading; its size is taken once, and a file that shrinks is an OSError."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        status = os.fstat(self._descriptor)
        self.size = status.st_size
        if not stat.S_ISREG(status.st_mode):
            self.close()
            raise OSError(f"{path} is not a regular file")

    def read(self, position: int, length: int) -> bytes:
        """Exactly ``length`` bytes; PackageError if the package ends before."""
        if position + length > self.size:
            raise truncated()
        data = os.pread(self._descriptor, length, position)
        while len(data) < length:
            more = os.pread(self._descriptor, length - len(data), position + len(data))
            if not more:
                raise OSError("the package became shorter while it was read")
            data += more
        return data

    def blocks(self, position: int, length: int) -> Iterator[bytes]:
        """A stretch of the file in blocks of 256 KiB."""
        end = position + length
        while position < end:
            block = self.read(position, min(READ, end - position))
            position += len(block)
            yield block

    def close(self) -> None:
        """Release the file; a second call does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class Window:
    """Small reads that mostly go forward through a file: one system call for many of them."""

    def __init__(self, file: PackageFile) -> None:
        self._file = file
        self._start = 0
        self._data = b""

    def read(self, position: int, length: int) -> bytes:
        """Exactly ``length`` bytes; PackageError if the package ends before."""
        offset = position - self._start
        if offset >= 0 and offset + length <= len(self._data):
            return self._data[offset : offset + length]
        forward = 0 <= offset <= len(self._data) + READ
        ahead = max(length, READ if forward else _SMALL)
        if position + length > self._file.size:
            raise truncated()
        self._data = self._file.read(position, min(ahead, self._file.size - position))
        self._start = position
        return self._data[:length]
