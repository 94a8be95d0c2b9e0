"""Reading from the archive: objects by identifier, directories, paths, and where an object occurs."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from archive import index
from archive.directories import Page, entry_named, manifest_of, page_after
from archive.errors import NotFound
from archive.identifiers import SWHID, ObjectType, origin_id
from archive.models import KINDS, TYPES, Visit
from archive.objects import DIRECTORY, Entry, Metadata, Release, Snapshot
from archive.places import Place, places, require
from archive.reading import Packs
from archive.storage import Storage


def known(swhids: Iterable[SWHID]) -> set[SWHID]:
    """Which of these the archive has; origins are asked for by their own identifiers. At most two queries."""
    wanted = set(swhids)
    objects = {swhid for swhid in wanted if swhid.type is not ObjectType.ORIGIN}
    found = index.known([swhid.hash for swhid in objects])
    answer = {swhid for swhid in objects if swhid.hash in found and found[swhid.hash].kind is swhid.type}
    origins = [swhid.hash for swhid in wanted - objects]
    if origins:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT sha1 FROM archive_origin WHERE sha1 = ANY(%s::bytea[])", [index.bytea_array(origins)]
            )
            answer |= {SWHID(ObjectType.ORIGIN, bytes(sha1)) for (sha1,) in cursor.fetchall()}
    return answer


def find_by_sha256(sha256: bytes) -> SWHID | None:
    """The content with this SHA-256 (32 bytes), if the archive has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sha1_git FROM archive_object WHERE sha256 = %s", [sha256])
        row = cursor.fetchone()
    return None if row is None else SWHID(ObjectType.CONTENT, bytes(row[0]))


def read_object(swhid: SWHID, storage: Storage | None = None) -> bytes:
    """The manifest of an object (for a content: its bytes). Raises NotFound, Damaged, Unreadable."""
    place = require(swhid)
    with Packs(storage) as packs:
        return packs.read(place.pack, place.row)


def release(identifier: bytes, storage: Storage | None = None) -> Release:
    """A release by its identifier, 20 bytes."""
    return Release.parse(read_object(SWHID(ObjectType.RELEASE, identifier), storage))


def snapshot(identifier: bytes, storage: Storage | None = None) -> Snapshot:
    """A snapshot by its identifier, 20 bytes."""
    return Snapshot.parse(read_object(SWHID(ObjectType.SNAPSHOT, identifier), storage))


def metadata_of(target: SWHID, storage: Storage | None = None) -> list[Metadata]:
    """The documents about an object, oldest first."""
    with _by_target() as ask:
        found = ask.column(
            "SELECT sha1_git FROM archive_object WHERE targets @> ARRAY[%s]::bytea[] AND kind = %s",
            [target.hash, KINDS[ObjectType.METADATA]],
        )
    swhids = [SWHID(ObjectType.METADATA, identifier) for identifier in found]
    with Packs(storage) as packs:
        documents = [Metadata.parse(packs.read(place.pack, place.row)) for place in places(swhids).values()]
    return sorted(documents, key=lambda one: (one.discovery_date, one.id))


def visits(origin: str) -> list[Visit]:
    """The visits of an origin, oldest first."""
    return list(Visit.objects.filter(origin__sha1=origin_id(origin)).order_by("date", "id"))


# --- Contents ------------------------------------------------------------------------------------------
def open_content(
    swhid: SWHID, start: int = 0, stop: int | None = None, *, storage: Storage | None = None
) -> tuple[int, Iterator[bytes]]:
    """A content: its whole length in bytes, and an iterator of chunks of bytes ``start`` to ``stop`` (exclusive).

    Only what the range needs is read. Raises NotFound at once, Damaged and Unreadable also while iterating.
    """
    place = require(swhid)
    length = place.row.length
    bounds = max(0, start), min(length, length if stop is None else stop)
    packs = Packs(storage)
    try:
        place = packs.current(*place)
    except BaseException:
        packs.close()
        raise
    return length, _chunks(packs, place, bounds)


