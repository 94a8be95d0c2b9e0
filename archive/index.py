"""Writing the index: what a pack holds becomes visible, set by set, never row by row.

A load and a rebuild call the same function, so that every load proves that the index can be rebuilt.
"""

from collections.abc import Iterable
from typing import NamedTuple

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from archive.errors import Collision
from archive.identifiers import ObjectType, origin_id
from archive.models import TYPES
from archive.packs import PackReader, Row
from archive.stage import COLUMNS, stage

_IN_DAMAGED_PACK = "pack_id IN (SELECT id FROM archive_pack WHERE damaged_at IS NOT NULL)"

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
# The rows of most loads, so that they are not sorted on disk.
_SORT_IN_MEMORY = "SET LOCAL work_mem = '64MB'"
_COLLISIONS = """
SELECT stage.sha1_git FROM archive_stage stage JOIN archive_object object USING (sha1_git)
WHERE object.sha256 IS DISTINCT FROM stage.sha256 OR object.length <> stage.length OR object.kind <> stage.kind
LIMIT 1
"""
_PACK = """
INSERT INTO archive_pack (sha256, size) VALUES (%s, %s)
ON CONFLICT (sha256) DO UPDATE SET size = excluded.size RETURNING id
"""
_ORIGIN = "INSERT INTO archive_origin (sha1, url) VALUES (%s, %s) ON CONFLICT (sha1) DO NOTHING"
_VISIT = """
INSERT INTO archive_visit (origin_id, pack_id, date, snapshot, type)
SELECT id, %s, %s, %s, %s FROM archive_origin WHERE sha1 = %s
ON CONFLICT (origin_id, date, snapshot) DO NOTHING
"""
_KNOWN = f"""
SELECT sha1_git, kind, sha256, length FROM archive_object
WHERE sha1_git = ANY(%s::bytea[]) AND NOT {_IN_DAMAGED_PACK}
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


def known(identifiers: Iterable[bytes]) -> dict[bytes, Known]:
    """Which of these identifiers (20 bytes each) the archive has in packs not known to be damaged: one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            _KNOWN,
            [bytea_array(identifiers)],
        )
        return {
            bytes(sha1_git): Known(TYPES[kind], None if sha256 is None else bytes(sha256), length)
            for sha1_git, kind, sha256, length in cursor.fetchall()
        }


def has_whole_directory(root: bytes) -> bool:
    """Whether a directory (20 bytes) and everything below it is in packs not known to be damaged: one query."""
    with connection.cursor() as cursor:
        cursor.execute(_WHOLE, [root])
        (whole,) = cursor.fetchone()
    return bool(whole)


def publish(reader: PackReader, rows: Iterable[Row] | None = None) -> int:
    """Make everything in a pack visible, in the caller's transaction; returns the pack's number.

    ``rows`` stands in for the pack's own index when that is damaged. What the archive already has stays where it is.
    Publishing a pack twice changes nothing. Raises Collision (and the transaction must then be given up), Damaged,
    Unreadable.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("publish() belongs into a transaction.")
    with connection.cursor() as cursor:
        cursor.execute(_PACK, [bytes.fromhex(reader.file.name), reader.file.size])
        (pack,) = cursor.fetchone()
        cursor.execute(_SORT_IN_MEMORY)
        visits, staged = stage(cursor, reader, reader.rows() if rows is None else rows, pack)
        cursor.execute(_MERGE)
        if cursor.rowcount < staged:
            _refuse_collisions(cursor)
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
