"""A deposit's deliveries as people read them: where to, how far, what failed and how often it was tried."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from dashboard.sizes import size_in_words
from deposit.models import Activity, ActivityState, Delivery, DeliveryState, Deposit

# State -> its word, the tone that the timeline's lines have, and the status whose colour it has.
STATES: dict[str, tuple[Promise, str, str]] = {
    DeliveryState.WAITING: (_("waiting"), "busy", "verified"),
    DeliveryState.RUNNING: (_("running"), "busy", "loading"),
    DeliveryState.ASKING: (_("a person has to decide"), "bad", "rejected"),
    DeliveryState.DONE: (_("done"), "good", "done"),
    DeliveryState.FAILED: (_("failed"), "bad", "failed"),
    DeliveryState.CANCELLED: (_("cancelled"), "", "expired"),
    DeliveryState.ABANDONED: (_("given up"), "", "expired"),
}
# Retries of a delivery that are shown; the newest.
MOST = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class StepLine:
    """One step of a delivery. ``sent``: what was new there; ``fault``: the raw one, empty for all but operators."""

    name: str
    word: Promise
    tone: str
    attempts: int
    started_at: datetime
    took: timedelta | None
    note: str
    error: str
    fault: str
    sent: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryLine:
    """One delivery. ``cause`` is why it is not going on, in one line."""

    pk: int
    destination: str
    word: Promise
    colour: str
    current: bool
    took: timedelta | None
    cause: str
    question: str
    steps: list[StepLine]


def deliveries_of(deposit: Deposit, *, faults: bool) -> list[DeliveryLine]:
    """The deliveries of a deposit, the newest first. ``faults``: with raw faults, for operators."""
    newest = deposit.deliveries.prefetch_related("activities").order_by("-pk")[:MOST]
    return [line_of(delivery, faults=faults) for delivery in newest]


def line_of(delivery: Delivery, *, faults: bool) -> DeliveryLine:
    """One delivery as people read it."""
    word, _tone, colour = STATES[delivery.state]
    activities = list(delivery.activities.all())
    failing = next((one for one in reversed(activities) if one.error), None)
    return DeliveryLine(
        pk=delivery.pk,
        destination=delivery.destination,
        word=word,
        colour=colour,
        current=delivery.current,
        took=_between(delivery.started_at, delivery.ended_at),
        cause=delivery.error or (failing.error if failing else ""),
        question=str(delivery.question.get("question", "")),
        steps=[_step(one, faults=faults) for one in activities],
    )


def _step(activity: Activity, *, faults: bool) -> StepLine:
    word, tone, _colour = STATES[activity.state]
    failed = activity.state == ActivityState.FAILED or bool(activity.error)
    return StepLine(
        name=activity.name,
        word=word,
        tone="bad" if failed else tone,
        attempts=activity.attempts,
        started_at=activity.started_at,
        took=_between(activity.started_at, activity.ended_at),
        note=activity.note,
        error=activity.error,
        fault=activity.fault if faults else "",
        sent=_sent(activity.result.get("sent")),
    )


def _sent(told: Any) -> str:
    """What a step has sent, in words; empty where it tells nothing of that."""
    if not isinstance(told, dict) or not {"contents", "directories", "bytes", "known"} <= told.keys():
        return ""
    sentence = _(
        "New there: files %(contents)d (%(size)s), folders %(directories)d. There already: files %(known)d."
    )
    words = [sentence % {**told, "size": size_in_words(told["bytes"])}]
    if told.get("skipped"):
        words.append(_("Too large to be sent, and only told of: files %(skipped)d.") % told)
    return " ".join(map(str, words))


def _between(start: datetime | None, end: datetime | None) -> timedelta | None:
    if start is None:
        return None
    return (end or timezone.now()) - start