def _chunks(packs: Packs, place: Place, bounds: tuple[int, int]) -> Iterator[bytes]:
    with packs:
        yield from packs.stream(place.pack, place.row, *bounds)


# --- Directories ---------------------------------------------------------------------------------------
def directory_page(
    identifier: bytes, *, after: bytes = b"", most: int = 2000, storage: Storage | None = None
) -> Page:
    """Some entries of a directory in git's order: the first ones, or those after one of this name. Raises NotFound."""
    place = require(SWHID(ObjectType.DIRECTORY, identifier))
    with Packs(storage) as packs, manifest_of(identifier, *place, packs) as chunks:
        return page_after(chunks, after, most)


def resolve(directory: bytes, path: bytes, storage: Storage | None = None) -> Entry:
    """What a path below a directory names; the empty path is the directory itself. Raises NotFound.

    Symbolic links are answered, not followed.
    """
    entry: Entry | None = Entry(b"", DIRECTORY, directory)
    with Packs(storage) as packs:
        for name in path.strip(b"/").split(b"/") if path.strip(b"/") else []:
            entry = _child(entry, name, packs) if entry and entry.mode == DIRECTORY else None
    if entry is None:
        raise NotFound(f"There is no {path!r} in {SWHID(ObjectType.DIRECTORY, directory)}.")
    return entry


def _child(entry: Entry, name: bytes, packs: Packs) -> Entry | None:
    place = require(entry.swhid)
    with manifest_of(entry.target, *place, packs) as chunks:
        return entry_named(chunks, name)


# --- Where an object occurs ----------------------------------------------------------------------------
# A walk upward that meets more pairs of child and parent than this goes down from the roots instead.
_POPULAR = 2000
# Directories that are looked through downward. What lies below more of them is not found; their identifiers would
# fill the memory.
_MOST_BELOW = 100_000

# Child by child through the index: the targets of a parent are never unfolded. (Of a folder with 10^6 entries that took
# 0.39 s a question, and takes 0.6 ms so.)
_PARENTS = """
SELECT child, parent.sha1_git FROM unnest(%s::bytea[]) child CROSS JOIN LATERAL (
    SELECT sha1_git FROM archive_object WHERE targets @> ARRAY[child] AND kind = ANY(%s) LIMIT %s
) parent LIMIT %s
"""
_CHILDREN = """
SELECT DISTINCT child FROM archive_object, unnest(targets[1:branching]) child WHERE sha1_git = ANY(%s::bytea[])
"""
_CHILDREN_LIMITED = _CHILDREN + " LIMIT %s"
_HELD = """
SELECT DISTINCT child FROM archive_object, unnest(%s::bytea[]) child
WHERE sha1_git = ANY(%s::bytea[]) AND targets @> ARRAY[child]
"""


def occurrences(identifier: bytes, limit: int = 100) -> list[SWHID]:
    """Directories, releases and snapshots that point at an object, in no order, at most ``limit``."""
    kinds = [KINDS[ObjectType.DIRECTORY], KINDS[ObjectType.RELEASE], KINDS[ObjectType.SNAPSHOT]]
    with _by_target() as ask:
        found = ask.rows(
            "SELECT kind, sha1_git FROM archive_object WHERE targets @> ARRAY[%s]::bytea[] AND kind = ANY(%s) LIMIT %s",
            [identifier, kinds, limit],
        )
    return [SWHID(TYPES[kind], bytes(sha1_git)) for kind, sha1_git in found]


def parents_of(identifiers: Iterable[bytes], most: int) -> list[tuple[bytes, bytes]]:
    """Pairs of one of these objects and a directory that holds it, in no order, at most ``most``. One query."""
    with _by_target() as ask:
        array = index.bytea_array(identifiers)
        pairs = ask.rows(_PARENTS, [array, [KINDS[ObjectType.DIRECTORY]], most, most])
    return [(bytes(child), bytes(parent)) for child, parent in pairs]


