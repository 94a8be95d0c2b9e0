"""What packs hold on its way into the index: first it comes into a table of the session, and is handled as a set."""

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from io import BytesIO

from django.db import DatabaseError, DataError, connection
from django.db.backends.utils import CursorWrapper

from archive import copying
from archive.errors import Damaged
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
# Lines about contents need nothing but what stands in them: PostgreSQL reads them itself, three times as fast.
_STAGE_LINES = """
CREATE TEMPORARY TABLE IF NOT EXISTS archive_stage_lines (
    name text, sha256 text, length bigint, "offset" bigint, stored bigint, position integer
) ON COMMIT DELETE ROWS
"""
_COPY_LINES = "COPY archive_stage_lines FROM STDIN"
_CONTENT = f"swh:1:{ObjectType.CONTENT}:".encode()
_READ_LINES = f"""
INSERT INTO archive_stage (length, "offset", stored, pack_id, position, branching, kind, sha1_git, sha256)
SELECT length, "offset", stored, %s, position, 0, {KINDS[ObjectType.CONTENT]},
    decode(substr(name, {len(_CONTENT) + 1}), 'hex'), decode(sha256, 'hex')
FROM archive_stage_lines
"""  # noqa: S608 - two numbers of ours


def stage(
    cursor: CursorWrapper, reader: PackReader, blocks: Iterable[bytes], pack: int
) -> tuple[list[VisitRecord], int]:
    """Put what a pack holds into the session's staging table; returns its visits and the number of objects.

    ``blocks`` are whole lines of the pack's index, some ten thousand at a time. Raises Damaged, Unreadable.
    """
    cursor.execute(_STAGE)
    cursor.execute(_STAGE_LINES)
    visits: list[VisitRecord] = []
    staged = 0
    for block in blocks:
        contents: list[bytes] = []
        others: list[Row] = []
        for line in block.splitlines(keepends=True):
            if line.startswith(_CONTENT):
                contents.append(line)
            else:
                others.append(Row.parse(line))
        if contents:
            staged += _stage_contents(cursor, contents, pack)
        if others:
            staged += _stage_nodes(cursor, reader, others, pack, visits)
    return visits, staged


def _stage_contents(cursor: CursorWrapper, lines: list[bytes], pack: int) -> int:
    try:
        with connection.wrap_database_errors:
            cursor.copy_expert(_COPY_LINES, BytesIO(b"".join(lines)))
        cursor.execute(_READ_LINES, [pack])
    except DataError as error:
        raise Damaged(f"A line of a pack's index is broken: {error}") from error
    count: int = cursor.rowcount
    cursor.execute("TRUNCATE archive_stage_lines")
    return count


def _stage_nodes(
    cursor: CursorWrapper, reader: PackReader, rows: list[Row], pack: int, visits: list[VisitRecord]
) -> int:
    with closing(_node_rows(reader, rows, pack, visits)) as lines:
        file = copying.RowFile(lines)
        try:
            with connection.wrap_database_errors:
                cursor.copy_expert(_COPY, file)
        except DatabaseError as error:
            raise (file.error or error) from None
    return int(cursor.rowcount)


def _node_rows(
    reader: PackReader, rows: Iterable[Row], pack: int, visits: list[VisitRecord]
) -> Generator[bytes]:
    """COPY rows, or pieces of them, for all that points at other objects; visits are put aside."""
    extent, frame = (-1, -1), b""
    for row in rows:
        place = row.length, row.offset, row.stored, pack
        numbers = b"\0\x0a" + b"".join(map(copying.bigint, place)) + copying.integer(row.position)
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
    further, contents = targets(swhid.type, manifest)
    del manifest
    yield (
        copying.integer(len(further) // 20)
        + copying.smallint(KINDS[swhid.type])
        + copying.bytea(swhid.hash)
        + copying.NULL
    )
    yield from copying.identifier_array(further, contents)
