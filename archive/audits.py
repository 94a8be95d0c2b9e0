"""What the fixity audits have shown: the state of the packs, the readings of the newest days, what is damaged."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Count, Sum
from django.db.models.functions import TruncDay

from archive.models import FixityCheck, Outcome, Pack

_STATE = """
SELECT count(*), coalesce(sum(pack.size), 0)::bigint, count(*) FILTER (WHERE pack.damaged_at IS NOT NULL),
    count(*) FILTER (WHERE newest.ended_at IS NULL), min(newest.ended_at), max(newest.ended_at)
FROM archive_pack pack LEFT JOIN LATERAL (
    SELECT ended_at FROM archive_fixitycheck done
    WHERE done.pack_id = pack.id AND done.outcome <> 'unreadable' ORDER BY ended_at DESC LIMIT 1
) newest ON true WHERE pack.replaced_by_id IS NULL
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """How well the archive is known to be whole; ``size`` in bytes.

    ``oldest`` is when the pack was read that was not read for longest, ``due`` when it will be read again.
    """

    packs: int
    size: int
    damaged: int
    unread: int
    oldest: datetime | None
    newest: datetime | None
    due: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditDay:
    """The readings of one day (UTC): how many by outcome, and bytes read."""

    day: date
    outcomes: dict[str, int] = field(default_factory=dict)
    read: int = 0


def state() -> State:
    """All packs in figures; one step through an index for each pack."""
    with connection.cursor() as cursor:
        cursor.execute(_STATE)
        packs, size, damaged, unread, oldest, newest = cursor.fetchone()
    due = oldest + timedelta(days=settings.ARCHIVE_AUDIT_DAYS) if oldest else None
    return State(
        packs=packs, size=size, damaged=damaged, unread=unread, oldest=oldest, newest=newest, due=due
    )


def days(*, number: int = 30) -> list[AuditDay]:
    """The newest days, oldest first, those without a reading included."""
    today = datetime.now(UTC).date()
    first = today - timedelta(days=number - 1)
    rows = (
        FixityCheck.objects.filter(ended_at__gte=datetime(first.year, first.month, first.day, tzinfo=UTC))
        .values("outcome", day=TruncDay("ended_at"))
        .annotate(number=Count("pk"), bytes=Sum("read"))
    )
    outcomes: dict[date, dict[str, int]] = {}
    read: dict[date, int] = {}
    for row in rows:
        day = row["day"].date()
        outcomes.setdefault(day, {})[row["outcome"]] = row["number"]
        read[day] = read.get(day, 0) + row["bytes"]
    return [
        AuditDay(day=day, outcomes=outcomes.get(day, {}), read=read.get(day, 0))
        for day in (first + timedelta(days=after) for after in range(number))
    ]


def damaged(*, most: int = 100) -> list[tuple[Pack, FixityCheck | None]]:
    """Packs that are damaged now, the newest damage first, each with the reading that shows it."""
    packs = list(Pack.objects.in_storage().filter(damaged_at__isnull=False).order_by("-damaged_at")[:most])
    told = FixityCheck.objects.filter(pack__in=packs, outcome__in=[Outcome.DAMAGED, Outcome.MISSING])
    newest = {one.pack_id: one for one in told.order_by("pk")}
    return [(pack, newest.get(pack.pk)) for pack in packs]


def repairs(*, most: int = 50) -> list[FixityCheck]:
    """Readings that ended in a repair, newest first."""
    return _newest(most, Outcome.REPAIRED)


def readings(*, most: int = 25) -> list[FixityCheck]:
    """The newest readings."""
    return _newest(most, *Outcome)


def _newest(most: int, *outcomes: Outcome) -> list[FixityCheck]:
    rows = FixityCheck.objects.filter(outcome__in=outcomes) if len(outcomes) == 1 else FixityCheck.objects
    return list(rows.select_related("pack").order_by("-pk").defer("lost")[:most])
