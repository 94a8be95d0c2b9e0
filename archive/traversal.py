"""A directory and all below it, in order, with where each object is: few queries, bounded memory."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from archive.directories import entries_in
from archive.identifiers import SWHID, ObjectType
from archive.objects import DIRECTORY, Entry
from archive.packs import LARGE
from archive.places import Place, missing, places
from archive.reading import Packs

# So many entries are looked up with one query.
_WINDOW = 512
# Directories ahead of the walk are read until their manifests have so many bytes.
_AHEAD = 4 * 1024**2


@dataclass(slots=True)
class Found:
    """An entry of the walk. ``place`` is None for what the archive does not hold (a git submodule)."""

    path: bytes
    mode: int
    swhid: SWHID
    place: Place | None = None
    expanded: bool = False


def walk(directory: bytes, packs: Packs) -> Iterator[Found]:
    """Everything below a directory (20 bytes), each directory before what is in it, in git's order."""
    root = Found(b"", DIRECTORY, SWHID(ObjectType.DIRECTORY, directory))
    return _Walk(root, packs).run()


def walk_over(directories: Sequence[bytes], packs: Packs) -> Iterator[Found]:
    """Everything below directories that are laid over each other, the uppermost first.

    What stands at the top of one hides what has the same name at the top of those below it.
    """
    hidden: set[bytes] = set()
    for directory in directories:
        tops: set[bytes] = set()
        for found in walk(directory, packs):
            top = found.path.partition(b"/")[0]
            if top not in hidden:
                tops.add(top)
                yield found
        hidden |= tops


class _Walk:
    """Entries not yet given out wait in ``ahead``: single ones, and iterators over directories that were read."""

    def __init__(self, root: Found, packs: Packs) -> None:
        self._packs = packs
        _locate([root])
        self._ahead: deque[Found | Iterator[Found]] = deque([self._children(root)[0]])

    def run(self) -> Iterator[Found]:
        """Give out the entries."""
        while window := self._window():
            if self._expand(window):
                continue
            yield from window

    def _window(self) -> list[Found]:
        """The next entries, taken from ``ahead`` and looked up."""
        window: list[Found] = []
        while self._ahead and len(window) < _WINDOW:
            node = self._ahead.popleft()
            if isinstance(node, Found):
                window.append(node)
                continue
            one = next(node, None)
            if one is not None:
                self._ahead.appendleft(node)
                window.append(one)
        _locate([one for one in window if one.place is None and not one.expanded])
        return window

    def _expand(self, window: list[Found]) -> bool:
        """Read directories of the window and put it back with what is in them; False if there were none."""
        if all(one.expanded or one.mode != DIRECTORY for one in window):
            return False
        nodes: list[Found | Iterator[Found]] = []
        read = 0
        for one in window:
            nodes.append(one)
            if one.mode == DIRECTORY and not one.expanded and read < _AHEAD:
                children, length = self._children(one)
                nodes.append(children)
                read += length
        self._ahead.extendleft(reversed(nodes))
        return True

    def _children(self, found: Found) -> tuple[Iterator[Found], int]:
        if found.place is None:
            raise missing(found.swhid)
        entries = entries_in(found.place.pack, found.place.row, self._packs)
        found.expanded = True
        prefix = found.path + b"/" if found.path else b""
        # Of a long directory one piece is in memory.
        return (_found(prefix, entry) for entry in entries), min(found.place.row.length, LARGE)


def _found(prefix: bytes, entry: Entry) -> Found:
    return Found(prefix + entry.name, entry.mode, entry.swhid)


def _locate(entries: list[Found]) -> None:
    if entries:
        where = places({entry.swhid for entry in entries})
        for entry in entries:
            entry.place = where.get(entry.swhid)
