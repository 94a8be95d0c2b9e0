"""A record of many deposits, written by COPY: what a service has after years, for the benchmarks of this folder.

Of ten thousand deposits 9,640 are done, and the others are rejected, failed, expired or partial. Each has a package;
four events in the mean; what is done has a delivery, its activity and an identifier; one in ten has a finding. They
came at `A_DAY` a day, so that a larger record is a longer history and not a busier day.
"""

import hashlib
import io
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2

A_DAY = 2500
CLIENTS, COLLECTIONS = 40, 10
_BATCH = 20_000
_WORDS = [hashlib.sha1(b"%d" % n, usedforsecurity=False).hexdigest()[:7] for n in range(50_000)]
_COMMON = ("Analytical", "Difference", "Jacquard", "Antikythera")
_EMPTY_JSON = "{}"


@dataclass(frozen=True, slots=True)
class Row:
    """What is written of one deposit; everything else follows from it."""

    number: int
    client: int
    collection: int
    status: str
    at: str

    @property
    def is_done(self) -> bool:
        """Whether it is in the archive."""
        return self.status == "done"


def _status(number: int) -> str:
    place = number % 10_000
    if place < 9640:
        return "done"
    for status, below in (("rejected", 9840), ("failed", 9900), ("expired", 9980)):
        if place < below:
            return status
    return "partial"


def rows(first: int, number: int, clients: Sequence[int], collections: Sequence[int]) -> Iterator[Row]:
    """Deposits ``first`` to ``number``; six of ten are the first client's, one of a thousand the second's."""
    now = datetime.now(UTC)
    for one in range(first, number + 1):
        mixed = one * 7919 % 1000
        client = (
            clients[0]
            if mixed < 600
            else clients[1]
            if mixed == 600
            else clients[2 + one % (len(clients) - 2)]
        )
        at = now - timedelta(days=(number - one) / A_DAY, hours=2)
        yield Row(one, client, collections[one * 31 % len(collections)], _status(one * 7907), at.isoformat())


def _deposit(row: Row) -> Iterator[tuple[Any, ...]]:
    words = random.Random(row.number)
    title = (
        f"{_COMMON[row.number % 4]} {' '.join(_WORDS[int(50_000 * words.random() ** 3)] for _ in range(4))}"
    )
    is_open = row.status in ("partial", "expired")
    swhid = f"swh:1:dir:{row.number:040x}" if row.is_done else None
    origin = f"https://large.example.org/{row.number // 3}" if row.is_done else None
    yield (
        *(row.number, row.client, row.collection, "code", row.status, row.at, None if is_open else row.at),
        *(f"x{row.number}", origin, "1", swhid, swhid, 3, row.at, row.at, title, f"p{row.number}.zip"),
    )


def _events(row: Row) -> Iterator[tuple[Any, ...]]:
    ways = {
        "done": (
            ("complete", "", "deposited"),
            ("verify", "deposited", "verified"),
            ("start", "verified", "loading"),
            ("finish", "loading", "done"),
        ),
        "rejected": (("complete", "", "deposited"), ("reject", "deposited", "rejected")),
        "failed": (
            ("complete", "", "deposited"),
            ("verify", "deposited", "verified"),
            ("fail", "loading", "failed"),
        ),
    }
    for name, before, after in ways.get(row.status, (("create", "", "partial"),)):
        yield (row.number, name, before, after, "bench", row.at, _EMPTY_JSON, '{"door":"sword"}')


def _part(row: Row) -> Iterator[tuple[Any, ...]]:
    digest = hashlib.sha256(b"%d" % row.number).hexdigest()
    stored = f"bench/{row.number:012d}"
    yield (row.number, "package", row.at, "application/zip", 10_000, digest, f"p{row.number}.zip", "", stored)


def _finding(row: Row) -> Iterator[tuple[Any, ...]]:
    if row.number % 10 == 0:
        yield (row.number, "metadata", "metadata.license", "warning", "", "The license is not told.", row.at)


def _delivery(row: Row) -> Iterator[tuple[Any, ...]]:
    if row.is_done:
        yield (row.number, row.number, "archive", "done", "t", row.at, row.at, row.at)


def _activity(row: Row) -> Iterator[tuple[Any, ...]]:
    if row.is_done:
        yield (row.number, "load", "done", 1, row.at, row.at)


def _identifier(row: Row) -> Iterator[tuple[Any, ...]]:
    if row.is_done:
        yield (row.number, "swhid", f"swh:1:dir:{row.number:040x}", row.at)


# Table, columns, and the lines of a deposit in it.
TABLES: dict[str, tuple[str, Callable[[Row], Iterator[tuple[Any, ...]]]]] = {
    "deposit_deposit": (
        "id, client_id, collection_id, type, status, reception_date, complete_date, external_id, origin_url, "
        "software_version, swhid, swhid_context, revision, status_changed_at, verified_date, title, package_name",
        _deposit,
    ),
    "deposit_event": ("deposit_id, name, from_status, to_status, actor, at, detail, via", _events),
    "deposit_part": (
        "deposit_id, kind, created_at, content_type, size, sha256, name, packaging, stored_as",
        _part,
    ),
    "deposit_finding": ("deposit_id, area, code, severity, subject, message, created_at", _finding),
    "deposit_delivery": (
        "id, deposit_id, destination, state, current, created_at, started_at, ended_at",
        _delivery,
    ),
    "deposit_activity": ("delivery_id, name, state, attempts, started_at, ended_at", _activity),
    "deposit_identifier": ("deposit_id, scheme, value, created_at", _identifier),
}
_OF_ITS_OWN = ("deposit_deposit", "deposit_delivery")

_FOREIGN_KEYS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE contype = 'f' AND conrelid::regclass::text = ANY(%s)
"""
_INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid::regclass::text = ANY(%s) AND NOT indisunique
"""


def _copied(url: str, table: str, deposits: Iterable[Row]) -> None:
    columns, lines = TABLES[table]
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        text, waiting = io.StringIO(), 0
        for row in deposits:
            for line in lines(row):
                text.write("\t".join("\\N" if value is None else str(value) for value in line) + "\n")
            waiting += 1
            if waiting == _BATCH:
                _flush(cursor, table, columns, text)
                text, waiting = io.StringIO(), 0
        _flush(cursor, table, columns, text)
        if table in _OF_ITS_OWN:
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"  # noqa: S608
            )


def _flush(cursor: Any, table: str, columns: str, text: io.StringIO) -> None:
    text.seek(0)
    cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN", text)


def fill(url: str, first: int, number: int, clients: Sequence[int], collections: Sequence[int]) -> None:
    """Add the deposits ``first`` to ``number``. Indexes and foreign keys are made anew afterwards: that is faster."""
    names = list(TABLES)
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SET maintenance_work_mem = '512MB'")
        cursor.execute(_FOREIGN_KEYS, [names])
        keys = cursor.fetchall()
        cursor.execute(_INDEXES, [names])
        indexes = cursor.fetchall()
        for table, name, _ in keys:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        for name, _ in indexes:
            cursor.execute(f"DROP INDEX {name}")
        began = time.monotonic()
        with ThreadPoolExecutor(2) as two:
            list(two.map(lambda table: _copied(url, table, rows(first, number, clients, collections)), names))
        print(f"copied in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        for _, definition in indexes:
            cursor.execute(definition)
        for table, name, definition in keys:
            cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
        for table in names:
            cursor.execute(f"VACUUM ANALYZE {table}")
        print(f"indexed after {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    connection.close()
