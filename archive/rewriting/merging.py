"""Merging small packs into large ones, so that 10^6 small deposits end in hundreds of files.

The frames are copied as they are, and the index of objects is not touched: the row of a merged pack says which pack it
is in now, and how far its frames were shifted. A pack that is damaged is left out and told.

A crash at any line leaves the old packs in use or the new one, all whole: the new pack is durable and was read back
before the one transaction that replaces the old ones, and these stay until later (`retiring`).
"""

import hashlib
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from django.conf import settings
from django.db import connection, transaction

from archive import fixity
from archive.errors import ArchiveError, Damaged
from archive.locks import APPLICATION, Lock
from archive.models import FixityCheck, Outcome, Pack
from archive.packs import PackWriter
from archive.rewriting.copying import Piece, Unmergeable, piece_of
from archive.storage import Storage

log = logging.getLogger(__name__)

# In the background very small packs are merged when there are so many, others when they fill a large pack: so each
# byte is written anew about twice.
_MANY = 1000
_VERY_SMALL = 1024**2
# Lines of the index are held until the end.
_MOST_ROWS = 1_000_000
_STEP = 4 * 1024**2

_SOURCES = """
SELECT id, copies FROM archive_pack
WHERE id = ANY(%s) AND replaced_by_id IS NULL AND damaged_at IS NULL AND NOT to_erase
ORDER BY id FOR UPDATE
"""
_NEW = """
INSERT INTO archive_pack (sha256, size, rewritten, copies) VALUES (%s, %s, true, %s) RETURNING id
"""
# What is in the sources already by an earlier merge, then the sources themselves.
_MEMBERS = """
UPDATE archive_pack member SET replaced_by_id = %s, shift = member.shift + source.shift
FROM unnest(%s::bigint[], %s::bigint[]) source (id, shift) WHERE member.replaced_by_id = source.id
"""
_REPLACE = """
UPDATE archive_pack pack SET replaced_by_id = %s, shift = source.shift, remove_at = %s
FROM unnest(%s::bigint[], %s::bigint[]) source (id, shift) WHERE pack.id = source.id
"""


@dataclass(slots=True)
class Merged:
    """One new pack, and what went into it; bytes. ``left_out``: names of packs, and why."""

    name: str = ""
    size: int = 0
    packs: int = 0
    objects: int = 0
    left_out: list[tuple[str, str]] = field(default_factory=list)


class Overtaken(Exception):
    """One of the packs was replaced, damaged or is to be erased in meanwhile."""


# --- What is to be merged ------------------------------------------------------------------------------
def plan(*, everything: bool = False) -> list[list[int]]:
    """Numbers of packs in groups, each to become one pack, in the order in which they came.

    Packs of fewer than ARCHIVE_MERGE_BELOW bytes, until a group has ARCHIVE_MERGE_SIZE. What fills no group waits, but
    for a thousand very small ones; with ``everything`` it is a group, too.
    """
    enough = settings.ARCHIVE_MERGE_SIZE
    # What was made is not merged again.
    below = min(settings.ARCHIVE_MERGE_BELOW, enough)
    small = (
        Pack.objects.in_storage()
        .filter(size__lt=below, damaged_at=None, to_erase=False, stays_alone=False)
        .order_by("id")
        .values_list("id", "size")
    )
    groups: list[list[int]] = []
    group: list[int] = []
    waiting: list[int] = []
    held = 0
    for number, size in small.iterator():
        group.append(number)
        held += size
        if size < _VERY_SMALL:
            waiting.append(number)
        if held >= enough:
            groups.append(group)
            group, waiting, held = [], [], 0
    rest = group if everything else waiting if len(waiting) >= _MANY else []
    return [one for one in (*groups, rest) if len(one) > 1]


# --- Merging -------------------------------------------------------------------------------------------
def merge(
    storage: Storage, *, everything: bool = False, until: float | None = None, rate: fixity.Rate | None = None
) -> Iterator[Merged]:
    """Merge what is planned, one new pack after the other, until a moment of ``time.monotonic()``.

    Whoever calls holds the lock REWRITE. Safe to kill, and to run again. Raises OSError when the disk is full.
    """
    for numbers in plan(everything=everything):
        if until is not None and time.monotonic() > until:
            return
        try:
            yield merge_packs(storage, list(Pack.objects.filter(id__in=numbers).order_by("id")), rate=rate)
        except Overtaken:
            log.info("packs to be merged were changed meanwhile; another run takes what is left")


