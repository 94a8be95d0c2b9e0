"""The harvest: objects, attachments, and the hashes of an object's attachments together.

Only one of the three runs at a time; another that begins meanwhile raises AlreadyRunning. A run with saved progress
goes on where the last one was stopped, and once it has come to the end the next asks only for what changed since.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Protocol, TypeVar

from django.db import connection, transaction
from django.utils import timezone
from lxml import etree

from sources.museumplus.harvest.client import PAGE_SIZE, MuseumPlusClient, preservation_field
from sources.museumplus.harvest.documents import read_multimedia, read_object
from sources.museumplus.harvest.storing import Stored, store_attachments, store_objects
from sources.museumplus.models import Heartbeat, SyncStatus

logger = logging.getLogger(__name__)

CHUNK_SIZE = 500
HASH_CHUNK_SIZE = 2000
# Pages that are asked for before the one at hand is stored.
_AHEAD = 2
# The advisory lock of all three ("musesync").
_LOCK = 0x6D75736573796E63

Record = TypeVar("Record")


class AlreadyRunning(Exception):
    """Another synchronisation is running."""


class Progress(Protocol):
    """Is told after each chunk how many entries have been dealt with."""

    def __call__(self, entries: int) -> None: ...


def silent(entries: int) -> None:
    """Progress that tells nobody."""


@dataclass(kw_only=True)
class SyncResult:
    """What a run did; ``truncated`` documents changed nothing; ``finished``: it came to the end."""

    entries: int = 0
    inserted: int = 0
    updated: int = 0
    placeholders: int = 0
    truncated: int = 0
    finished: bool = False


@dataclass(kw_only=True)
class HashResult:
    """Objects looked at, hashes written, and objects left out because a hash of an attachment is not known yet."""

    iterated: int = 0
    updated: int = 0
    skipped: int = 0


@dataclass(frozen=True, kw_only=True)
class Harvest:
    """One module of MuseumPlus: how its entries are read and stored, and what the run is called."""

    name: str
    module: str
    read: Callable[[etree._Element], object]
    store: Callable[[Iterable[object]], Stored]


def objects_harvest() -> Harvest:
    """The harvest of objects, without the field that tells of their preservation."""
    field = preservation_field()
    return Harvest(
        name="sync_objects",
        module="Object",
        read=lambda item: read_object(item, field),
        store=store_objects,  # type: ignore[arg-type]
    )


def attachments_harvest() -> Harvest:
    """The harvest of attachments."""
    return Harvest(
        name="sync_attachments",
        module="Multimedia",
        read=read_multimedia,
        store=store_attachments,  # type: ignore[arg-type]
    )


def sync_objects(client: MuseumPlusClient, **options: Any) -> SyncResult:
    """Harvest objects; options as :func:`harvest` has them."""
    return harvest(client, objects_harvest(), **options)


def sync_attachments(client: MuseumPlusClient, **options: Any) -> SyncResult:
    """Harvest attachments; options as :func:`harvest` has them."""
    return harvest(client, attachments_harvest(), **options)


def harvest(
    client: MuseumPlusClient,
    kind: Harvest,
    *,
    offset: int = 0,
    limit: int | None = None,
    save_progress: bool = False,
    max_runtime: float | None = None,
    dry_run: bool = False,
    progress: Progress = silent,
) -> SyncResult:
    """Go through all entries from ``offset`` on, at most ``limit``, for at most ``max_runtime`` seconds.

    ``save_progress``: ``offset`` and ``limit`` are taken from what the last run left. ``dry_run``: nothing is written.
    Raises AlreadyRunning, MuseumPlusError and BadDocument; what was stored before stays, and so does the progress.
    """
    with never_two_at_once():
        began = time.monotonic()
        since = None
        if save_progress:
            status = _begin(kind.name, dry_run=dry_run)
            offset, since, limit = status.offset, status.prev_start_sync_date, None
        result = SyncResult()
        with _Pages(client, kind.module, offset, since) as pages:
            entries = (kind.read(item) for page in pages for item in page)
            for chunk in _chunks(entries, limit):
                if not dry_run:
                    _store(kind, chunk, result, offset if save_progress else None)
                result.entries += len(chunk)
                progress(result.entries)
                if max_runtime is not None and time.monotonic() - began >= max_runtime:
                    return result
        result.finished = limit is None or result.entries < limit
        if not dry_run:
            Heartbeat.beat(kind.name)
            if save_progress:
                _finish(kind.name)
        return result


def sync_hashes(*, dry_run: bool = False, progress: Progress = silent) -> HashResult:
    """Give each object the hash of its attachments; only what changed is written."""
    with never_two_at_once():
        result, last = HashResult(), -1
        while (row := _hash_chunk(last, dry_run=dry_run)) is not None:
            last, iterated, updated, skipped = row
            result.iterated += iterated
            result.updated += updated
            result.skipped += skipped
            progress(result.iterated)
        if not dry_run:
            Heartbeat.beat("sync_hashes")
        return result


@contextmanager
def never_two_at_once() -> Iterator[None]:
    """Hold the lock of all synchronisations. Raises AlreadyRunning when another does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            raise AlreadyRunning("Another synchronisation is running. Wait until it has ended.")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


