"""What an archive outgrows first, with its load and its machines, until it holds so many contents.

What one object, row or deposit costs was measured (``docs/how-to/plan-capacity.md`` says how) up to 10^7 contents, or
comes from the database at hand (`costs_here`). Beyond, everything here is arithmetic: it tells what to look at first,
not what will happen.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from django.db import connection

GB = 1000**3
_DAY_SECONDS = 86_400
# PostgreSQL's own memory holds indexes beside tables, sorts and sessions.
_FOR_INDEXES = 0.6
# A new object has a page of its own in each of: its identifier, its SHA-256 or its targets, the table itself.
_PAGES_A_ROW = 3
# Busier than this, a queue grows in every busy hour.
_BUSY = 0.7
# Fewer rows say little about what one takes.
_ENOUGH_ROWS = 100_000


@dataclass(frozen=True)
class Load:
    """What comes in. Bytes are those that are new and compressed; ``peak`` is the busiest hour against the mean."""

    deposits_a_day: float = 1000
    contents: float = 150
    directories: float = 20
    stored_bytes: float = 15e6
    peak: float = 5


@dataclass(frozen=True)
class Machines:
    """What there is to do it with; bytes, bytes a second, operations a second, hours."""

    hosts: int = 2
    processors: int = 4
    database_memory: float = 32 * GB
    database_disk: float = 1000 * GB
    database_iops: float = 5000
    wal_rate: float = 100e6
    read_rate: float = 200e6
    audit_days: float = 90
    backup_rate: float = 100e6
    backup_hours: float = 8
    rebuild_hours: float = 48


@dataclass(frozen=True)
class Costs:
    """What one takes; bytes and seconds of a processor. Measured at 10^7 contents in 10^6 directories."""

    row_bytes: float = 172
    identifier_bytes: float = 51
    sha256_bytes: float = 32
    targets_bytes: float = 1225
    deposit_bytes: float = 10_000
    deposit_seconds: float = 0.014
    content_seconds: float = 26e-6
    wal_bytes: float = 8300
    rebuild_seconds: float = 9e-6


class Moment(NamedTuple):
    """How much there is after so many days."""

    days: float
    deposits: float
    contents: float
    directories: float
    stored_bytes: float

    @property
    def objects(self) -> float:
        """Rows of the index."""
        return self.contents + self.directories


class Limit(NamedTuple):
    """Something that can become too much: what is needed at a moment, what there is, and what to do then."""

    name: str
    unit: str
    need: Callable[[Moment], float]
    have: float
    remedy: str


class Reached(NamedTuple):
    """When a limit is passed (``first``, None: not before the end), and what is needed at the end."""

    limit: Limit
    first: Moment | None
    needed: float


def index_bytes(costs: Costs, moment: Moment) -> float:
    """What the indexes of the objects take."""
    return (
        moment.objects * costs.identifier_bytes
        + moment.contents * costs.sha256_bytes
        + moment.directories * costs.targets_bytes
    )


def database_bytes(costs: Costs, moment: Moment) -> float:
    """All of the database."""
    rows = moment.objects * costs.row_bytes + moment.deposits * costs.deposit_bytes
    return rows + index_bytes(costs, moment)


def limits(load: Load, machines: Machines, costs: Costs) -> list[Limit]:
    """All that is looked at."""
    a_second = load.deposits_a_day * load.peak / _DAY_SECONDS
    objects = load.contents + load.directories
    rows = a_second * objects
    for_indexes = machines.database_memory * _FOR_INDEXES
    busy = a_second * (costs.deposit_seconds + load.contents * costs.content_seconds)

    def missed(moment: Moment) -> float:
        """The share of an index's pages that memory does not hold."""
        return max(0.0, 1 - for_indexes / max(index_bytes(costs, moment), 1))

    def rebuild(moment: Moment) -> float:
        reads = moment.objects * _PAGES_A_ROW * missed(moment) / machines.database_iops
        return (moment.objects * costs.rebuild_seconds + reads) / 3600

    return [
        Limit(
            "processors in the busiest hour",
            "processors",
            lambda moment: busy,
            machines.hosts * machines.processors * _BUSY,
            "Add hosts with workers: see `docs/how-to/many-machines.md`.",
        ),
        Limit(
            "indexes in the database's memory",
            "GB",
            lambda moment: index_bytes(costs, moment) / GB,
            for_indexes / GB,
            "Nothing breaks: loads begin to wait for the disk. Give the database's machine more memory.",
        ),
        Limit(
            "pages that loads read from the disk",
            "a second",
            lambda moment: rows * _PAGES_A_ROW * missed(moment),
            machines.database_iops,
            "More memory for the database, or disks with more operations a second.",
        ),
        Limit(
            "log that loads write",
            "MB a second",
            lambda moment: rows * costs.wal_bytes / 1e6,
            machines.wal_rate / 1e6,
            "A disk of its own for pg_wal, rarer checkpoints, wal_compression.",
        ),
        Limit(
            "disk of the database",
            "GB",
            lambda moment: database_bytes(costs, moment) * 1.5 / GB,
            machines.database_disk / GB,
            "A larger disk; half as much again is counted for vacuum and for growth in a year.",
        ),
        Limit(
            "reading all packs once (fixity)",
            "days",
            lambda moment: moment.stored_bytes / machines.read_rate / _DAY_SECONDS,
            machines.audit_days,
            "More scheduler slices at once, a storage that reads faster, or a larger ARCHIVE_AUDIT_DAYS.",
        ),
        Limit(
            "backup of the database",
            "hours",
            lambda moment: database_bytes(costs, moment) / machines.backup_rate / 3600,
            machines.backup_hours,
            "Back up by base backups and archived log in place of dumps: see `docs/how-to/standby.md`.",
        ),
        Limit(
            "making the index anew from the packs",
            "hours",
            rebuild,
            machines.rebuild_hours,
            "Keep a standby, so that it is never needed; or memory that holds the indexes.",
        ),
    ]


