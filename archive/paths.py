"""Where an object lies: the directories chosen by the caller that hold it, with its path in each."""

from collections.abc import Callable

from archive.directories import entries_in
from archive.errors import ArchiveError
from archive.identifiers import SWHID, ObjectType
from archive.places import find
from archive.reading import Packs
from archive.retrieval import parents_of
from archive.storage import Storage

# Pairs of an object and a directory that holds it, looked at in one step; and objects that are looked at altogether.
_PAIRS = 2000
_OBJECTS = 20_000


def paths_to(
    identifier: bytes,
    chosen: Callable[[set[bytes]], set[bytes]],
    *,
    most: int,
    storage: Storage | None = None,
) -> list[tuple[bytes, bytes]]:
    """Pairs of a chosen directory and the object's path in it (empty for itself), at most ``most``.

    ``chosen`` tells which of some objects are chosen. Of an object with very many parents (the empty file) not all
    are looked through, so that none may be found. A directory that cannot be read now is left out.
    """
    below: dict[bytes, bytes] = {}  # of each directory that was met: what leads down from it
    level, met = {identifier}, {identifier}
    roots = sorted(chosen(level))
    while level and len(roots) < most and len(met) < _OBJECTS:
        above: set[bytes] = set()
        for child, parent in parents_of(level, _PAIRS):
            if parent not in met:
                below[parent] = child
                above.add(parent)
                met.add(parent)
        roots += sorted(chosen(above)) if above else []
        level = above
    with Packs(storage) as packs:
        paths = [(root, _path(root, identifier, below, packs)) for root in roots[:most]]
    return [(root, path) for root, path in paths if path is not None]


def _path(root: bytes, identifier: bytes, below: dict[bytes, bytes], packs: Packs) -> bytes | None:
    names: list[bytes] = []
    at = root
    while at != identifier:
        name = _name_of(below[at], at, packs)
        if name is None:
            return None
        names.append(name)
        at = below[at]
    return b"/".join(names)


def _name_of(child: bytes, directory: bytes, packs: Packs) -> bytes | None:
    place = find(SWHID(ObjectType.DIRECTORY, directory))
    if place is None:
        return None
    try:
        entries = entries_in(place.pack, place.row, packs)
        return next((entry.name for entry in entries if entry.target == child), None)
    except ArchiveError:
        return None
