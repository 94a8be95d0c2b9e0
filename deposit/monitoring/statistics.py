"""Figures about the service: what waits and for how long, what came in and what became of it, how fast the steps are.

All of them are bounded: the newest days, the newest events, and never a count over everything that was ever deposited.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from statistics import median
from typing import Any

from django.db import connection
from django.db.models import Count, F, Min, QuerySet, Sum
from django.db.models.functions import Now, TruncDay

from archive.models import Pack
from deposit.models import Deposit, Event, Status, WorkItem

UNFINISHED = (Status.DEPOSITED, Status.VERIFIED, Status.LOADING)
AMISS = (Status.PARTIAL, Status.EXPIRED, Status.REJECTED, Status.FAILED)
# A table with more rows than this is estimated from PostgreSQL's own statistics, not counted.
_COUNTED = 100_000
# How many of the newest events tell how fast the steps are.
_RECENT_EVENTS = 5000
_STEPS = {"verify": "check", "reject": "check", "finish": "start", "fail": "start"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Queue:
    """The deposits in one status; ``oldest`` is since when the longest waiting one is in it."""

    status: str
    number: int
    oldest: datetime | None
    age: timedelta | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Day:
    """What was received on one day (UTC), by what has become of it since."""

    day: datetime
    statuses: dict[str, int] = field(default_factory=dict)

    @property
    def received(self) -> int:
        """All of them."""
        return sum(self.statuses.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class Speed:
    """How long a step took lately: ``check`` or ``start`` (loading)."""

    step: str
    number: int
    median: timedelta
    longest: timedelta
    slowest: int  # the deposit that took longest


@dataclass(frozen=True, kw_only=True, slots=True)
class Growth:
    """Bytes that were put into the archive on one day (UTC), as stored."""

    day: datetime
    size: int
    packs: int


def queues(deposits: QuerySet[Deposit]) -> list[Queue]:
    """Every status but ``done``, with its number and its oldest deposit."""
    # Two questions, for two partial indexes answer them.
    found: dict[str, Any] = {
        row["status"]: row
        for statuses in (UNFINISHED, AMISS)
        for row in deposits.filter(status__in=statuses)
        .order_by()
        .values("status")
        .annotate(number=Count("pk"), oldest=Min("status_changed_at"), now=Now())
    }
    return [_queue(status, found.get(status)) for status in (*UNFINISHED, *AMISS)]


def _queue(status: str, row: dict[str, Any] | None) -> Queue:
    if row is None:
        return Queue(status=status, number=0, oldest=None, age=None)
    age = max(timedelta(), row["now"] - row["oldest"])
    return Queue(status=status, number=row["number"], oldest=row["oldest"], age=age)


def total_of(deposits: QuerySet[Deposit], *, everything: bool) -> tuple[int, bool]:
    """How many deposits there are, and whether that is exact; ``everything``: the set is the whole table."""
    if everything:
        with connection.cursor() as cursor:
            cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = 'deposit_deposit'::regclass")
            row = cursor.fetchone()
        if row and row[0] > _COUNTED:
            return int(row[0]), False
    number = deposits.order_by()[: _COUNTED + 1].count()
    return min(number, _COUNTED), number <= _COUNTED


def days(deposits: QuerySet[Deposit], *, number: int = 30) -> list[Day]:
    """The newest days up to today, oldest first, days without a deposit included."""
    rows = (
        deposits.filter(reception_date__gt=Now() - timedelta(days=number))
        .order_by()
        .values("status", day=TruncDay("reception_date"))
        .annotate(number=Count("pk"))
        .values_list("day", "status", "number")
    )
    found: dict[datetime, dict[str, int]] = {}
    for day, status, count in rows:
        found.setdefault(day, {})[status] = count
    return [Day(day=day, statuses=found.get(day, {})) for day in _last_days(number)]


def _last_days(number: int) -> list[datetime]:
    today = datetime.combine(datetime.now(UTC).date(), time.min, UTC)
    return [today - timedelta(days=back) for back in reversed(range(number))]


def growth(*, number: int = 30) -> list[Growth]:
    """What the archive took in on the newest days, oldest first."""
    rows = (
        # What was merged came on the day when it was loaded.
        Pack.objects.filter(published_at__gt=Now() - timedelta(days=number), rewritten=False)
        .values(day=TruncDay("published_at"))
        .annotate(bytes=Sum("size"), packs=Count("pk"))
    )
    found: dict[datetime, Any] = {row["day"]: row for row in rows}
    return [
        Growth(day=day, size=row["bytes"] if row else 0, packs=row["packs"] if row else 0)
        for day in _last_days(number)
        for row in [found.get(day)]
    ]


def stored() -> tuple[int, int]:
    """Bytes and packs in the archive."""
    row = Pack.objects.in_storage().aggregate(size=Sum("size"), packs=Count("pk"))
    return row["size"] or 0, row["packs"]


def speeds() -> list[Speed]:
    """How long checks and loads took, from the newest events."""
    newest = Event.objects.order_by("-pk").values_list("deposit_id", "name", "at")[:_RECENT_EVENTS]
    began: dict[tuple[int, str], datetime] = {}
    taken: dict[str, list[tuple[timedelta, int]]] = {}
    for deposit_id, name, at in reversed(newest):
        step = _STEPS.get(name)
        if step is None:
            began[deposit_id, name] = at
        elif (deposit_id, step) in began:
            taken.setdefault(step, []).append((at - began.pop((deposit_id, step)), deposit_id))
    return [_speed(step, times) for step, times in sorted(taken.items())]


def _speed(step: str, times: list[tuple[timedelta, int]]) -> Speed:
    longest, slowest = max(times)
    middle = timedelta(seconds=median(time.total_seconds() for time, _ in times))
    return Speed(step=step, number=len(times), median=middle, longest=longest, slowest=slowest)


def workers() -> list[dict[str, Any]]:
    """Who works on what at this moment: the holders of leases."""
    rows = (
        WorkItem.objects.filter(sent_at__isnull=False, lease_expires_at__gt=Now())
        .order_by("lease_owner")
        .values(
            "lease_owner",
            "kind",
            "key",
            "attempts",
            "lease_expires_at",
            "deposit",
            status=F("deposit__status"),
        )
    )
    return [dict(row) for row in rows[:100]]
