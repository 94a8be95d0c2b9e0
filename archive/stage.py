"""What packs hold on its way into the index: first it comes into a table of the session, and is handled as a set."""

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing

from django.db import DatabaseError, connection
from django.db.backends.utils import CursorWrapper

from archive import pg_copy
from archive.identifiers import ObjectType
from archive.models import KINDS
from archive.objects import targets
from archive.packs import LARGE, PackReader, Row
from archive.visits import VISIT, VisitRecord

# Kept for the session, because making a table for each load would wear out PostgreSQL's own catalogue.
_STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS archive_stage (
    length bigint, "offset" bigint, stored bigint, pack_id bigint, position integer, branching integer,
    kind smallint, sha1_git bytea, sha256 bytea, targets bytea[]
) ON COMMIT DELETE ROWS
"""
COLUMNS = 'length, "offset", stored, pack_id, position, branching, kind, sha1_git, sha256, targets'
_COPY = f"COPY archive_stage ({COLUMNS}) FROM STDIN (FORMAT binary)"


def stage(
    cursor: CursorWrapper, reader: PackReader, rows: Iterable[Row], pack: int
) -> tuple[list[VisitRecord], int]:
    """Put the rows of a pack into the session's staging table; returns its visits and the number of objects.

    Raises Damaged, Unreadable.
    """
    cursor.execute(_STAGE)
    visits: list[VisitRecord] = []
    with closing(_lines(reader, rows, pack, visits)) as lines:
        file = pg_copy.RowFile(lines)
        try:
            with connection.wrap_database_errors:
                cursor.copy_expert(_COPY, file)
        except DatabaseError as error:
            raise (file.error or error) from None
    return visits, cursor.rowcount


def _lines(reader: PackReader, rows: Iterable[Row], pack: int, visits: list[VisitRecord]) -> Generator[bytes]:
    """COPY rows, or pieces of them, for all objects; visits are put aside. Frames with contents are not read."""
    extent, frame = (-1, -1), b""
    content = KINDS[ObjectType.CONTENT]
    for row in rows:
        name, sha256, length, offset, stored, position = row
        if sha256 is not None:
            place = length, offset, stored, pack, position
            yield pg_copy.content_row(place, content, bytes.fromhex(name[10:]), sha256)
            continue
        numbers = b"".join(map(pg_copy.bigint, (length, offset, stored, pack)))
        numbers = b"\0\x0a" + numbers + pg_copy.integer(position)
        if length > LARGE:
            yield numbers
            yield from _node(row, reader.read(row))
            continue
        if (offset, stored) != extent:
            extent, frame = (offset, stored), reader.frame(offset, stored)
        document = reader.slice(frame, row)
        if name.startswith(VISIT):
            visits.append(VisitRecord.parse(document))
            continue
        yield b"".join((numbers, *_node(row, document)))


def _node(row: Row, manifest: bytes) -> Iterator[bytes]:
    """The rest of a row, in pieces: a directory may have a million entries."""
    swhid = row.swhid
    further, contents = targets(swhid.type, manifest)
    del manifest
    yield (
        pg_copy.integer(len(further) // 20)
        + pg_copy.smallint(KINDS[swhid.type])
        + pg_copy.bytea(swhid.hash)
        + pg_copy.NULL
    )
    yield from pg_copy.identifier_array(further, contents)
