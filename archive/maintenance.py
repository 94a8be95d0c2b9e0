"""Keeping index and packs in step: rebuild the index, compare both ways, deal with what dead loads left behind."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from archive import index
from archive.errors import Damaged, PackMissing
from archive.identifiers import SWHID
from archive.models import TYPES, Object, Pack
from archive.packs import PackReader, Row
from archive.packs.scanner import Gap, salvage
from archive.replication import removed
from archive.stage import stage
from archive.storage import Storage, StoredPack

# A sealed pack is published within seconds; one that is unpublished for a day belongs to a dead load.
ORPHAN_AGE = timedelta(days=1)
_SAMPLE = 20


def pack_names() -> set[str]:
    """The packs that the index knows, also those that were replaced."""
    return {pack.name for pack in Pack.objects.only("sha256").iterator()}


# --- Rebuilding ----------------------------------------------------------------------------------------
class Rebuilt(NamedTuple):
    """What became of one pack; ``gaps`` is not empty when it had to be salvaged."""

    name: str
    objects: int
    gaps: list[Gap]


def publish_pack(storage: Storage, name: str) -> Rebuilt:
    """Make a pack visible in a transaction of its own; of a damaged one, what is whole. Raises Unreadable."""
    reader = PackReader(storage.open(name))
    with closing(reader):
        try:
            with transaction.atomic():
                number = index.publish(reader)
            gaps: list[Gap] = []
        except Damaged:
            rows, gaps = split(salvage(reader.file))
            with transaction.atomic():
                number = index.publish(reader, rows)
                Pack.objects.filter(id=number, damaged_at=None).update(damaged_at=datetime.now(UTC))
    return Rebuilt(name, Object.objects.filter(pack_id=number).count(), gaps)


def split(found: Iterator[Row | Gap]) -> tuple[list[Row], list[Gap]]:
    """What a scan found, apart."""
    rows: list[Row] = []
    gaps: list[Gap] = []
    for one in found:
        if isinstance(one, Row):
            rows.append(one)
        else:
            gaps.append(one)
    return rows, gaps


def rebuild(storage: Storage) -> Iterator[Rebuilt]:
    """Publish every pack of the storage that the index does not know; with an empty index that is all of them.

    Each pack is one transaction, so that it can be stopped and called again.
    """
    known = pack_names()
    for stored in storage.packs():
        if stored.name not in known:
            yield publish_pack(storage, stored.name)


# --- Comparing -----------------------------------------------------------------------------------------
@dataclass(slots=True)
class Difference:
    """How one pack and the index disagree; counts, and some examples."""

    pack: str
    reason: str
    count: int = 1
    examples: list[SWHID] = field(default_factory=list)


# Packs of small deposits are compared many at a time: a transaction for each would cost far more than its rows. Few
# enough for a transaction of a second or so.
_PACKS_AT_ONCE = 500
_BYTES_AT_ONCE = 64 * 1024**2

# What was erased is told by the pack's own mark.
_NOT_INDEXED = """
SELECT stage.pack_id, stage.kind, stage.sha1_git FROM archive_stage stage WHERE NOT EXISTS (
    SELECT FROM archive_object object WHERE object.sha1_git = stage.sha1_git AND object.kind = stage.kind
    AND object.length = stage.length AND object.sha256 IS NOT DISTINCT FROM stage.sha256)
AND NOT EXISTS (SELECT FROM archive_erasedobject erased WHERE erased.sha1_git = stage.sha1_git)
"""
# A pack that was merged into another lies in it, shifted as a whole.
_NOT_PACKED = """
SELECT pack.now AS pack_id, object.kind, object.sha1_git FROM archive_object object JOIN (
    SELECT id, shift, coalesce(replaced_by_id, id) AS now FROM archive_pack
    WHERE id = ANY(%(packs)s) OR replaced_by_id = ANY(%(packs)s)
) pack ON pack.id = object.pack_id
WHERE (object.pack_id = ANY(%(packs)s) OR object.pack_id BETWEEN %(first)s AND %(last)s) AND NOT EXISTS (
    SELECT FROM archive_stage stage WHERE stage.sha1_git = object.sha1_git AND stage.pack_id = pack.now
    AND stage."offset" = object."offset" + pack.shift AND stage.stored = object.stored
    AND stage.position = object.position
    AND stage.length = object.length AND stage.targets IS NOT DISTINCT FROM object.targets)