def merge_packs(storage: Storage, packs: Sequence[Pack], *, rate: fixity.Rate | None = None) -> Merged:
    """Merge these packs, in this order, into one. Raises Overtaken, Damaged and Unreadable (of the new pack)."""
    merged = Merged()
    shifts: dict[int, int] = {}
    writer = PackWriter(storage.workspace() / f"{uuid4()}.part")
    try:
        _copy(storage, packs, writer, merged, shifts, rate or fixity.Rate())
        if len(shifts) < 2:
            return merged
        merged.name, merged.size = writer.finish(), writer.offset
        storage.adopt(writer.path, merged.name)
    finally:
        writer.close()
        writer.path.unlink(missing_ok=True)
    started = datetime.now(UTC)
    try:
        require_sound(storage, merged.name)
        with transaction.atomic():
            _publish(merged, shifts, started)
    except (Overtaken, Damaged):
        # Nothing was committed; all other faults may have come after the commit.
        storage.delete(merged.name)
        raise
    log.info("merged packs=%d into=%s bytes=%d", merged.packs, merged.name, merged.size)
    return merged


def _copy(
    storage: Storage,
    packs: Sequence[Pack],
    writer: PackWriter,
    merged: Merged,
    shifts: dict[int, int],
    rate: fixity.Rate,
) -> None:
    large: set[str] = set()
    for pack in packs:
        piece = _read(storage, pack, large, merged)
        if piece is None:
            continue
        rate.spend(pack.size)
        large |= piece.large
        shift = shifts[pack.id] = writer.append_frames([piece.frames]) - piece.start
        writer.list_rows((row._replace(offset=row.offset + shift) for row in piece.rows), at_the_end=True)
        merged.packs += 1
        merged.objects += len(piece.rows)
        if merged.objects >= _MOST_ROWS:
            break


def _read(storage: Storage, pack: Pack, large: set[str], merged: Merged) -> Piece | None:
    try:
        with closing(storage.open(pack.name)) as file:
            piece = piece_of(file)
        if large & piece.large:
            raise Unmergeable(f"Pack {pack.name} calls a large object as another pack does.")
    except ArchiveError as error:
        # The audit finds it, too, says what is lost, and repairs it if it can.
        merged.left_out.append((pack.name, str(error)))
        log.warning("left out of merging pack=%s %s", pack.name, error)
        return None
    except Unmergeable as error:
        merged.left_out.append((pack.name, str(error)))
        Pack.objects.filter(id=pack.id).update(stays_alone=True)
        return None
    return piece


def require_sound(storage: Storage, name: str) -> None:
    """Read a new pack back, past the cache, before anything depends on it. Raises Damaged, Unreadable."""
    digest = hashlib.sha256()
    with closing(storage.open(name)) as file:
        forget = getattr(file, "forget_cache", None)
        if forget is not None:
            forget()
        for offset in range(0, file.size, _STEP):
            digest.update(file.read(offset, _STEP))
    if digest.hexdigest() != name:
        raise Damaged(f"Pack {name} was written, and the storage gives other bytes back.")


def _publish(merged: Merged, shifts: dict[int, int], started: datetime) -> None:
    numbers, moved = list(shifts), list(shifts.values())
    remove_at = datetime.now(UTC) + timedelta(seconds=settings.ARCHIVE_REPLACED_KEEP_SECONDS)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s, %s)", [APPLICATION, Lock.ERASED])
        cursor.execute(_SOURCES, [numbers])
        sources = dict(cursor.fetchall())
        if len(sources) != len(shifts):
            raise Overtaken
        copies = None if None in sources.values() else any(sources.values())
        cursor.execute(_NEW, [bytes.fromhex(merged.name), merged.size, copies])
        (new,) = cursor.fetchone()
        cursor.execute(_MEMBERS, [new, numbers, moved])
        cursor.execute(_REPLACE, [new, remove_at, numbers, moved])
    record_reading(new, merged.size, started)


def record_reading(pack: int, size: int, started: datetime) -> None:
    """That a new pack was read back, and is sound."""
    FixityCheck.objects.create(
        pack_id=pack, read=size, started_at=started, thorough=False, outcome=Outcome.SOUND, detail=""
    )
