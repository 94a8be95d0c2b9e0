"""Writing the index: what a pack holds becomes visible, set by set, never row by row.

A load and a rebuild call the same function, so that every load proves that the index can be rebuilt.
"""

import json
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from datetime import datetime
from typing import NamedTuple

from django.db import DatabaseError, connection, transaction
from django.db.backends.utils import CursorWrapper

from archive import copying
from archive.errors import Collision, Damaged
from archive.identifiers import SWHID, ObjectType, origin_id
from archive.models import KINDS, TYPES
from archive.objects import targets
from archive.packs import LARGE, PackReader, Row

VISIT = "visit/"

# Kept for the session, because making a table for each load would wear out PostgreSQL's own catalogue.
_STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS archive_stage (
    length bigint, "offset" bigint, stored bigint, pack_id bigint, position integer, branching integer,
    kind smallint, sha1_git bytea, sha256 bytea, targets bytea[]
) ON COMMIT DELETE ROWS
"""
_COLUMNS = 'length, "offset", stored, pack_id, position, branching, kind, sha1_git, sha256, targets'
_COPY = f"COPY archive_stage ({_COLUMNS}) FROM STDIN (FORMAT binary)"

_IN_DAMAGED_PACK = "pack_id IN (SELECT id FROM archive_pack WHERE damaged_at IS NOT NULL)"

# In order, so that two loads of the same contents wait for each other and never in a circle. What the archive has
# stays where it is, unless its pack is damaged.
_MERGE = f"""
INSERT INTO archive_object AS object ({_COLUMNS})
SELECT DISTINCT ON (sha1_git) {_COLUMNS} FROM archive_stage ORDER BY sha1_git
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


class VisitRecord(NamedTuple):
    """A visit as a pack records it."""

    origin: str
    date: datetime
    snapshot: SWHID
    type: str

    @property
    def name(self) -> str:
        """The member that holds it; the same visit has the same name."""
        return f"{VISIT}{origin_id(self.origin).hex()}/{self.date.timestamp():.6f}"

    def document(self) -> bytes:
        """The member's bytes."""
        fields = {
            "origin": self.origin,
            "date": self.date.isoformat(timespec="microseconds"),
            "type": self.type,
            "snapshot": str(self.snapshot),
        }
        return json.dumps(fields, indent=1).encode() + b"\n"

    @classmethod
    def parse(cls, document: bytes) -> "VisitRecord":
        """Read a member's bytes. Raises Damaged."""
        try:
            fields = json.loads(document)
            date = datetime.fromisoformat(fields["date"])
            return cls(fields["origin"], date, SWHID.parse(fields["snapshot"]), fields["type"])
        except (ValueError, KeyError, TypeError) as error:
            raise Damaged(f"A visit's record is broken: {document[:200]!r}.") from error


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


def stage(
    cursor: CursorWrapper, reader: PackReader, rows: Iterable[Row], pack: int
) -> tuple[list[VisitRecord], int]:
    """Put the rows of a pack into the session's staging table; returns its visits and the number of objects."""
    cursor.execute(_STAGE)
    visits: list[VisitRecord] = []
    with closing(_stage_rows(reader, rows, pack, visits)) as lines:
        file = copying.RowFile(lines)
        try:
            with connection.wrap_database_errors:
                cursor.copy_expert(_COPY, file)
        except DatabaseError as error:
            raise (file.error or error) from None
    return visits, cursor.rowcount


def _refuse_collisions(cursor: CursorWrapper) -> None:
    cursor.execute(_COLLISIONS)
    row = cursor.fetchone()
    if row is not None:
        raise Collision(
            f"The archive has another object with the identifier {bytes(row[0]).hex()}: this is a SHA-1 collision, "
            "and nothing of this package was archived."
        )


def _stage_rows(
    reader: PackReader, rows: Iterable[Row], pack: int, visits: list[VisitRecord]
) -> Generator[bytes]:
    """COPY rows, or pieces of them, for all objects; visits are put aside. Frames with contents are not read."""
    extent, frame = (-1, -1), b""
    content = KINDS[ObjectType.CONTENT]
    for row in rows:
        name, sha256, length, offset, stored, position = row
        if sha256 is not None:
            place = length, offset, stored, pack, position
            yield copying.content_row(place, content, bytes.fromhex(name[10:]), sha256)
            continue
        numbers = b"".join(map(copying.bigint, (length, offset, stored, pack)))
        numbers = b"\0\x0a" + numbers + copying.integer(position)
        if row.length > LARGE:
            yield numbers
            yield from _node(row, reader.read(row))
            continue
        if (row.offset, row.stored) != extent:
            extent, frame = (row.offset, row.stored), reader.frame(row.offset, row.stored)
        document = reader.slice(frame, row)
        if row.name.startswith(VISIT):
            visits.append(VisitRecord.parse(document))
            continue
        yield b"".join((numbers, *_node(row, document)))


def _node(row: Row, manifest: bytes) -> Iterator[bytes]:
    """The rest of a row, in pieces: a directory may have a million entries."""
    swhid = row.swhid
    pointed_at, branching = targets(swhid.type, manifest)
    del manifest
    yield (
        copying.integer(branching)
        + copying.smallint(KINDS[swhid.type])
        + copying.bytea(swhid.hash)
        + copying.NULL
    )
    yield from copying.identifier_array(pointed_at)
