"""What the service looks like at this moment: what alerts, pages, /metrics and ``check_deposit`` all go by."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

from django.conf import settings
from django.db import connection
from django.db.backends.utils import CursorWrapper

from deposit.lifecycle import Work
from deposit.models import Status
from deposit.monitoring.heartbeats import Worker, workers
from deposit.monitoring.processes import required_processes
from deposit.monitoring.sessions import Sessions, read_sessions
from deposit.queue import dispatcher
from deposit.staging.storage import refuses_uploads

T = TypeVar("T")

# Counting everything that was ever deposited takes a while; this many seconds it is not done again.
COUNT_EVERY = 60.0
# The same of looking at every pack.
UNREAD_EVERY = 300.0
_UNFINISHED = (Status.DEPOSITED, Status.LOADING, Status.VERIFIED)

_WAITING = """
SELECT status, count(*), extract(epoch FROM statement_timestamp() - min(status_changed_at))::float
FROM deposit_deposit WHERE status IN ('deposited', 'verified', 'loading') GROUP BY status
"""
_WORK = """
SELECT kind, queue, count(*),
       extract(epoch FROM statement_timestamp() - min(due_at)
               FILTER (WHERE lease_expires_at IS NULL OR lease_expires_at <= statement_timestamp()))::float,
       count(*) FILTER (WHERE lease_expires_at > statement_timestamp()),
       count(*) FILTER (WHERE lease_expires_at <= statement_timestamp())
FROM deposit_workitem GROUP BY kind, queue
"""
# Work whose newest attempt failed and that will be tried again, with the cause of the last that did.
_FAILING = """
SELECT kind, queue, count(*), max(attempts), (array_agg(last_fault ORDER BY due_at DESC))[1]
FROM deposit_workitem WHERE last_fault <> '' GROUP BY kind, queue ORDER BY kind
"""
# In which status a deposit is while a worker has it.
_AT_WORK = {Work.CHECK: Status.DEPOSITED, Work.LOAD: Status.LOADING}
_FAILED = "SELECT count(*) FROM deposit_deposit WHERE status = 'failed'"
# Most deposits are done, and to count them takes the longer the more there are: beyond so many, PostgreSQL's own
# estimate of all rows tells. The others have indexes of their own, and are counted.
_COUNTED = 100_000
_ALL = "SELECT status, count(*) FROM deposit_deposit GROUP BY status"
_ESTIMATE = "SELECT reltuples::bigint FROM pg_class WHERE oid = 'deposit_deposit'::regclass"
_NOT_DONE = """
SELECT status, count(*) FROM deposit_deposit WHERE status IN ('partial', 'expired', 'rejected', 'failed') GROUP BY 1
UNION ALL
SELECT status, count(*) FROM deposit_deposit WHERE status IN ('deposited', 'verified', 'loading') GROUP BY 1
"""
_ARCHIVE = """
SELECT coalesce(sum(size), 0)::bigint, count(*), count(*) FILTER (WHERE damaged_at IS NOT NULL),
    count(*) FILTER (WHERE to_erase),
    extract(epoch FROM statement_timestamp() - max(published_at) FILTER (WHERE rewritten))::float,
    (SELECT count(*) FROM archive_pack WHERE remove_at IS NOT NULL)
FROM archive_pack WHERE replaced_by_id IS NULL
"""
_REPLACED = "SELECT count(*) FROM archive_pack WHERE replaced_by_id IS NOT NULL"
_FIXITY = """
SELECT (SELECT count(*) FROM archive_fixitycheck),
       (SELECT extract(epoch FROM statement_timestamp() - max(ended_at))::float FROM archive_fixitycheck)
