"""When an entry of a folder is complete: closed or moved in, nobody writes to it, and unchanged for a while.

Time is the watcher's own monotonic clock; a file's times are only compared with themselves, so that a file server
whose clock is wrong harms nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sources.folders.scanning import Stamp, stamp_of, version_of
from sources.folders.writers import is_written_to
from sources.places import Sighting

# How long an entry must be unchanged, in seconds: where the kernel tells who writes, and where it does not.
TOLD_SECONDS = 0.5
TOLD_TREE_SECONDS = 2.0
UNTOLD_SECONDS = 10.0


@dataclass(slots=True)
class _Pending:
    version: str
    size: int
    stamp: Stamp
    since: float


class Completeness:
    """Entries that were noticed and are not complete yet. ``stable_seconds`` None: the defaults above."""

    def __init__(self, root: Path, stable_seconds: float | None) -> None:
        self._root = root
        self._stable = stable_seconds
        self._pending: dict[str, _Pending | None] = {}
        self._closed: set[str] = set()
        self.vanished: list[str] = []

    def __len__(self) -> int:
        return len(self._pending)

    def __contains__(self, name: str) -> bool:
        return name in self._pending

    def notice(self, name: str, *, closed: bool | None = None) -> None:
        """Begin to look at an entry; one that is looked at already goes on as it is.

        ``closed``: whether the last that the kernel told of it is that it was closed or moved in.
        """
        self._pending.setdefault(name, None)
        if closed is not None:
            (self._closed.add if closed else self._closed.discard)(name)

    def names(self) -> list[str]:
        """What is looked at."""
        return list(self._pending)

    def complete(self, now: float) -> Iterator[tuple[Sighting, Stamp]]:
        """Those that have become complete by ``now``; they are looked at no longer. Raises `OSError`."""
        self.vanished = []
        self._closed &= self._pending.keys()
        for name in list(self._pending):
            pending = self._look(name, now)
            if pending is None:
                self.vanished.append(name)
                del self._pending[name]
            elif self._is_quiet(name, pending, now):
                del self._pending[name]
                yield (
                    Sighting(
                        key=name,
                        version=pending.version,
                        size=pending.size,
                        is_directory=pending.stamp.is_directory,
                    ),
                    pending.stamp,
                )

    def _look(self, name: str, now: float) -> _Pending | None:
        path = self._root / name
        stamp = stamp_of(path)
        if stamp is None:
            return None
        earlier = self._pending[name]
        if earlier and not stamp.is_directory and earlier.stamp == stamp:
            return earlier
        if earlier and stamp.is_directory and now - earlier.since < self._least(stamp) / 2:
            return earlier  # a tree is walked rarely: when it was first seen, and as it becomes quiet
        try:
            version, size = version_of(path, stamp)
        except (FileNotFoundError, PermissionError):
            version, size = stamp.version, stamp.size
        if earlier is None or earlier.version != version:
            self._pending[name] = _Pending(version, size, stamp, now)
        return self._pending[name]

    def _least(self, stamp: Stamp) -> float:
        if self._stable is not None:
            return self._stable
        return TOLD_TREE_SECONDS if stamp.is_directory else TOLD_SECONDS

    def _is_quiet(self, name: str, pending: _Pending, now: float) -> bool:
        quiet = now - pending.since
        if quiet < self._least(pending.stamp):
            return False
        written = is_written_to(self._root / name, pending.stamp)
        if written:
            return False
        is_told = written is False or (name in self._closed and not pending.stamp.is_directory)
        return is_told or self._stable is not None or quiet >= UNTOLD_SECONDS
