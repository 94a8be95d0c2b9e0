"""Writing the index: what a pack holds becomes visible, set by set, never row by row.

A load and a rebuild call the same function, so that every load proves that the index can be rebuilt.
"""

from collections.abc import Iterable
from typing import NamedTuple

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from archive.errors import Collision, ErasedMeanwhile
from archive.identifiers import ObjectType, origin_id
from archive.locks import APPLICATION, Lock
from archive.models import TYPES
from archive.packs import PackReader, Row
from archive.stage import COLUMNS, stage

# Also what came into a damaged pack by merging.
_IN_DAMAGED_PACK = """pack_id IN (
    SELECT id FROM archive_pack WHERE damaged_at IS NOT NULL UNION ALL
    SELECT member.id FROM archive_pack pack JOIN archive_pack member ON member.replaced_by_id = pack.id
    WHERE pack.damaged_at IS NOT NULL
)"""

# In order, so that two loads of the same contents wait for each other and never in a circle. What the archive has
# stays where it is, unless its pack is damaged.
_MERGE = f"""
INSERT INTO archive_object AS object ({COLUMNS})
SELECT DISTINCT ON (sha1_git) {COLUMNS} FROM archive_stage ORDER BY sha1_git
ON CONFLICT (sha1_git) DO UPDATE SET
    "offset" = excluded."offset", stored = excluded.stored, pack_id = excluded.pack_id, position = excluded.position
WHERE object.{_IN_DAMAGED_PACK} AND object.pack_id <> excluded.pack_id
    AND object.sha256 IS NOT DISTINCT FROM excluded.sha256 AND object.length = excluded.length
"""  # noqa: S608 - the names are constants above
# No erasure is decided while this transaction publishes by what it has read. And the rows of most loads are not to be
# sorted on disk.
_BEGIN = "SELECT pg_advisory_xact_lock_shared(%s, %s), set_config('work_mem', '64MB', true)"
_COLLISIONS = """
SELECT stage.sha1_git FROM archive_stage stage JOIN archive_object object USING (sha1_git)
WHERE object.sha256 IS DISTINCT FROM stage.sha256 OR object.length <> stage.length OR object.kind <> stage.kind
LIMIT 1
"""
_LAST_ERASURE = "SELECT coalesce(max(id), 0) FROM archive_erasedobject"
_PACK = f"""
INSERT INTO archive_pack (sha256, size, copies) VALUES (%s, %s, false)
ON CONFLICT (sha256) DO UPDATE SET size = excluded.size RETURNING id, replaced_by_id, ({_LAST_ERASURE})
"""  # noqa: S608 - the query is a constant above
_LEAVE_OUT = (
    "DELETE FROM archive_stage stage USING archive_erasedobject erased WHERE stage.sha1_git = erased.sha1_git"
)
_TO_ERASE = "UPDATE archive_pack SET to_erase = true WHERE id = %s"
_HAS_COPIES = "UPDATE archive_pack SET copies = NULL WHERE id = %s"
_ORIGIN = "INSERT INTO archive_origin (sha1, url) VALUES (%s, %s) ON CONFLICT (sha1) DO NOTHING"
_VISIT = """
INSERT INTO archive_visit (origin_id, pack_id, date, snapshot, type)
SELECT id, %s, %s, %s, %s FROM archive_origin WHERE sha1 = %s
ON CONFLICT (origin_id, date, snapshot) DO NOTHING
"""
_KNOWN = f"""
SELECT sha1_git, kind, sha256, length FROM archive_object
WHERE sha1_git = ANY(%s::bytea[]) AND NOT {_IN_DAMAGED_PACK}
UNION ALL SELECT sha1_git, kind, NULL, -1 FROM archive_erasedobject WHERE sha1_git = ANY(%s::bytea[])
"""  # noqa: S608 - the condition is a constant above

# Directories from the root down, each once; then whatever they name that is missing or in a damaged pack.
_WHOLE = f"""
WITH RECURSIVE directory (sha1_git) AS (
    SELECT %s::bytea
    UNION
    SELECT unnest(object.targets[:object.branching]) FROM directory JOIN archive_object object USING (sha1_git)
), needed (sha1_git) AS (
    SELECT sha1_git FROM directory
    UNION
    SELECT unnest(object.targets[object.branching + 1:]) FROM directory JOIN archive_object object USING (sha1_git)
)
SELECT NOT EXISTS (
    SELECT FROM needed LEFT JOIN archive_object object USING (sha1_git)
    WHERE object.sha1_git IS NULL OR object.{_IN_DAMAGED_PACK}
)
"""  # noqa: S608 - the condition is a constant above