"""
# How long ago the pack was read that was not read for longest, its making counted as a reading.
_UNREAD = """
SELECT extract(epoch FROM statement_timestamp() - min(coalesce(newest.ended_at, pack.published_at)))::float
FROM archive_pack pack LEFT JOIN LATERAL (
    SELECT ended_at FROM archive_fixitycheck done
    WHERE done.pack_id = pack.id AND done.outcome <> 'unreadable' ORDER BY ended_at DESC LIMIT 1
) newest ON true WHERE pack.replaced_by_id IS NULL
"""
_INSTALLED = "SELECT extract(epoch FROM statement_timestamp() - min(applied))::float FROM django_migrations"


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """The deposits in one unfinished status; ``oldest`` is for how long the first of them is in it, in seconds."""

    number: int = 0
    oldest: float = 0.0
    leased: int = 0
    lapsed: int = 0


@dataclass(slots=True)
class OpenWork:
    """What is to be done in one queue; ``idle``: for how long the first is due that no worker has, in seconds."""

    number: int = 0
    idle: float = 0.0
    leased: int = 0

    def add(self, number: int, idle: float, leased: int) -> None:
        """Count the work of one more kind."""
        self.number += number
        self.idle = max(self.idle, idle)
        self.leased += leased


@dataclass(frozen=True, kw_only=True, slots=True)
class Failing:
    """Work of one kind that fails and is tried again; ``attempts`` of that which was tried most."""

    kind: str
    queue: str
    number: int
    attempts: int
    cause: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Space:
    """Room on the disk of a folder, in bytes; ``total`` is 0 when the folder is away.

    ``is_full``: nothing can be written, or, of the staging area, uploads are answered 507.
    """

    free: int
    total: int
    is_full: bool = False
    is_writable: bool = True

    @property
    def used(self) -> int:
        """What is not free."""
        return self.total - self.free

    @property
    def free_percent(self) -> float:
        """What is free of 100."""
        return 100 * self.free / self.total if self.total else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """The service at one moment.

    ``fixity_age``: seconds since the last fixity check, None when there was none. ``unread``: seconds since the pack
    was read that was not read for longest (0 without packs). ``processes``: those that must run beside the workers.
    ``installed_for``: seconds since the database was made. ``rewritten_age``: seconds since packs were last merged or
    erased in, None when they never were.
    """

    waiting: dict[str, Waiting]
    queues: dict[str, OpenWork]
    failed: int
    has_dispatcher: bool
    archive_bytes: int
    packs: int
    damaged_packs: int
    fixity_checks: int
    fixity_age: float | None
    unread: float
    space: dict[str, Space]
    workers: list[Worker]
    processes: list[str]
    installed_for: float
    failing: tuple[Failing, ...] = ()
    sessions: Sessions | None = None
    packs_to_erase: int = 0
    packs_to_remove: int = 0
    replaced_packs: int = 0
    rewritten_age: float | None = None


class _Kept(Generic[T]):
    """An answer that takes the database long, asked for now and then."""

    def __init__(self, ask: Callable[[], T], seconds: float) -> None:
        self._ask = ask
        self._seconds = seconds
        self._lock = Lock()
        self._at = float("-inf")
        self._answer: T | None = None

    def __call__(self) -> T:
        with self._lock:
            if self._answer is None or time.monotonic() - self._at > self._seconds:
                self._answer = self._ask()
                self._at = time.monotonic()
            return self._answer

    def forget(self) -> None:
        """Ask anew next time."""
        self._answer = None


def _count() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(_ESTIMATE)
        (estimate,) = cursor.fetchone()
        cursor.execute(_ALL if estimate <= _COUNTED else _NOT_DONE)
        numbers = dict(cursor.fetchall())
    rest = max(0, estimate - sum(numbers.values()))
    return numbers if estimate <= _COUNTED else numbers | {Status.DONE.value: rest}


def _unread() -> float:
    return _number(_UNREAD)


def _replaced() -> int:
    return int(_number(_REPLACED))


def _number(question: str) -> float:
    with connection.cursor() as cursor:
        cursor.execute(question)
        (answer,) = cursor.fetchone()
    return max(0.0, answer or 0.0)


counted = _Kept(_count, COUNT_EVERY)
unread = _Kept(_unread, UNREAD_EVERY)
replaced = _Kept(_replaced, UNREAD_EVERY)


def read_snapshot() -> Snapshot:
    """Look at the record, the archive's index and the disks. Raises django.db.Error when the database is away."""
    with connection.cursor() as cursor:
        waiting, queues = _read_work(cursor)
        failing = _read_failing(cursor)
        cursor.execute(_FAILED)
        (failed,) = cursor.fetchone()
        cursor.execute(_ARCHIVE)
        size, packs, damaged, to_erase, rewritten_age, to_remove = cursor.fetchone()
        cursor.execute(_FIXITY)
        checks, age = cursor.fetchone()
    return Snapshot(
        waiting=waiting,
        queues=queues,
        failed=failed,
        has_dispatcher=dispatcher.is_led(),
        archive_bytes=size,
        packs=packs,
        damaged_packs=damaged,
        fixity_checks=checks,
        fixity_age=age,
        unread=unread() if packs else 0.0,
        space=read_space(),
        workers=workers(),
        processes=required_processes(),
        installed_for=_number(_INSTALLED),
        failing=failing,
        sessions=read_sessions(),
        packs_to_erase=to_erase,
        packs_to_remove=to_remove,
        replaced_packs=replaced() if rewritten_age is not None else 0,
        rewritten_age=rewritten_age,
    )


