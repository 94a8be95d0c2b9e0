"""Moving in from Passari: its tables are read, and written into ours.

May be run again, also while Passari still works: what is here already is only ever brought further (a package becomes
preserved, never less), and a date is never lowered. Packages are known by their file names.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import psycopg2
from django.db import connection, transaction

ALEMBIC_HEAD = "156f33fadc35"
CHUNK = 5000


class NoPassari(Exception):
    """The database is none of Passari's, or of another version; the message says which."""


@dataclass(kw_only=True)
class Moved:
    """Rows read, by kind; and packages that belong to no object, which are left behind."""

    objects: int = 0
    attachments: int = 0
    packages: int = 0
    frozen: int = 0
    links: int = 0
    orphans: int = 0


_NO_REASON = "Frozen in Passari without a reason"

_READ = {
    "attachments": "SELECT id, filename, modified_date, created_date, metadata_hash"
    " FROM museum_attachments ORDER BY id",
    "objects": "SELECT id, title, coalesce(preserved, false), coalesce(frozen, false), freeze_reason,"
    " lower(freeze_source::text), created_date, modified_date, metadata_hash, attachment_metadata_hash"
    " FROM museum_objects ORDER BY id",
    "packages": "SELECT sip_filename, sip_id, object_modified_date, created_date, metadata_hash,"
    " attachment_metadata_hash, coalesce(downloaded, false), coalesce(packaged, false), coalesce(uploaded, false),"
    " coalesce(rejected, false), coalesce(preserved, false), coalesce(cancelled, false), museum_object_id"
    " FROM museum_packages ORDER BY id",
    "latest": "SELECT object.id, package.sip_filename FROM museum_objects AS object"
    " JOIN museum_packages AS package ON package.id = object.latest_package_id ORDER BY object.id",
    "object_links": "SELECT museum_object_id, museum_attachment_id FROM object_attachment_association",
    "package_links": "SELECT package.sip_filename, link.museum_attachment_id"
    " FROM package_attachment_association AS link"
    " JOIN museum_packages AS package ON package.id = link.museum_package_id",
    "statuses": 'SELECT name, start_sync_date, prev_start_sync_date, "offset" FROM sync_statuses',
}

# What changed there since an earlier import is taken over; what is as new here stays.
_NEWER = "CASE WHEN EXCLUDED.modified_date > {0}.modified_date"
_NEWER_OBJECT, _NEWER_ATTACHMENT = _NEWER.format("museum_objects"), _NEWER.format("museum_attachments")

