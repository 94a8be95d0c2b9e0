"""Writing a pack anew without what was erased.

Frames that hold nothing of it are copied as they are. Objects whose frames only moved keep their rows, if their whole
pack (or the pack that was merged into it) moved alike; the others get new ones, as a set.
"""

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from io import StringIO
from uuid import uuid4

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from archive.errors import Damaged
from archive.locks import APPLICATION, Lock
from archive.models import TYPES, ErasedObject, FixityCheck, Outcome, Pack
from archive.packs import LARGE, PackReader, PackWriter, Row
from archive.packs.scanner import salvage
from archive.places import erased_among
from archive.rewriting.copying import copy_without
from archive.rewriting.merging import record_reading, require_sound
from archive.storage import Storage
from archive.storage.replicated import copy_pack

# Up to so many erased objects are compared in memory.
_MANY = 200_000

_TABLES = """
CREATE TEMPORARY TABLE IF NOT EXISTS archive_moved (sha1_git bytea, "offset" bigint, stored bigint, position integer)
ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS archive_matched (
    sha1_git bytea, pack_id bigint, shift bigint, same boolean
) ON COMMIT DELETE ROWS;
TRUNCATE archive_moved, archive_matched
"""
_COPY = 'COPY archive_moved (sha1_git, "offset", stored, position) FROM STDIN'
# Objects of a pack, or of a pack in it, that are in the table: how far each was shifted, and whether its frame is the
# same.
_MATCH = """
INSERT INTO archive_matched
SELECT object.sha1_git, object.pack_id, moved."offset" - object."offset",
    moved.stored = object.stored AND moved.position = object.position
FROM archive_moved moved JOIN archive_object object USING (sha1_git) JOIN archive_pack pack ON pack.id = object.pack_id
WHERE coalesce(pack.replaced_by_id, pack.id) = %(old)s
"""
# Whether there is something in the pack that its objects' rows do not tell of.
_COPIES = "SELECT (SELECT count(*) FROM archive_moved) <> (SELECT count(*) FROM archive_matched)"
_NEW = "INSERT INTO archive_pack (sha256, size, rewritten, to_erase, copies) VALUES (%s, %s, true, %s, %s) RETURNING id"
# The old pack, or a pack in it, all of whose objects were shifted alike.
_SHIFT = """
UPDATE archive_pack pack SET replaced_by_id = %(new)s, shift = alike.shift FROM (
    SELECT pack_id, min(shift) AS shift FROM archive_matched GROUP BY pack_id
    HAVING bool_and(same) AND min(shift) = max(shift)
) alike WHERE pack.id = alike.pack_id
"""
_OTHERS = "SELECT id FROM archive_pack WHERE coalesce(replaced_by_id, id) = %(old)s"
_MOVE = """
UPDATE archive_object object
SET pack_id = %(new)s, "offset" = moved."offset", stored = moved.stored, position = moved.position
FROM archive_matched matched JOIN archive_moved moved USING (sha1_git)
WHERE matched.pack_id = ANY(%(others)s)
AND object.sha1_git = matched.sha1_git AND object.pack_id = matched.pack_id
"""
# Objects of the old pack that are not in the new one: they were in its damage.
_LOST = """
DELETE FROM archive_object WHERE pack_id = ANY(%(others)s) RETURNING kind, sha1_git
"""
_REPLACE = "UPDATE archive_pack SET replaced_by_id = %(new)s, shift = 0 WHERE id = ANY(%(others)s)"


class Result(StrEnum):
    """What became of one pack."""

    REWRITTEN = "rewritten"
    # It was looked through and held nothing of what was erased.
    CLEAN = "clean"
    # It could not be read, or its file is still to be removed: see the detail; running again goes on.
    WAITING = "waiting"


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """One pack: its name, what became of it, how many objects were taken out, bytes read and written."""

    pack: str
    outcome: Result
    erased: int = 0
    read: int = 0
    written: int = 0
    detail: str = ""


def rewrite(storage: Storage, replica: Storage | None, pack: Pack) -> Progress:
    """Write a pack anew without what was erased, and let the new one replace it; its file may then go at once.

    One that is damaged is repaired from the replica first; if that has no sound copy, what is whole is taken. Whoever
    calls holds the lock REWRITE. Raises Unreadable, OSError.
    """
    try:
        return _rewrite(storage, pack, salvaging=False)
    except Damaged:
        pass
    if replica is not None:
        try:
            copy_pack(replica, storage, pack.name)
            return _rewrite(storage, pack, salvaging=False)
        except Damaged:
            pass
    return _rewrite(storage, pack, salvaging=True)