class Known(NamedTuple):
    """What the index says of an object that it has."""

    kind: ObjectType
    sha256: bytes | None
    length: int


def bytea_array(values: Iterable[bytes]) -> str:
    """A parameter for ``%s::bytea[]``: much cheaper than psycopg2's own way with a list."""
    return "{" + ",".join(['"\\\\x' + value.hex() + '"' for value in values]) + "}"


class LookedUp(NamedTuple):
    """What the index says of some identifiers: those that it has, and those that were erased."""

    known: dict[bytes, Known]
    erased: dict[bytes, ObjectType]


def look_up(identifiers: Iterable[bytes]) -> LookedUp:
    """Which of these identifiers (20 bytes each) the archive has in packs not known to be damaged, and which were
    erased: one query.
    """
    found = LookedUp({}, {})
    array = bytea_array(identifiers)
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [array, array])
        for sha1_git, kind, sha256, length in cursor.fetchall():
            if length < 0:
                found.erased[bytes(sha1_git)] = TYPES[kind]
            else:
                digest = None if sha256 is None else bytes(sha256)
                found.known[bytes(sha1_git)] = Known(TYPES[kind], digest, length)
    return found


def known(identifiers: Iterable[bytes]) -> dict[bytes, Known]:
    """Which of these identifiers (20 bytes each) the archive has in packs not known to be damaged: one query."""
    return look_up(identifiers).known


def last_erasure() -> int:
    """The number of the newest erasure; see `publish`."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST_ERASURE)
        (number,) = cursor.fetchone()
    return int(number)


def has_whole_directory(root: bytes) -> bool:
    """Whether a directory (20 bytes) and everything below it is in packs not known to be damaged: one query."""
    with connection.cursor() as cursor:
        cursor.execute(_WHOLE, [root])
        (whole,) = cursor.fetchone()
    return bool(whole)


def publish(reader: PackReader, rows: Iterable[Row] | None = None, *, last_erasure: int | None = None) -> int:
    """Make everything in a pack visible, in the caller's transaction; returns the pack's number.

    ``rows`` stands in for the pack's own index when that is damaged. What the archive already has stays where it is.
    Publishing a pack twice changes nothing, nor does publishing one that was replaced. What was erased is left out,
    and the pack marked for being written anew; but who has looked up what to write gives the `last_erasure` of then,
    and what was erased since raises ErasedMeanwhile: the rest may lack what was taken for known.

    Raises Collision (and the transaction must then be given up), Damaged, Unreadable.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("publish() belongs into a transaction.")
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN, [APPLICATION, Lock.ERASED])
        cursor.execute(_PACK, [bytes.fromhex(reader.file.name), reader.file.size])
        pack, replaced, last = cursor.fetchone()
        if replaced is not None:
            return int(pack)
        if last_erasure not in (None, last):
            raise ErasedMeanwhile(
                "Objects were erased while this was being archived. It will be tried again."
            )
        visits, staged = stage(cursor, reader, reader.rows() if rows is None else rows, pack)
        if last_erasure is None and last:
            cursor.execute(_LEAVE_OUT)
            if cursor.rowcount:
                staged -= cursor.rowcount
                cursor.execute(_TO_ERASE, [pack])
        cursor.execute(_MERGE)
        if cursor.rowcount < staged:
            _refuse_collisions(cursor)
            cursor.execute(_HAS_COPIES, [pack])
        cursor.execute("TRUNCATE archive_stage")
        for visit in visits:
            sha1 = origin_id(visit.origin)
            cursor.execute(_ORIGIN, [sha1, visit.origin])
            cursor.execute(_VISIT, [pack, visit.date, visit.snapshot.hash, visit.type, sha1])
    return int(pack)


def _refuse_collisions(cursor: CursorWrapper) -> None:
    cursor.execute(_COLLISIONS)
    row = cursor.fetchone()
    if row is not None:
        raise Collision(
            f"The archive has another object with the identifier {bytes(row[0]).hex()}: this is a SHA-1 collision, "
            "and nothing of this package was archived."
        )
