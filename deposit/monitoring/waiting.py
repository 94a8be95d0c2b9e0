"""Why is a deposit not done? One sentence, for pages, the API and ``manage.py deposit show``."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.db.models import Q
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from deposit.models import Delivery, DeliveryState, Deposit, Heartbeat, Status, WorkItem
from deposit.monitoring.heartbeats import is_heard
from deposit.queue import dispatcher
from deposit.queue.reading import State, open_work
from deposit.services import confirmation

# Who takes work from a queue, in words.
_WORKERS = {
    "check": gettext_lazy("a checker"),
    "load": gettext_lazy("a loader"),
    "fetch": gettext_lazy("a fetcher"),
}


def why_not_done(deposit: Deposit, *, faults: bool) -> str:
    """What a deposit waits for, or why it ended otherwise; "" for one that is done or withdrawn.

    ``faults``: with the raw cause of what failed, for operators. Two to five short queries.
    """
    if confirmation.is_held(deposit):
        return _("It has warnings, and waits until its depositor confirms or changes it.")
    match deposit.status:
        case Status.PARTIAL:
            return _("It is partial: it waits for its client to complete it.")
        case Status.EXPIRED:
            return _("It was never completed, and has expired.")
        case Status.REJECTED | Status.FAILED:
            return _finding(deposit)
        case Status.DEPOSITED | Status.VERIFIED | Status.LOADING:
            return _asked(deposit) or _open(deposit, faults)
    return ""


def _finding(deposit: Deposit) -> str:
    """The first finding that ended it."""
    found = deposit.findings.filter(severity="error").order_by("pk").first()
    reason = found.message if found else _("no finding says why")
    if deposit.status == Status.REJECTED:
        return _("It was rejected: %(reason)s") % {"reason": reason}
    return _("It failed, for no reason of its depositor's: %(reason)s") % {"reason": reason}


def _asked(deposit: Deposit) -> str:
    """A delivery that asks a person."""
    asking = Delivery.objects.filter(deposit=deposit, state=DeliveryState.ASKING, current=True).first()
    if asking is None:
        return ""
    return _("Its delivery to %(destination)s waits for somebody's decision.") % {
        "destination": asking.destination
    }


def _open(deposit: Deposit, faults: bool) -> str:
    # As open_work annotates them.
    rows: Iterable[Any] = open_work(deposit=deposit.pk).order_by("-id")
    items: dict[State, WorkItem] = {State(item.state): item for item in rows}
    if not items:
        return _("No work is open for it; the dispatcher asks for it within minutes.")
    if State.WORKING in items:
        return _("A worker is at work on it.")
    if State.SILENT in items:
        return _("Whoever was at work on it fell silent; another takes it up within minutes.")
    if item := items.get(State.WAITING) or items.get(State.SENT):
        return _in_line(item)
    return _later(items[State.LATER], faults)


def _worker(item: WorkItem) -> str:
    known = _WORKERS.get(item.queue)
    return str(known) if known else _("a worker of the queue %(queue)s") % {"queue": item.queue}


def _in_line(item: WorkItem) -> str:
    """It is due: whether anybody is there to take it, and how much is before it."""
    before = WorkItem.objects.filter(
        Q(due_at__lt=item.due_at) | Q(due_at=item.due_at, id__lt=item.pk),
        queue=item.queue,
        lease_expires_at__isnull=True,
    ).count()
    told: dict[str, object] = {"worker": _worker(item), "before": before}
    reading = [one for one in Heartbeat.objects.all() if item.queue in one.queues.split(",")]
    if not any(is_heard(one) for one in reading):
        heard = max((one.beat_at for one in reading), default=None)
        if heard is None:
            return _("It waits for %(worker)s: none is alive; %(before)d are before it.") % told
        told["moment"] = _moment(heard)
        return _("It waits for %(worker)s: none is alive since %(moment)s; %(before)d are before it.") % told
    if not dispatcher.is_led():
        return _("It waits for %(worker)s: no dispatcher runs; %(before)d are before it.") % told
    return _("It waits for %(worker)s; %(before)d are before it.") % told


def _later(item: WorkItem, faults: bool) -> str:
    told = {"moment": _moment(item.due_at), "number": item.attempts, "cause": item.last_fault}
    if not item.last_fault:
        return _("It is looked at again at %(moment)s.") % told
    if faults:
        return _("Attempt %(number)d failed (%(cause)s); the next is at %(moment)s.") % told
    return _("An attempt failed, for no reason of its depositor's; the next is at %(moment)s.") % told


def _moment(moment: datetime) -> str:
    """The time of today, with the day of other days; in UTC, as everywhere."""
    moment = moment.astimezone(UTC)
    form = "%H:%M" if moment.date() == now().date() else "%Y-%m-%d %H:%M"
    return f"{moment:{form}} UTC"
