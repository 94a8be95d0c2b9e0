"""A deposit's history as people read it: what happened, who did it, how long it took."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.functional import Promise

from dashboard.labels import DETAILS, EVENTS, STEPS, STEPS_DONE, STOPPED, EventWords
from dashboard.sizes import size_in_words
from deposit.lists.events import plain_actor, plain_detail
from deposit.models import Deposit, Event

# The event that an event ends: between the two lies the work of one worker.
_BEGINS = {
    "verify": "check",
    "reject": "check",
    "hold": "check",
    "finish": "start",
    "fail": "start",
    "give-back": "",
}
# More events than these are shown from both ends only.
LONGEST = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """One line of the timeline. ``since`` is the time after the line before, ``took`` that of the work it ends."""

    label: Promise | str
    tone: str
    actor: str
    at: datetime
    since: timedelta | None
    took: timedelta | None
    details: list[tuple[Promise | str, str]]


@dataclass(frozen=True, slots=True)
class Step:
    """One of the steps every deposit takes; ``state`` is past, now, stopped or empty."""

    label: Promise
    state: str


def steps_of(deposit: Deposit) -> list[Step]:
    """How far a deposit is on its way."""
    done = STEPS_DONE[deposit.status]

    def state(number: int) -> str:
        if number < done:
            return "past"
        if number > done:
            return ""
        return "stopped" if deposit.status in STOPPED else "now"

    return [Step(label, state(number)) for number, label in enumerate(STEPS)]


def timeline(events: Iterable[Event], *, faults: bool) -> list[Moment]:
    """The moments of a history, oldest first. ``faults``: with the names of workers and raw faults, for operators."""
    moments: list[Moment] = []
    last: datetime | None = None
    began: dict[str, datetime] = {}
    for event in events:
        words = EVENTS.get(event.name) or EventWords(event.name)  # type: ignore[arg-type]
        began[event.name] = event.at
        start = began.get(_BEGINS.get(event.name, ""))
        moments.append(
            Moment(
                label=words.label,
                tone=words.tone,
                actor=event.actor if faults else plain_actor(event),
                at=event.at,
                since=event.at - last if last else None,
                took=event.at - start if start else None,
                details=_details(event.detail if faults else plain_detail(event)),
            )
        )
        last = event.at
    return moments


def _details(detail: Mapping[str, Any]) -> list[tuple[Promise | str, str]]:
    return [
        (DETAILS.get(name, name), _shown(name, value))
        for name, value in detail.items()
        if value not in (None, "", False, True)
    ]


def _shown(name: str, value: Any) -> str:
    if name == "size" and isinstance(value, int):
        return size_in_words(value)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def history(deposit: Deposit) -> list[Event]:
    """The events of a deposit, oldest first; of a very long history the first and the last hundred."""
    events = Event.objects.filter(deposit_id=deposit.pk)
    newest = list(events.order_by("-pk")[: LONGEST + 1])
    if len(newest) <= LONGEST:
        return newest[::-1]
    half = LONGEST // 2
    return [*events.order_by("pk")[:half], *newest[:half][::-1]]