def contains(roots: Sequence[bytes], identifier: bytes) -> bool:
    """Whether an object is one of these objects (directories, releases, snapshots) or can be reached from one."""
    chosen = set(roots)
    return bool(held([identifier], chosen.intersection, lambda: chosen))


def held(
    identifiers: Iterable[bytes],
    chosen: Callable[[set[bytes]], set[bytes]],
    roots: Callable[[], Iterable[bytes]],
) -> set[bytes]:
    """Which of these objects are chosen ones, or can be reached from one.

    ``chosen`` tells which of some objects are chosen; ``roots`` names chosen ones and is asked only about objects
    with very many parents (the empty file). Walks upward from all objects together, level by level, which is short
    for nearly all; the others are looked for downward from the roots. Each level is one query and one question.
    """
    wanted = set(identifiers)
    found = chosen(wanted) if wanted else set()
    if found == wanted:
        return found
    with _by_target() as ask:
        above, unsure = _upward(ask, wanted - found, chosen)
        found |= above
        return found | _downward(ask, set(roots()), unsure) if unsure else found


def targets_of(identifiers: Iterable[bytes]) -> set[bytes]:
    """What directories, releases and snapshots point at; of directories their directories only. One query."""
    with _by_target() as ask:
        return set(ask.column(_CHILDREN, [index.bytea_array(identifiers)]))


class _Ask:
    """One cursor for questions that the index by target must answer."""

    def __init__(self, cursor: CursorWrapper) -> None:
        self._cursor = cursor

    def rows(self, query: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
        self._cursor.execute(query, parameters)
        return list(self._cursor.fetchall())

    def column(self, query: str, parameters: list[Any]) -> list[bytes]:
        return [bytes(row[0]) for row in self.rows(query, parameters)]


@contextmanager
def _by_target() -> Iterator[_Ask]:
    """Ask with sequential scans forbidden.

    PostgreSQL cannot know that an identifier is rare: with a LIMIT it would read the whole table, hoping to find
    enough soon (measured: 13 s instead of milliseconds at 10^7 contents).
    """
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        yield _Ask(cursor)
        cursor.execute("SET LOCAL enable_seqscan = on")


def _upward(
    ask: _Ask, wanted: set[bytes], chosen: Callable[[set[bytes]], set[bytes]]
) -> tuple[set[bytes], set[bytes]]:
    """Which of the wanted are below chosen ones, and which have too many parents to tell."""
    kinds = [KINDS[ObjectType.DIRECTORY], KINDS[ObjectType.RELEASE], KINDS[ObjectType.SNAPSHOT]]
    most = _POPULAR + 10 * len(wanted)
    found: set[bytes] = set()
    # Of every object that was met: which of the wanted are below it.
    seen: dict[bytes, set[bytes]] = {}
    level = {one: {one} for one in wanted}
    while level:
        array = index.bytea_array(level)
        pairs = ask.rows(_PARENTS, [array, kinds, most, most])
        above: dict[bytes, set[bytes]] = {}
        for child, parent in pairs:
            above.setdefault(bytes(parent), set()).update(level[bytes(child)])
        for parent in chosen(set(above)) if above else ():
            found |= above[parent]
        if len(pairs) >= most or len(seen) >= 10 * most:
            return found, wanted - found
        level = {}
        for parent, below in above.items():
            if new := below - found - seen.get(parent, set()):
                seen.setdefault(parent, set()).update(new)
                level[parent] = new
    return found, set()


def _downward(ask: _Ask, roots: set[bytes], wanted: set[bytes]) -> set[bytes]:
    found = wanted & roots
    seen, level = set(roots), roots
    while level and found != wanted:
        array = index.bytea_array(level)
        found |= set(ask.column(_HELD, [index.bytea_array(wanted - found), array]))
        level = set(ask.column(_CHILDREN_LIMITED, [array, _MOST_BELOW])) - seen
        seen |= level
        if len(seen) > _MOST_BELOW:
            break
    return found
