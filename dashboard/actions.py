"""What operators and curators can do to deposits from the dashboard, one at a time or many."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dashboard.labels import STATUS_LABELS
from deposit.actors import Actor
from deposit.lifecycle import TABLE, TransitionRefused
from deposit.models import Curatorship, Deposit, EventName, is_withdrawn
from deposit.permissions import Operation, deposits_for, may, may_service, visible_deposits
from deposit.refusals import Refusal
from deposit.services import operations

# How many deposits one confirmation may concern.
MANY = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """An operators' service with its words."""

    name: str
    operation: Operation
    service: Callable[..., Any]
    label: Promise
    effect: Promise


ACTIONS: dict[str, Action] = {
    action.name: action
    for action in (
        Action(
            name="reschedule",
            operation=Operation.RESCHEDULE,
            service=operations.reschedule,
            label=gettext_lazy("Load again"),
            effect=gettext_lazy("The deposit is loaded again; it keeps its identifiers."),
        ),
        Action(
            name="recheck",
            operation=Operation.RECHECK,
            service=operations.recheck,
            label=gettext_lazy("Check again"),
            effect=gettext_lazy("The deposit is checked again as it was sent, and loaded if it passes."),
        ),
        Action(
            name="expire",
            operation=Operation.EXPIRE,
            service=operations.expire,
            label=gettext_lazy("Expire"),
            effect=gettext_lazy("The partial deposit is given up and its files are removed, for good."),
        ),
    )
}


def offered(actor: Actor) -> list[Action]:
    """The actions that the actor may do on some deposits at least."""
    curates = actor.user is not None and Curatorship.objects.filter(user=actor.user).exists()
    return [
        action
        for action in ACTIONS.values()
        if may_service(actor, action.operation) or (curates and action.operation is not Operation.RESCHEDULE)
    ]


def obstacle(action: Action, deposit: Deposit) -> str:
    """Why an action would be refused as the deposit stands now; empty when it would not."""
    sources = TABLE[EventName(action.name)].sources
    if deposit.status not in sources:
        return _("It is %(status)s; this is for deposits that are %(sources)s.") % {
            "status": STATUS_LABELS[deposit.status],
            "sources": ", ".join(str(STATUS_LABELS[source]) for source in sorted(sources)),
        }
    if action.name == "reschedule" and deposit.type != "code":
        return _("It is metadata only: there is nothing to load.")
    if action.name == "reschedule" and deposit.verified_date is None:
        return _("It never passed its checks: check it again instead.")
    if is_withdrawn(deposit):
        return _("It is withdrawn.")
    return ""


def possible(actor: Actor, deposit: Deposit) -> list[Action]:
    """The actions that the actor may do on this deposit now."""
    return [
        action
        for action in ACTIONS.values()
        if not obstacle(action, deposit) and may(actor, action.operation, deposit)
    ]


@dataclass(frozen=True, slots=True)
class Preview:
    """What an action would do: the deposits it would change, and those it would not, with the reason."""

    ready: list[Deposit] = field(default_factory=list)
    refused: list[tuple[Deposit, str]] = field(default_factory=list)


def preview(actor: Actor, action: Action, ids: Sequence[int]) -> Preview:
    """Look before leaping; deposits that the actor may not act on are not there at all. Two queries."""
    chosen = deposits_for(actor, action.operation).filter(pk__in=list(ids)[:MANY])
    seen = Preview()
    for deposit in chosen.select_related("client__user", "collection", "withdrawal").order_by("-pk"):
        reason = obstacle(action, deposit)
        if reason:
            seen.refused.append((deposit, reason))
        else:
            seen.ready.append(deposit)
    return seen


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an action on many: how many were changed, and what was refused."""

    changed: int
    refusals: list[str]


def perform(actor: Actor, action: Action, ids: Sequence[int]) -> Outcome:
    """Do it to each deposit, a transaction each, and go on after a refusal."""
    changed, refusals = 0, []
    for deposit in visible_deposits(actor).filter(pk__in=list(ids)[:MANY]).order_by("pk"):
        try:
            action.service(deposit_id=deposit.pk, actor=actor)
            changed += 1
        except TransitionRefused as refused:
            refusals.append(str(refused))
        except Refusal as refused:
            refusals.append(refused.summary)
    return Outcome(changed, refusals)