class _Pages:
    """The pages of a search, up to the first that is empty; the next ones are asked for while one is stored."""

    def __init__(self, client: MuseumPlusClient, module: str, offset: int, since: datetime | None) -> None:
        self._client, self._module, self._next, self._since = client, module, offset, since
        self._executor = ThreadPoolExecutor(_AHEAD, thread_name_prefix="museumplus")
        self._asked: list[Future[list[etree._Element]]] = []

    def __enter__(self) -> "_Pages":
        return self

    def __exit__(self, *exception: object) -> None:
        self._executor.shutdown(cancel_futures=True)

    def __iter__(self) -> Iterator[list[etree._Element]]:
        while True:
            while len(self._asked) < _AHEAD:
                self._asked.append(self._executor.submit(self._page, self._next))
                self._next += PAGE_SIZE
            page = self._asked.pop(0).result()
            if not page:
                return
            yield page

    def _page(self, offset: int) -> list[etree._Element]:
        return self._client.search(self._module, offset=offset, changed_since=self._since)


def _chunks(entries: Iterable[object], limit: int | None) -> Iterator[list[object]]:
    remaining = islice(entries, limit)
    while chunk := list(islice(remaining, CHUNK_SIZE)):
        yield chunk


def _store(kind: Harvest, chunk: list[object], result: SyncResult, offset: int | None) -> None:
    with transaction.atomic():
        stored = kind.store(chunk)
        if offset is not None:
            SyncStatus.objects.filter(name=kind.name).update(offset=offset + result.entries + len(chunk))
        Heartbeat.beat(kind.name)
    result.inserted += stored.inserted
    result.updated += stored.updated
    result.placeholders += stored.placeholders
    result.truncated += stored.truncated


def _begin(name: str, *, dry_run: bool) -> SyncStatus:
    """The status of the run that begins or goes on."""
    status = SyncStatus.objects.filter(name=name).first() or SyncStatus(name=name)
    if status.start_sync_date is None:
        status.start_sync_date = timezone.now()
    if not dry_run:
        status.save()
    return status


def _finish(name: str) -> None:
    with transaction.atomic():
        status = SyncStatus.objects.select_for_update().get(name=name)
        status.offset = 0
        status.prev_start_sync_date, status.start_sync_date = status.start_sync_date, None
        status.save()


_HASHES = """
WITH chunk AS (
    SELECT id, attachment_metadata_hash FROM museum_objects WHERE id > %(last)s ORDER BY id LIMIT %(size)s
), fresh AS (
    SELECT chunk.id, chunk.attachment_metadata_hash AS old,
           count(attachment.id) > count(attachment.metadata_hash) AS incomplete,
           CASE WHEN count(attachment.id) = 0 THEN ''
                ELSE encode(sha256(convert_to(
                    string_agg(attachment.metadata_hash, '' ORDER BY attachment.metadata_hash COLLATE "C"), 'UTF8'
                )), 'hex') END AS new
      FROM chunk
      LEFT JOIN object_attachment_association AS link ON link.museum_object_id = chunk.id
      LEFT JOIN museum_attachments AS attachment ON attachment.id = link.museum_attachment_id
     GROUP BY chunk.id, chunk.attachment_metadata_hash
){write}
SELECT max(id), count(*), count(*) FILTER (WHERE NOT incomplete AND old IS DISTINCT FROM new),
       count(*) FILTER (WHERE incomplete)
  FROM fresh
"""
_WRITE = """, written AS (
    UPDATE museum_objects AS object SET attachment_metadata_hash = fresh.new FROM fresh
     WHERE object.id = fresh.id AND NOT fresh.incomplete AND fresh.old IS DISTINCT FROM fresh.new
)"""


def _hash_chunk(last: int, *, dry_run: bool) -> tuple[int, int, int, int] | None:
    """Deal with the objects after ``last``: the last of them, and how many were iterated, updated and skipped."""
    with connection.cursor() as cursor:
        statement = _HASHES.format(write="" if dry_run else _WRITE)
        cursor.execute(statement, {"last": last, "size": HASH_CHUNK_SIZE})
        row = cursor.fetchone()
    return None if row[0] is None else row
