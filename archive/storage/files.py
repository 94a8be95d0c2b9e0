"""Packs in a folder."""

import contextlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from archive.errors import PackMissing, Unreadable
from archive.storage.interface import SUFFIX, StoredPack


class LocalPack:
    """A pack in a file."""

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        try:
            self._file = path.open("rb", buffering=0)
            self.size = os.fstat(self._file.fileno()).st_size
        except FileNotFoundError as error:
            raise PackMissing(f"Pack {name} is not at {path}.") from error
        except OSError as error:
            raise Unreadable(f"Pack {name} cannot be opened now: {error}.") from error

    def read(self, offset: int, length: int) -> bytes:
        """The bytes of a range; fewer when the pack ends before."""
        parts: list[bytes] = []
        try:
            while length > 0 and (part := os.pread(self._file.fileno(), length, offset)):
                parts.append(part)
                offset, length = offset + len(part), length - len(part)
        except OSError as error:
            raise Unreadable(f"Pack {self.name} cannot be read now at byte {offset}: {error}.") from error
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def forget_cache(self) -> None:
        """Read from the disk again, not from memory."""
        os.posix_fadvise(self._file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def sync_directory(path: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class FileStorage:
    """Packs in a folder: ``packs/<first two digits>/<name>.tar.zst``; unfinished ones in ``incoming/``."""

    def __init__(self, root: Path) -> None:
        self._packs = root / "packs"
        self._incoming = root / "incoming"
        self._durable: set[Path] = set()

    def path(self, name: str) -> Path:
        """Where a pack is or would be."""
        return self._packs / name[:2] / (name + SUFFIX)

    def workspace(self) -> Path:
        """A folder on the same file system, so that adopting is a rename."""
        self._incoming.mkdir(parents=True, exist_ok=True)
        return self._incoming

    def adopt(self, path: Path, name: str) -> None:
        """Rename, then sync the folder: a pack has its name only when it is whole."""
        target = self.path(name)
        if target.parent not in self._durable:
            # Also when it exists: whoever made it may not have synced it yet.
            target.parent.mkdir(parents=True, exist_ok=True)
            sync_directory(self._packs)
            sync_directory(self._packs.parent)
            self._durable.add(target.parent)
        path.rename(target)
        sync_directory(target.parent)

    def open(self, name: str) -> LocalPack:
        """Open a pack's file."""
        return LocalPack(self.path(name), name)

    def packs(self) -> Iterator[StoredPack]:
        """Walk the folders."""
        try:
            for folder in sorted(self._packs.iterdir()) if self._packs.exists() else []:
                for path in sorted(folder.glob("*" + SUFFIX)):
                    with contextlib.suppress(FileNotFoundError):
                        status = path.stat()
                        moment = datetime.fromtimestamp(status.st_mtime, UTC)
                        yield StoredPack(path.name.removesuffix(SUFFIX), status.st_size, moment)
        except OSError as error:
            raise Unreadable(f"The packs in {self._packs} cannot be listed now: {error}.") from error

    def delete(self, name: str) -> None:
        """Unlink a pack's file."""
        self.path(name).unlink(missing_ok=True)