"""
_MEMBERS = (
    "SELECT coalesce(min(id), 0), coalesce(max(id), 0) FROM archive_pack WHERE replaced_by_id = ANY(%s)"
)
_PACK_UNKNOWN = """
SELECT object.pack_id, object.kind, object.sha1_git FROM archive_object object
WHERE NOT EXISTS (SELECT FROM archive_pack pack WHERE pack.id = object.pack_id)
"""
_TO_ERASE = "it holds, or may hold, objects that were erased: `manage.py archive erase` takes them out"
_GROUPED = (
    "SELECT pack_id, count(*), (array_agg(kind))[:{0}], (array_agg(sha1_git))[:{0}] FROM ({1}) x GROUP BY 1"
)


def verify(storage: Storage, *, age: timedelta = ORPHAN_AGE) -> Iterator[Difference | None]:
    """Compare index and packs both ways: None for each pack that agrees, else how it does not.

    Packs' own indexes and the objects above the contents are read, contents are not; that is the audit's business.
    Raises Unreadable.
    """
    stored = {pack.name: pack for pack in storage.packs()}
    for packs in _batches(Pack.objects.in_storage().order_by("id").iterator()):
        found: dict[int, list[Difference]] = {}
        whole: list[Pack] = []
        for pack in packs:
            reason, is_whole = _look_at(pack, stored.pop(pack.name, None))
            if reason:
                found[pack.id] = [Difference(pack.name, reason)]
            if is_whole:
                whole.append(pack)
        for number, more in _compare(storage, whole).items():
            found.setdefault(number, []).extend(more)
        for pack in packs:
            yield from found.get(pack.id, [None])
    yield from _without_pack()
    yield from _without_row(stored, age)


def _look_at(pack: Pack, stored: StoredPack | None) -> tuple[str, bool]:
    """What is wrong with a pack at first sight, and whether it is to be read."""
    if stored is None:
        return "the index knows this pack and the storage does not have it", False
    if stored.size != pack.size:
        return f"it has {stored.size} bytes, the index says {pack.size}", False
    return _TO_ERASE if pack.to_erase else "", True


def _without_row(stored: dict[str, StoredPack], age: timedelta) -> Iterator[Difference]:
    """What the storage has and the index does not name as in use."""
    wanted = [bytes.fromhex(name) for name in stored]
    replaced = {pack.name: pack for pack in Pack.objects.filter(sha256__in=wanted).iterator()}
    for orphan in stored.values():
        pack = replaced.get(orphan.name)
        if pack is None:
            if datetime.now(UTC) - orphan.stored_at > age:
                reason = "the storage has this pack and the index does not know it (an orphan)"
                yield Difference(orphan.name, reason)
        elif pack.to_erase:
            yield Difference(orphan.name, _TO_ERASE)
        elif pack.remove_at is None:
            yield Difference(orphan.name, "it was replaced and removed, and is in the storage again")


def _batches(packs: Iterator[Pack]) -> Iterator[list[Pack]]:
    batch: list[Pack] = []
    for pack in packs:
        batch.append(pack)
        if len(batch) == _PACKS_AT_ONCE or sum(one.size for one in batch) > _BYTES_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _compare(storage: Storage, packs: list[Pack]) -> dict[int, list[Difference]]:
    """How these packs (by number) differ from the index; those that agree are left out."""
    found: dict[int, list[Difference]] = {}
    with transaction.atomic(), connection.cursor() as cursor:
        for pack in packs:
            try:
                # A savepoint: what was staged of a damaged pack goes again.
                with closing(PackReader(storage.open(pack.name))) as reader, transaction.atomic():
                    stage(cursor, reader, reader.rows(), pack.id)
            except (Damaged, PackMissing) as error:
                found[pack.id] = [Difference(pack.name, str(error))]
        staged = {pack.id: pack.name for pack in packs if pack.id not in found}
        if staged:
            # Without it PostgreSQL takes the table for small, and compares each object with all rows of its pack.
            cursor.execute("ANALYZE archive_stage")
            for number, difference in _differences(cursor, staged):
                found.setdefault(number, []).append(difference)
            cursor.execute("TRUNCATE archive_stage")
    return found


def _differences(cursor: CursorWrapper, names: dict[int, str]) -> Iterator[tuple[int, Difference]]:
    packs = list(names)
    for number, count, examples in _grouped(cursor, _NOT_INDEXED, {}):
        reason = "objects of the pack are not in the index"
        yield number, Difference(names[number], reason, count, examples)
    cursor.execute(_MEMBERS, [packs])
    first, last = cursor.fetchone()
    # PostgreSQL would look through the index by pack anew for each of the thousands that were merged into one.
    cursor.execute("SET LOCAL enable_nestloop = off")
    for number, count, examples in _grouped(
        cursor, _NOT_PACKED, {"packs": packs, "first": first, "last": last}
    ):
        reason = "objects of the index are not where it says in the pack"
        yield number, Difference(names[number], reason, count, examples)
    cursor.execute("SET LOCAL enable_nestloop = on")


def _without_pack() -> Iterator[Difference]:
    with connection.cursor() as cursor:
        for number, count, examples in _grouped(cursor, _PACK_UNKNOWN, {}):
            yield Difference(
                f"pack number {number}",
                "objects of the index are in a pack that it does not know",
                count,
                examples,
            )


def _grouped(
    cursor: CursorWrapper, query: str, parameters: dict[str, Any]
) -> Iterator[tuple[int, int, list[SWHID]]]:
    """By the number of the pack: how many objects a query finds, and some of them."""
    cursor.execute(_GROUPED.format(_SAMPLE, query), parameters)
    for number, count, kinds, hashes in cursor.fetchall():
        yield number, count, [SWHID(TYPES[kind], bytes(one)) for kind, one in zip(kinds, hashes, strict=True)]


# --- Orphans -------------------------------------------------------------------------------------------
def returned(storage: Storage) -> list[StoredPack]:
    """Packs that were replaced and removed, and whose files are there again (from a copy of the storage, say)."""
    there = {pack.name: pack for pack in storage.packs()}
    return [there[name] for name in sorted(removed(there))]


def orphans(storage: Storage, *, age: timedelta = ORPHAN_AGE) -> list[StoredPack]:
    """Packs that the index does not know and that no load can still be about to publish."""
    known = pack_names()
    before = datetime.now(UTC) - age
    return [pack for pack in storage.packs() if pack.name not in known and pack.stored_at < before]


def remove_orphans(storage: Storage, *, age: timedelta = ORPHAN_AGE) -> list[StoredPack]:
    """Delete orphans, replaced packs whose files came back, and files of loads that died while writing."""
    found = orphans(storage, age=age)
    for pack in found:
        # Asked again right before: a rebuild may have taken it in meanwhile.
        if not Pack.objects.filter(sha256=bytes.fromhex(pack.name)).exists():
            storage.delete(pack.name)
    back = returned(storage)
    for pack in back:
        storage.delete(pack.name)
    before = (datetime.now(UTC) - age).timestamp()
    for path in storage.workspace().glob("*.part"):
        try:
            if path.stat().st_mtime < before:
                path.unlink()
        except FileNotFoundError:
            continue
    return [*found, *back]