_WRITE = {
    "attachments": f"""
INSERT INTO museum_attachments (id, filename, modified_date, created_date, metadata_hash)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::text[])
ON CONFLICT (id) DO UPDATE SET
    filename = {_NEWER_ATTACHMENT} THEN EXCLUDED.filename
        ELSE coalesce(museum_attachments.filename, EXCLUDED.filename) END,
    modified_date = greatest(museum_attachments.modified_date, EXCLUDED.modified_date),
    created_date = coalesce(museum_attachments.created_date, EXCLUDED.created_date),
    metadata_hash = {_NEWER_ATTACHMENT} THEN EXCLUDED.metadata_hash
        ELSE coalesce(museum_attachments.metadata_hash, EXCLUDED.metadata_hash) END
""",  # noqa: S608 - constants
    "objects": f"""
INSERT INTO museum_objects (id, title, preserved, frozen, freeze_reason, freeze_source, created_date, modified_date,
    metadata_hash, attachment_metadata_hash)
SELECT id, title, preserved, frozen, CASE WHEN frozen THEN coalesce(nullif(reason, ''), '{_NO_REASON}') END,
    CASE WHEN frozen THEN coalesce(source, 'user') END, created, modified, hash, attachments
  FROM unnest(%s::bigint[], %s::text[], %s::bool[], %s::bool[], %s::text[], %s::text[], %s::timestamptz[],
    %s::timestamptz[], %s::text[], %s::text[])
    AS given(id, title, preserved, frozen, reason, source, created, modified, hash, attachments)
ON CONFLICT (id) DO UPDATE SET
    title = {_NEWER_OBJECT} THEN EXCLUDED.title ELSE coalesce(museum_objects.title, EXCLUDED.title) END,
    preserved = museum_objects.preserved OR EXCLUDED.preserved,
    frozen = museum_objects.frozen OR EXCLUDED.frozen,
    freeze_reason = coalesce(museum_objects.freeze_reason, EXCLUDED.freeze_reason),
    freeze_source = coalesce(museum_objects.freeze_source, EXCLUDED.freeze_source),
    created_date = coalesce(museum_objects.created_date, EXCLUDED.created_date),
    modified_date = greatest(museum_objects.modified_date, EXCLUDED.modified_date),
    metadata_hash = {_NEWER_OBJECT} THEN EXCLUDED.metadata_hash
        ELSE coalesce(museum_objects.metadata_hash, EXCLUDED.metadata_hash) END,
    attachment_metadata_hash = {_NEWER_OBJECT} THEN EXCLUDED.attachment_metadata_hash
        ELSE coalesce(museum_objects.attachment_metadata_hash, EXCLUDED.attachment_metadata_hash) END
""",  # noqa: S608
    "packages": """
INSERT INTO museum_packages (sip_filename, sip_id, object_modified_date, created_date, metadata_hash,
    attachment_metadata_hash, downloaded, packaged, uploaded, rejected, preserved, cancelled, museum_object_id)
SELECT filename, sip_id, modified, coalesce(created, now()), hash, attachments, downloaded, packaged, uploaded,
    rejected AND NOT preserved, preserved, cancelled, object_id
  FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::text[], %s::text[], %s::bool[],
    %s::bool[], %s::bool[], %s::bool[], %s::bool[], %s::bool[], %s::bigint[])
    AS given(filename, sip_id, modified, created, hash, attachments, downloaded, packaged, uploaded, rejected,
        preserved, cancelled, object_id)
ON CONFLICT (sip_filename) DO UPDATE SET
    downloaded = museum_packages.downloaded OR EXCLUDED.downloaded,
    packaged = museum_packages.packaged OR EXCLUDED.packaged,
    uploaded = museum_packages.uploaded OR EXCLUDED.uploaded,
    preserved = museum_packages.preserved OR EXCLUDED.preserved,
    rejected = (museum_packages.rejected OR EXCLUDED.rejected)
        AND NOT (museum_packages.preserved OR EXCLUDED.preserved),
    cancelled = museum_packages.cancelled OR EXCLUDED.cancelled
""",
    "latest": """
UPDATE museum_objects AS object SET latest_package_id = package.id
  FROM unnest(%s::bigint[], %s::text[]) AS given(id, filename)
  JOIN museum_packages AS package ON package.sip_filename = given.filename
 WHERE object.id = given.id AND package.museum_object_id = object.id AND (object.latest_package_id IS NULL
    OR package.created_date > (SELECT created_date FROM museum_packages WHERE id = object.latest_package_id))
""",
    "object_links": """
INSERT INTO object_attachment_association (museum_object_id, museum_attachment_id)
SELECT * FROM unnest(%s::bigint[], %s::bigint[]) ON CONFLICT DO NOTHING
""",
    "package_links": """
INSERT INTO package_attachment_association (museum_package_id, museum_attachment_id)
SELECT package.id, given.attachment FROM unnest(%s::text[], %s::bigint[]) AS given(filename, attachment)
  JOIN museum_packages AS package ON package.sip_filename = given.filename ON CONFLICT DO NOTHING
""",
    "statuses": """
INSERT INTO sync_statuses (name, start_sync_date, prev_start_sync_date, "offset")
SELECT * FROM unnest(%s::text[], %s::timestamptz[], %s::timestamptz[], %s::bigint[]) ON CONFLICT (name) DO NOTHING
""",
}


def move_in(
    url: str, *, dry_run: bool = False, progress: Callable[[int], None] = lambda entries: None
) -> Moved:
    """Read the Passari database at ``url`` (``postgres://…``), in one snapshot, and write it into ours.

    Raises NoPassari, psycopg2.Error.
    """
    moved, seen = Moved(), 0
    with closing(psycopg2.connect(url)) as theirs:
        theirs.set_session(isolation_level="REPEATABLE READ", readonly=True)
        _require_version(theirs)
        # Objects before packages, packages before what points to them.
        for kind in _READ:
            for rows in _chunks(theirs, kind):
                kept = [row for row in rows if kind != "packages" or (row[0] and row[-1] is not None)]
                _count(moved, kind, kept, len(rows) - len(kept))
                if not dry_run:
                    _write(kind, kept)
                seen += len(rows)
                progress(seen)
    return moved


def _require_version(theirs: Any) -> None:
    with theirs.cursor() as cursor:
        try:
            cursor.execute("SELECT version_num FROM alembic_version")
        except psycopg2.errors.UndefinedTable:
            raise NoPassari("This is no database of Passari: it has no table alembic_version.") from None
        versions = [row[0] for row in cursor.fetchall()]
    if versions != [ALEMBIC_HEAD]:
        raise NoPassari(
            f"This database has version {', '.join(versions) or 'none'}; bring it to {ALEMBIC_HEAD} with Passari's own "
            "migrations first."
        )


def _chunks(theirs: Any, kind: str) -> Iterator[list[tuple[Any, ...]]]:
    with theirs.cursor(name=f"moving_{kind}") as cursor:
        cursor.execute(_READ[kind])
        while rows := cursor.fetchmany(CHUNK):
            yield rows


def _write(kind: str, rows: list[tuple[Any, ...]]) -> None:
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_WRITE[kind], columns)


def _count(moved: Moved, kind: str, rows: list[tuple[Any, ...]], left: int) -> None:
    moved.orphans += left
    match kind:
        case "objects":
            moved.objects += len(rows)
            moved.frozen += sum(bool(row[3]) for row in rows)
        case "attachments":
            moved.attachments += len(rows)
        case "packages":
            moved.packages += len(rows)
        case "object_links":
            moved.links += len(rows)
