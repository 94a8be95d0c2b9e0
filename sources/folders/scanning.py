"""What lies in a folder: names that count, cheap stamps of entries, exact versions of files and trees."""

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sources.reports import is_report

# What programs write while they are not done.
_UNFINISHED = (".tmp", ".part", ".partial", ".crdownload", ".filepart", "~")


@dataclass(frozen=True, slots=True)
class Stamp:
    """What `lstat` says of an entry; times in nanoseconds, sizes in bytes."""

    mode: int
    inode: int
    size: int
    modified: int

    @classmethod
    def of(cls, found: os.stat_result) -> "Stamp":
        """The stamp in a stat result."""
        return cls(stat.S_IFMT(found.st_mode), found.st_ino, found.st_size, found.st_mtime_ns)

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory, and no link to one."""
        return self.mode == stat.S_IFDIR

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link."""
        return self.mode == stat.S_IFLNK

    @property
    def counts(self) -> bool:
        """Whether it is something that can be an item at all."""
        return self.mode in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK)

    @property
    def version(self) -> str:
        """What tells a file from others that were or will be there under its name."""
        return f"{self.modified:x}.{self.size:x}.{self.inode:x}"


def is_ignored(name: str, pattern: "re.Pattern[str] | None" = None) -> bool:
    """Whether a name is hidden, unfinished, a report of ours, or matched by the source's own expression."""
    return (
        name.startswith(".")
        or name.lower().endswith(_UNFINISHED)
        or is_report(name)
        or (pattern is not None and pattern.search(name) is not None)
    )


def entries(root: Path, pattern: "re.Pattern[str] | None" = None) -> Iterator[tuple[str, Stamp]]:
    """The entries of a folder that count; one that vanishes meanwhile is left out. Raises `OSError`."""
    with os.scandir(root) as found:
        for entry in found:
            if not is_ignored(entry.name, pattern) and is_text(entry.name):
                try:
                    stamp = Stamp.of(entry.stat(follow_symlinks=False))
                except FileNotFoundError:
                    continue
                if stamp.counts:
                    yield entry.name, stamp


def is_text(name: str) -> bool:
    """Whether a name is UTF-8 without NUL, which the database and reports need."""
    try:
        return "\0" not in name and bool(name.encode())
    except UnicodeEncodeError:
        return False


def stamp_of(path: Path) -> Stamp | None:
    """The stamp of an entry; None when there is none. Raises `OSError`."""
    try:
        return Stamp.of(path.lstat())
    except (FileNotFoundError, NotADirectoryError):
        return None


def tree_version(root: Path) -> tuple[str, int]:
    """The version of a directory, from names, sizes and times of all that is in it; and its size in bytes.

    Raises `OSError` for what cannot be listed.
    """
    digest, total = hashlib.sha256(), 0
    for name, stamp in sorted(_below(root, "")):
        line = f"{name}\0{stamp.mode}\0{stamp.size if not stamp.is_directory else 0}\0{stamp.modified}\0"
        digest.update(line.encode("utf-8", "surrogateescape"))
        total += 0 if stamp.is_directory else stamp.size
    return f"tree.{digest.hexdigest()[:32]}", total


def _below(folder: Path, prefix: str) -> Iterator[tuple[str, Stamp]]:
    with os.scandir(folder) as found:
        for entry in found:
            name = prefix + entry.name
            stamp = Stamp.of(entry.stat(follow_symlinks=False))
            yield name, stamp
            if stamp.is_directory:
                yield from _below(Path(entry.path), f"{name}/")


def version_of(path: Path, stamp: Stamp) -> tuple[str, int]:
    """The exact version of an entry, and its size in bytes. Raises `OSError`."""
    return tree_version(path) if stamp.is_directory else (stamp.version, stamp.size)
