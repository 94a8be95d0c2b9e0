"""A model of what a power cut leaves: only bytes that were synced, under names whose folder was synced."""

import contextlib
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from django.db.backends.base.base import BaseDatabaseWrapper


class Disk:
    """Follows writes, syncs and renames below a folder, and knows what would survive at each moment."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.written: dict[int, int] = {}  # inode -> bytes
        self.synced: dict[int, int] = {}
        self.names: set[Path] = set()  # whose entry in their folder is durable
        self.pending: set[Path] = set()  # made since their folder was last synced

    def survives(self, path: Path) -> bool:
        """Whether a file would be there, whole, and reachable from the top."""
        inode = path.stat().st_ino
        if self.synced.get(inode, -1) != path.stat().st_size:
            return False
        while path != self.top:
            if path in self.pending or path not in self.names:
                return False
            path = path.parent
        return True

    def wrote(self, descriptor: int) -> None:
        status = os.fstat(descriptor)
        self.written[status.st_ino] = status.st_size
        self.synced.pop(status.st_ino, None)

    def sync(self, descriptor: int) -> None:
        status = os.fstat(descriptor)
        self.synced[status.st_ino] = status.st_size
        folder = Path(f"/proc/self/fd/{descriptor}").readlink()
        if folder.is_dir():
            settled = {path for path in self.pending if path.parent == folder}
            self.pending -= settled
            self.names |= settled

    def made(self, path: Path) -> None:
        self.pending.add(path)

    def moved(self, old: Path, new: Path) -> None:
        for names in (self.pending, self.names):
            names.discard(old)
        self.pending.add(new)


@contextlib.contextmanager
def followed(disk: Disk, at_commit: Callable[[], None]) -> Iterator[None]:
    """For the block, the disk follows; ``at_commit`` is called after each commit of the database."""
    real: dict[str, Any] = {
        name: getattr(os, name) for name in ("fsync", "fdatasync", "rename", "mkdir", "write")
    }
    real_open, real_commit = io.open, BaseDatabaseWrapper._commit  # type: ignore[attr-defined]

    class Followed(io.FileIO):
        def write(self, data: Any) -> int:
            count = super().write(data)
            disk.wrote(self.fileno())
            return count

        def truncate(self, size: int | None = None) -> int:
            count = super().truncate(size)
            disk.wrote(self.fileno())
            return count

    def opened(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if mode != "xb":
            return real_open(file, mode, *args, **kwargs)
        disk.made(Path(file))
        return Followed(file, mode)

    def sync(descriptor: int) -> None:
        real["fsync"](descriptor)
        disk.sync(descriptor)

    def rename(old: Any, new: Any, **kwargs: Any) -> None:
        real["rename"](old, new, **kwargs)
        disk.moved(Path(old), Path(new))

    def mkdir(path: Any, *args: Any, **kwargs: Any) -> None:
        real["mkdir"](path, *args, **kwargs)
        disk.made(Path(path))

    def commit(self: BaseDatabaseWrapper) -> None:
        real_commit(self)
        at_commit()

    with contextlib.ExitStack() as patches:
        patches.enter_context(mock.patch.object(io, "open", opened))
        patches.enter_context(mock.patch.object(os, "fsync", sync))
        patches.enter_context(mock.patch.object(os, "fdatasync", sync))
        patches.enter_context(mock.patch.object(os, "rename", rename))
        patches.enter_context(mock.patch.object(os, "mkdir", mkdir))
        patches.enter_context(mock.patch.object(BaseDatabaseWrapper, "_commit", commit))
        yield
