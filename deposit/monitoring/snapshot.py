"""What the service looks like at this moment, in numbers: for /metrics and for ``manage.py check_deposit``."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from django.conf import settings
from django.db import connection

from deposit.lifecycle import Work
from deposit.models import AdvisoryLock, Status

# Counting everything that was ever deposited takes a while; this many seconds it is not done again.
COUNT_EVERY = 60.0
_UNFINISHED = (Status.DEPOSITED, Status.LOADING, Status.VERIFIED)

_WAITING = """
SELECT status, count(*), extract(epoch FROM statement_timestamp() - min(status_changed_at))::float
FROM deposit_deposit WHERE status IN ('deposited', 'verified', 'loading') GROUP BY status
"""
_LEASES = """
SELECT kind, count(*) FILTER (WHERE lease_expires_at > statement_timestamp()),
       count(*) FILTER (WHERE lease_expires_at <= statement_timestamp())
FROM deposit_workitem WHERE sent_at IS NOT NULL AND lease_expires_at IS NOT NULL GROUP BY kind
"""
# In which status a deposit is while a worker has it.
_AT_WORK = {Work.CHECK: Status.DEPOSITED, Work.LOAD: Status.LOADING}
_FAILED = "SELECT count(*) FROM deposit_deposit WHERE status = 'failed'"
_ALL = "SELECT status, count(*) FROM deposit_deposit GROUP BY status"
_LEADER = """
SELECT EXISTS (
    SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = %s AND objsubid = 1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
)
"""
_ARCHIVE = """
SELECT coalesce(sum(size), 0)::bigint, count(*), count(*) FILTER (WHERE damaged_at IS NOT NULL) FROM archive_pack
"""
_FIXITY = """
SELECT (SELECT count(*) FROM archive_fixitycheck),
       (SELECT extract(epoch FROM statement_timestamp() - max(ended_at))::float FROM archive_fixitycheck)
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """The deposits in one unfinished status; ``oldest`` is the age of the longest waiting one in seconds."""

    number: int = 0
    oldest: float = 0.0
    leased: int = 0
    lapsed: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Space:
    """Room on the disk of a folder, in bytes."""

    free: int
    total: int

    @property
    def used(self) -> int:
        """What is not free."""
        return self.total - self.free


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """All figures. ``fixity_age``: seconds since the last fixity check, None when there was none."""

    waiting: dict[str, Waiting]
    failed: int
    has_dispatcher: bool
    archive_bytes: int
    packs: int
    damaged_packs: int
    fixity_checks: int
    fixity_age: float | None
    space: dict[str, Space]


class _Counted:
    """The deposits by status, counted now and then."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._at = float("-inf")
        self._counts: dict[str, int] = {}

    def __call__(self) -> dict[str, int]:
        with self._lock:
            if time.monotonic() - self._at > COUNT_EVERY:
                with connection.cursor() as cursor:
                    cursor.execute(_ALL)
                    self._counts = dict(cursor.fetchall())
                self._at = time.monotonic()
            return self._counts

    def forget(self) -> None:
        self._at = float("-inf")


counted = _Counted()


def read_figures() -> Figures:
    """Look at the record, the archive's index and the disks. Raises django.db.Error when the database is away."""
    with connection.cursor() as cursor:
        cursor.execute(_LEASES)
        leases = {_AT_WORK.get(kind): (leased, lapsed) for kind, leased, lapsed in cursor.fetchall()}
        cursor.execute(_WAITING)
        waiting = {}
        for status, number, oldest in cursor.fetchall():
            leased, lapsed = leases.get(status, (0, 0))
            waiting[status] = Waiting(number=number, oldest=max(0.0, oldest), leased=leased, lapsed=lapsed)
        cursor.execute(_FAILED)
        (failed,) = cursor.fetchone()
        cursor.execute(_LEADER, [AdvisoryLock.DISPATCHER])
        (has_dispatcher,) = cursor.fetchone()
        cursor.execute(_ARCHIVE)
        size, packs, damaged = cursor.fetchone()
        cursor.execute(_FIXITY)
        checks, age = cursor.fetchone()
    return Figures(
        waiting={s.value: waiting.get(s, Waiting()) for s in _UNFINISHED},
        failed=failed,
        has_dispatcher=has_dispatcher,
        archive_bytes=size,
        packs=packs,
        damaged_packs=damaged,
        fixity_checks=checks,
        fixity_age=age,
        space=read_space(),
    )


def deposits_by_status(figures: Figures) -> dict[str, int]:
    """All deposits; what waits and what has failed as of now, the others at most ``COUNT_EVERY`` seconds old."""
    exact = {status: found.number for status, found in figures.waiting.items()}
    return {status.value: 0 for status in Status} | counted() | exact | {Status.FAILED.value: figures.failed}


def read_space() -> dict[str, Space]:
    """Room for what is staged and what is archived; a folder that is away has none."""
    found = {}
    for name, folder in (("staging", settings.STAGING_ROOT), ("archive", settings.ARCHIVE_ROOT)):
        if not folder or not Path(folder).is_dir():
            found[name] = Space(free=0, total=0)
            continue
        disk = os.statvfs(folder)
        found[name] = Space(free=disk.f_bavail * disk.f_frsize, total=disk.f_blocks * disk.f_frsize)
    return found
