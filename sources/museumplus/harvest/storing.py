"""Pages of a harvest, written to the tables: one chunk, a few statements, one transaction.

Dates of objects are never lowered, for their attachments may have raised them. Links are replaced by what the newest
document says. What is linked but not harvested yet is kept as a placeholder: its id, and nothing else.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from sources.museumplus.harvest.documents import MultimediaRecord, ObjectRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """How many rows were new, how many were there, how many placeholders were made, what came truncated."""

    inserted: int
    updated: int
    placeholders: int
    truncated: int = 0


_OBJECTS = """
INSERT INTO museum_objects (id, title, created_date, modified_date, metadata_hash, preserved, frozen)
SELECT id, title, created, modified, hash, false, false
  FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::text[])
    AS given(id, title, created, modified, hash)
 ORDER BY id
ON CONFLICT (id) DO UPDATE SET
    title = EXCLUDED.title,
    metadata_hash = EXCLUDED.metadata_hash,
    created_date = coalesce(museum_objects.created_date, EXCLUDED.created_date),
    modified_date = greatest(museum_objects.modified_date, EXCLUDED.modified_date)
RETURNING (xmax = 0)
"""

_ATTACHMENTS = """
INSERT INTO museum_attachments (id, filename, created_date, modified_date, metadata_hash)
SELECT id, filename, created, modified, hash
  FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::text[])
    AS given(id, filename, created, modified, hash)
 ORDER BY id
ON CONFLICT (id) DO UPDATE SET
    filename = EXCLUDED.filename,
    created_date = EXCLUDED.created_date,
    modified_date = EXCLUDED.modified_date,
    metadata_hash = EXCLUDED.metadata_hash
RETURNING (xmax = 0)
"""

_PLACEHOLDER_OBJECTS = """
INSERT INTO museum_objects (id, preserved, frozen)
SELECT id, false, false FROM unnest(%s::bigint[]) AS given(id) ORDER BY id ON CONFLICT DO NOTHING
"""
_PLACEHOLDER_ATTACHMENTS = """
INSERT INTO museum_attachments (id)
SELECT id FROM unnest(%s::bigint[]) AS given(id) ORDER BY id ON CONFLICT DO NOTHING
"""

_UNLINK = """
DELETE FROM object_attachment_association AS old
 WHERE old.{side} = ANY(%s)
   AND NOT EXISTS (
        SELECT FROM unnest(%s::bigint[], %s::bigint[]) AS given(object_id, attachment_id)
         WHERE given.object_id = old.museum_object_id AND given.attachment_id = old.museum_attachment_id)
"""
_LINK = """
INSERT INTO object_attachment_association (museum_object_id, museum_attachment_id)
SELECT object_id, attachment_id FROM unnest(%s::bigint[], %s::bigint[]) AS given(object_id, attachment_id)
ON CONFLICT DO NOTHING
"""

_RAISE_DATES = """
UPDATE museum_objects AS object SET modified_date = newest.modified
  FROM (SELECT link.museum_object_id AS id, max(attachment.modified_date) AS modified
          FROM object_attachment_association AS link
          JOIN museum_attachments AS attachment ON attachment.id = link.museum_attachment_id
         WHERE link.museum_attachment_id = ANY(%s)
         GROUP BY link.museum_object_id) AS newest
 WHERE object.id = newest.id
   AND newest.modified IS NOT NULL
   AND (object.modified_date IS NULL OR object.modified_date < newest.modified)
"""


def store_objects(records: Iterable[ObjectRecord]) -> Stored:
    """Write objects, their links, and placeholders for attachments that are not known yet.

    An object whose document is truncated stays as it is; one that is new becomes a placeholder.
    """
    given = {record.id: record for record in records}
    rows = [record for record in given.values() if not record.is_truncated]
    truncated = [number for number, record in given.items() if record.is_truncated]
    links = [(row.id, linked) for row in rows for linked in row.multimedia_ids]
    with transaction.atomic():
        new = _insert(_OBJECTS, rows, "title")
        placeholders = _execute(_PLACEHOLDER_ATTACHMENTS, [sorted({linked for _, linked in links})])
        placeholders += _execute(_PLACEHOLDER_OBJECTS, [truncated])
        _replace_links("museum_object_id", [row.id for row in rows], links)
    return Stored(inserted=new, updated=len(rows) - new, placeholders=placeholders, truncated=len(truncated))


def store_attachments(records: Iterable[MultimediaRecord]) -> Stored:
    """Write attachments, their links, and placeholders for objects; raise the dates of their objects."""
    rows = list({record.id: record for record in records}.values())
    links = [(linked, row.id) for row in rows for linked in row.object_ids]
    with transaction.atomic():
        new = _insert(_ATTACHMENTS, rows, "filename")
        placeholders = _execute(_PLACEHOLDER_OBJECTS, [sorted({linked for linked, _ in links})])
        ids = [row.id for row in rows]
        _replace_links("museum_attachment_id", ids, links)
        _execute(_RAISE_DATES, [ids])
    return Stored(inserted=new, updated=len(rows) - new, placeholders=placeholders)


def _insert(statement: str, rows: Sequence[Any], text: str) -> int:
    columns = ("id", text, "created_date", "modified_date", "metadata_hash")
    values = [[getattr(row, column) for row in rows] for column in columns]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return sum(is_new for (is_new,) in cursor.fetchall())


def _replace_links(side: str, ids: list[int], links: list[tuple[int, int]]) -> None:
    objects, attachments = [link[0] for link in links], [link[1] for link in links]
    _execute(_UNLINK.format(side=side), [ids, objects, attachments])
    _execute(_LINK, [objects, attachments])


def _execute(statement: str, values: list[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)
