"""The days of the service, counted from the history: what came in, what became of it, how long it took.

A day that is over is counted once; today and what was never counted are counted again whenever somebody asks. The
history is read by its index over moments (BRIN), so counting a day costs as much as that day, however long the history.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Max, QuerySet, Sum
from django.db.models.functions import TruncDay, TruncWeek

from deposit.models import AdvisoryLock, DailyStatistics, Event

# The days that one transaction counts.
_STEP = timedelta(days=31)

_FORGET = "DELETE FROM deposit_daytally WHERE day >= %(since)s::date AND day < %(until)s::date"
_COUNT = """
INSERT INTO deposit_daytally
    (day, client_id, collection_id, received, size, largest, done, rejected, failed, waited, longest)
SELECT (event.at AT TIME ZONE 'UTC')::date AS day, deposit.client_id, deposit.collection_id,
    count(*) FILTER (WHERE event.name IN ('complete', 'accept')),
    coalesce(sum(sent.size), 0), coalesce(max(sent.size), 0),
    count(*) FILTER (WHERE event.name IN ('finish', 'accept')),
    count(*) FILTER (WHERE event.name = 'reject'),
    count(*) FILTER (WHERE event.name IN ('fail', 'quarantine')),
    coalesce(sum(taken.seconds), 0), coalesce(max(taken.seconds), 0)
FROM deposit_event event JOIN deposit_deposit deposit ON deposit.id = event.deposit_id
LEFT JOIN LATERAL (
    SELECT sum(part.size) AS size FROM deposit_part part
    WHERE part.deposit_id = event.deposit_id AND part.kind = 'package'
) sent ON event.name = 'complete'
LEFT JOIN LATERAL (
    SELECT greatest(0, round(extract(epoch FROM event.at - max(began.at))))::bigint AS seconds
    FROM deposit_event began
    WHERE began.deposit_id = event.deposit_id AND began.id < event.id
        AND began.name IN ('complete', 'confirm', 'recheck', 'reschedule')
) taken ON event.name = 'finish'
WHERE event.at >= %(since)s AND event.at < %(until)s
    AND event.name IN ('complete', 'accept', 'finish', 'reject', 'fail', 'quarantine')
GROUP BY 1, 2, 3
"""

# Ten minutes after midnight the transactions that were under way then have ended.
_NEWEST_SETTLED = """
SELECT max(day) FROM deposit_daytally
WHERE counted_at > (day + 1)::timestamp AT TIME ZONE 'UTC' + interval '10 minutes'
"""

_ADDED = ("received", "size", "done", "rejected", "failed", "waited")
_MAXIMA = ("largest", "longest")


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """What happened; ``size`` and ``largest`` in bytes, ``waited`` and ``longest`` in seconds."""

    received: int = 0
    size: int = 0
    largest: int = 0
    done: int = 0
    rejected: int = 0
    failed: int = 0
    waited: int = 0
    longest: int = 0

    @property
    def mean_size(self) -> float:
        """Of a deposit's packages, in bytes."""
        return self.size / self.received if self.received else 0.0

    @property
    def mean_wait(self) -> float:
        """From complete to the archive, in seconds."""
        return self.waited / self.done if self.done else 0.0

    @property
    def failure_share(self) -> float:
        """Rejected and failed ones among all that came to an end, 0 to 1."""
        amiss = self.rejected + self.failed
        return amiss / (amiss + self.done) if amiss else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """A day or a week, and what happened in it."""

    day: date
    tally: Tally


def bring_up_to_date(*, steps: int = 1) -> bool:
    """Count the days that may have changed, some months of them at a time; whether all are counted now.

    Where another process counts at this moment, nothing is done.
    """
    since = _first_open_day()
    while since is not None and steps:
        counted, now = _count(since, since + _STEP)
        since = since + _STEP if since + _STEP <= now else None
        # A month without a deposit costs nothing.
        steps -= 1 if counted else 0
    return since is None


def _first_open_day() -> datetime | None:
    """The first day that may still change: after the newest settled one. None: nothing ever happened."""
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST_SETTLED)
        (newest,) = cursor.fetchone()
    if newest is not None:
        return _midnight(newest) + timedelta(days=1)
    first = Event.objects.order_by("pk").values_list("at", flat=True).first()
    return _midnight(first.astimezone(UTC).date()) if first else None


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _count(since: datetime, until: datetime) -> tuple[bool, datetime]:
    """Count some days; whether anything happened on them, and what time it is."""
    days = {"since": since, "until": until}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(%s), statement_timestamp()", [AdvisoryLock.DAILY_STATISTICS]
        )
        alone, now = cursor.fetchone()
        if not alone:
            return True, now
        cursor.execute(_FORGET, days)
        cursor.execute(_COUNT, days)
        return cursor.rowcount > 0, now


def spans(
    tallies: QuerySet[DailyStatistics], *, since: date, until: date, weekly: bool = False
) -> list[Span]:
    """What happened, by day or by week (named by its Monday), oldest first; days without a deposit included."""
    rows = (
        _within(tallies, since, until)
        .order_by()
        .values(span=(TruncWeek if weekly else TruncDay)("day"))
        .annotate(**_sums())
    )
    found = {row["span"]: _tally(row) for row in rows}
    return [Span(day=day, tally=found.get(day, Tally())) for day in _days(since, until, weekly)]


def _days(since: date, until: date, weekly: bool) -> Iterator[date]:
    day = since - timedelta(days=since.weekday()) if weekly else since
    while day <= until:
        yield day
        day += timedelta(days=7 if weekly else 1)


def busiest(
    tallies: QuerySet[DailyStatistics], name: str, *, since: date, until: date, most: int = 20
) -> list[tuple[str, Tally]]:
    """What happened by ``name`` (a path to a name: ``collection__name``), most received first."""
    rows = _within(tallies, since, until).order_by().values(name).annotate(**_sums())
    return [(row[name], _tally(row)) for row in rows.order_by("-sum_received", name)[:most]]


def whole(tallies: QuerySet[DailyStatistics], *, since: date, until: date) -> Tally:
    """All that happened, in one tally."""
    return _tally(_within(tallies, since, until).aggregate(**_sums()))


def _within(tallies: QuerySet[DailyStatistics], since: date, until: date) -> QuerySet[DailyStatistics]:
    return tallies.filter(day__gte=since, day__lte=until)


def _sums() -> dict[str, Any]:
    return {f"sum_{name}": Sum(name) for name in _ADDED} | {f"sum_{name}": Max(name) for name in _MAXIMA}


def _tally(row: Mapping[str, Any]) -> Tally:
    return Tally(**{name: int(row[f"sum_{name}"] or 0) for name in (*_ADDED, *_MAXIMA)})