def _read_failing(cursor: CursorWrapper) -> tuple[Failing, ...]:
    cursor.execute(_FAILING)
    return tuple(
        Failing(kind=kind, queue=queue, number=number, attempts=attempts, cause=cause)
        for kind, queue, number, attempts, cause in cursor.fetchall()
    )


def _read_work(cursor: CursorWrapper) -> tuple[dict[str, Waiting], dict[str, OpenWork]]:
    """Deposits by status, and open work by queue."""
    cursor.execute(_WORK)
    leases: dict[str | None, tuple[int, int]] = {}
    queues: dict[str, OpenWork] = {}
    for kind, queue, number, idle, leased, lapsed in cursor.fetchall():
        leases[_AT_WORK.get(kind)] = (leased, lapsed)
        queues.setdefault(queue, OpenWork()).add(number, idle or 0.0, leased)
    cursor.execute(_WAITING)
    waiting = {status.value: Waiting() for status in _UNFINISHED}
    for status, number, oldest in cursor.fetchall():
        leased, lapsed = leases.get(status, (0, 0))
        waiting[status] = Waiting(number=number, oldest=max(0.0, oldest), leased=leased, lapsed=lapsed)
    return waiting, queues


def deposits_by_status(snapshot: Snapshot) -> dict[str, int]:
    """All deposits; what waits and what has failed as of now, the others at most ``COUNT_EVERY`` seconds old.

    Of many, those that are done are what PostgreSQL takes all to be, without the others.
    """
    exact = {status: found.number for status, found in snapshot.waiting.items()}
    return {status.value: 0 for status in Status} | counted() | exact | {Status.FAILED.value: snapshot.failed}


def read_space() -> dict[str, Space]:
    """Room for what is staged and what is archived; a folder that is away has none."""
    return {
        "staging": _space_of(settings.STAGING_ROOT, refuses_uploads),
        "archive": _space_of(settings.ARCHIVE_ROOT, lambda: False),
    }


def _space_of(folder: str, is_full: Callable[[], bool]) -> Space:
    try:
        disk = os.statvfs(folder)
        has_room = disk.f_bavail and (disk.f_favail or not disk.f_files)
        return Space(
            free=disk.f_bavail * disk.f_frsize,
            total=disk.f_blocks * disk.f_frsize,
            is_full=not has_room or is_full(),
            is_writable=os.access(folder, os.W_OK | os.X_OK),
        )
    except OSError:
        return Space(free=0, total=0)
