"""What is open in the queue, for operators: by kind, and piece by piece."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from django.db import connection
from django.db.models import Case, CharField, F, Q, QuerySet, Value, When
from django.db.models.functions import Now

from deposit.models import WorkItem
from deposit.queue import registry


class State(StrEnum):
    """Where a piece of work stands."""

    WORKING = "working"  # in the hands of a worker
    SILENT = "silent"  # of a worker that fell silent
    SENT = "sent"  # out with the broker
    WAITING = "waiting"  # due, and not sent yet
    LATER = "later"  # due at a later time


_STATES: dict[State, Q] = {
    State.WORKING: Q(lease_expires_at__gt=Now()),
    State.SILENT: Q(lease_expires_at__lte=Now()),
    State.SENT: Q(lease_expires_at__isnull=True, sent_at__isnull=False),
    State.WAITING: Q(lease_expires_at__isnull=True, sent_at__isnull=True, due_at__lte=Now()),
    State.LATER: Q(lease_expires_at__isnull=True, sent_at__isnull=True, due_at__gt=Now()),
}

_COUNTED = """
SELECT kind, count(*),
    count(*) FILTER (WHERE lease_expires_at > statement_timestamp()),
    count(*) FILTER (WHERE lease_expires_at <= statement_timestamp()),
    count(*) FILTER (WHERE lease_expires_at IS NULL AND sent_at IS NOT NULL),
    count(*) FILTER (WHERE due_at > statement_timestamp() AND sent_at IS NULL),
    count(*) FILTER (WHERE last_fault <> ''),
    count(*) FILTER (WHERE heavy),
    greatest(statement_timestamp() - min(due_at) FILTER (WHERE lease_expires_at IS NULL), interval '0')
FROM deposit_workitem GROUP BY kind ORDER BY kind
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """The open work of one kind. ``failed``: whose last attempt failed; ``longest``: how long one is due already."""

    kind: str
    number: int = 0
    working: int = 0
    silent: int = 0
    sent: int = 0
    later: int = 0
    failed: int = 0
    heavy: int = 0
    longest: timedelta = timedelta()

    @property
    def longest_seconds(self) -> float:
        """How long one is due already, in seconds."""
        return self.longest.total_seconds()

    @property
    def waiting(self) -> int:
        """What is due and not sent yet."""
        return self.number - self.working - self.silent - self.sent - self.later


def counted() -> list[Counted]:
    """All kinds that are known or open, by name."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTED)
        found = {row[0]: _counted(*row) for row in cursor.fetchall()}
    return [found.get(kind) or Counted(kind=kind) for kind in sorted({*found, *registry.KINDS})]


def _counted(
    kind: str,
    number: int,
    working: int,
    silent: int,
    sent: int,
    later: int,
    failed: int,
    heavy: int,
    longest: timedelta | None,
) -> Counted:
    return Counted(
        kind=kind,
        number=number,
        working=working,
        silent=silent,
        sent=sent,
        later=later,
        failed=failed,
        heavy=heavy,
        longest=longest or timedelta(),
    )


def open_work(
    *, kind: str = "", state: str = "", failed: bool = False, deposit: int | None = None
) -> "QuerySet[WorkItem]":
    """The open pieces of work, each with its ``state``. ``failed``: only those whose last attempt failed."""
    cases = [When(condition, then=Value(name.value)) for name, condition in _STATES.items()]
    found = WorkItem.objects.annotate(
        state=Case(*cases, output_field=CharField()), wait=F("due_at") - Now()
    ).order_by("id")
    if kind:
        found = found.filter(kind=kind)
    if state:
        found = found.filter(_STATES[State(state)])
    if failed:
        found = found.exclude(last_fault="")
    if deposit is not None:
        found = found.filter(deposit=deposit)
    return found