def _rewrite(storage: Storage, pack: Pack, *, salvaging: bool) -> Progress:
    last = _last_erasure()
    with closing(PackReader(storage.open(pack.name))) as reader:
        sound = [row for row in salvage(reader.file) if isinstance(row, Row)] if salvaging else None
        gone = _gone(reader.rows() if sound is None else sound)
        if not gone and sound is None:
            _note_clean(pack, reader, last)
            return Progress(pack=pack.name, outcome=Result.CLEAN)
        writer = PackWriter(storage.workspace() / f"{uuid4()}.part")
        try:
            if sound is None:
                copy_without(reader, gone, writer)
            else:
                _copy_sound(reader, (row for row in sound if row.name not in gone), writer)
            name = writer.finish()
            storage.adopt(writer.path, name)
        finally:
            writer.close()
            writer.path.unlink(missing_ok=True)
    started = datetime.now(UTC)
    require_sound(storage, name)
    with closing(PackReader(storage.open(name))) as made, transaction.atomic():
        lost = _replace(pack, made, last, started)
    detail = f"It was damaged, and {lost} objects of it are lost." if lost else ""
    return Progress(
        pack=pack.name,
        outcome=Result.REWRITTEN,
        erased=len(gone),
        read=pack.size,
        written=writer.offset,
        detail=detail,
    )


def _last_erasure() -> int:
    newest = ErasedObject.objects.order_by("-id").values_list("id", flat=True).first()
    return newest or 0


def _gone(rows: Iterable[Row]) -> frozenset[str]:
    """The names of those that were erased."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM archive_erasedobject")
        (number,) = cursor.fetchone()
    if number > _MANY:
        return frozenset(
            str(swhid) for swhid in erased_among(row.swhid for row in rows if row.name[0] == "s")
        )
    erased = {str(row.swhid) for row in ErasedObject.objects.iterator()}
    return frozenset(row.name for row in rows if row.name in erased)


def _copy_sound(reader: PackReader, rows: Iterable[Row], writer: PackWriter) -> None:
    for row in rows:
        if row.name.startswith("visit/"):
            writer.put_visit(row.name, reader.read(row))
        elif row.length <= LARGE:
            writer.put(row.swhid, reader.read(row), row.sha256)
        else:
            writer.begin_large(row.swhid.type, row.length)
            for chunk in reader.stream(row, 0, row.length):
                writer.write_large(chunk)
            writer.end_large(row.swhid, row.length, row.sha256)


# --- The index -----------------------------------------------------------------------------------------
def _match(cursor: CursorWrapper, reader: PackReader, old: int) -> None:
    """Where objects are in a pack, beside where they were in the old one, into tables of the session."""
    lines = StringIO()
    for row in reader.rows():
        if row.name[0] == "s":
            lines.write(f"\\\\x{row.name[10:]}\t{row.offset}\t{row.stored}\t{row.position}\n")
    lines.seek(0)
    cursor.execute(_TABLES)
    with connection.wrap_database_errors:
        cursor.copy_expert(_COPY, lines)
    cursor.execute("ANALYZE archive_moved")
    cursor.execute(_MATCH, {"old": old})


def _has_new_erasures(cursor: CursorWrapper, last: int) -> bool:
    """Whether more was erased since; as long as this transaction lasts, nothing will be."""
    cursor.execute("SELECT pg_advisory_xact_lock_shared(%s, %s)", [APPLICATION, Lock.ERASED])
    return ErasedObject.objects.filter(id__gt=last).exists()


def _note_clean(pack: Pack, reader: PackReader, last: int) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        _match(cursor, reader, pack.id)
        cursor.execute(_COPIES)
        (copies,) = cursor.fetchone()
        if not _has_new_erasures(cursor, last):
            # Unless loads bring objects of it back at this moment.
            copies = None if pack.damaged_at else copies
            Pack.objects.filter(id=pack.id).update(to_erase=False, copies=copies)


def _replace(old: Pack, made: PackReader, last: int, started: datetime) -> int:
    """Let the new pack replace the old one; returns how many objects were lost."""
    with connection.cursor() as cursor:
        _match(cursor, made, old.id)
        again = _has_new_erasures(cursor, last)
        cursor.execute(_COPIES)
        (copies,) = cursor.fetchone()
        if Pack.objects.select_for_update().get(id=old.id).damaged_at:
            # Loads may bring objects of it back at this moment.
            copies = None
        cursor.execute(_NEW, [bytes.fromhex(made.file.name), made.file.size, again, copies])
        (new,) = cursor.fetchone()
        cursor.execute(_SHIFT, {"new": new})
        cursor.execute(_OTHERS, {"old": old.id})
        numbers = {"new": new, "others": [number for (number,) in cursor.fetchall()]}
        cursor.execute(_MOVE, numbers)
        cursor.execute(_LOST, numbers)
        lost = [f"swh:1:{TYPES[kind].value}:{bytes(sha1_git).hex()}" for kind, sha1_git in cursor.fetchall()]
        cursor.execute(_REPLACE, numbers)
        # Files of packs that were merged into the old one, too, if they are still there.
        Pack.objects.filter(replaced_by_id=new, remove_at__isnull=False).update(
            remove_at=started, to_erase=True
        )
        Pack.objects.filter(id=old.id).update(remove_at=started, to_erase=True, damaged_at=None)
    record_reading(new, made.file.size, started)
    if lost:
        _record_loss(old, lost, started)
    return len(lost)


def _record_loss(old: Pack, lost: list[str], started: datetime) -> None:
    FixityCheck.objects.create(
        pack=old,
        read=old.size,
        started_at=started,
        thorough=True,
        outcome=Outcome.DAMAGED,
        detail="It was damaged when it was written anew without what was erased; these objects are lost.",
        lost=lost[:1000],
    )