def moment_at(load: Load, contents: float) -> Moment:
    """All that there is by the time that there are so many contents."""
    deposits = contents / load.contents
    return Moment(
        days=deposits / load.deposits_a_day,
        deposits=deposits,
        contents=contents,
        directories=deposits * load.directories,
        stored_bytes=deposits * load.stored_bytes,
    )


def simulate(load: Load, machines: Machines, costs: Costs, contents: float) -> list[Reached]:
    """What is outgrown, the soonest first, and then what is not before there are so many contents."""
    end = moment_at(load, contents)
    reached = [
        Reached(limit, _first(limit, load, contents), limit.need(end))
        for limit in limits(load, machines, costs)
    ]
    return sorted(reached, key=lambda one: one.first.contents if one.first else float("inf"))


def _first(limit: Limit, load: Load, contents: float) -> Moment | None:
    """When a limit is passed; what is needed never falls as contents come, so halving finds it."""
    if limit.need(moment_at(load, contents)) <= limit.have:
        return None
    low, high = 0.0, contents
    while high - low > 1:
        middle = (low + high) / 2
        if limit.need(moment_at(load, middle)) > limit.have:
            high = middle
        else:
            low = middle
    return moment_at(load, high)


_SIZES = """
SELECT relname, reltuples, CASE relkind WHEN 'r' THEN pg_table_size(oid) ELSE pg_relation_size(oid) END
FROM pg_class WHERE relname IN ('archive_object', 'archive_object_pkey', 'object_by_sha256', 'object_by_targets')
"""


def costs_here() -> Costs | None:
    """What the objects of the database at hand take; None: too few to tell, or never analysed."""
    with connection.cursor() as cursor:
        cursor.execute(_SIZES)
        found = {name: (rows, size) for name, rows, size in cursor.fetchall()}
    objects, table = found["archive_object"]
    contents, by_sha256 = found["object_by_sha256"]
    _, by_targets = found["object_by_targets"]
    if objects < _ENOUGH_ROWS:
        return None
    directories = max(objects - contents, 1.0)
    return replace(
        Costs(),
        row_bytes=table / objects,
        identifier_bytes=found["archive_object_pkey"][1] / objects,
        sha256_bytes=by_sha256 / max(contents, 1.0),
        targets_bytes=by_targets / directories,
    )
