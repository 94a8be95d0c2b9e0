"""Withdrawing what is archived, restoring it, and erasing it: one person asks, another decides.

Withdrawing removes nothing: the deposit stays whole, and so does all that the archive has of it. What is withdrawn is
read by those who decide on it; all others get its tombstone, also for the objects in the archive, unless another
deposit that they may read holds the same. Erasing (`deposit.erasure`) cannot be taken back; it takes a plan before.
"""

from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from deposit import lifecycle
from deposit.actors import Actor, Channel, acting, system_actor
from deposit.erasure.approving import erase_at_once
from deposit.erasure.asking import named_objects, require_plan
from deposit.erasure.record import drop_notices
from deposit.erasure.work import ask_for_plan
from deposit.lifecycle import TransitionRefused
from deposit.membership import require_member
from deposit.models import (
    LONGEST_REASON,
    SHORTEST_REASON,
    DeletionKind,
    DeletionRequest,
    DeletionState,
    Deposit,
    EventName,
    Status,
    Withdrawal,
    is_erased,
    is_withdrawn,
)
from deposit.permissions import LARGEST_ID, Operation, deposit_to, deposits_for, may, require
from deposit.refusals import Kind, Refusal
from deposit.services import deposits
from deposit.services.exports import citation_of

# Which operations ask for each kind, and decide on it.
_ASKING = {DeletionKind.ERASE: Operation.REQUEST_ERASURE}
_DECIDING = {DeletionKind.ERASE: Operation.REVIEW_ERASURE}


def request(
    *, actor: Actor, deposit_id: int, kind: DeletionKind, reason: str, objects: Sequence[str] = ()
) -> DeletionRequest:
    """Ask for a deposit to be withdrawn, restored or erased. Raises `Refusal`, `TransitionRefused`.

    ``objects``: SWHIDs of files and folders of the deposit, where only these are to be erased.
    """
    person = _person(actor)
    deposit = deposit_to(actor, _ASKING.get(kind, Operation.REQUEST_DELETION), deposit_id)
    reason = _reason(reason)
    named = named_objects(deposit, objects, kind)
    with acting(actor), transaction.atomic():
        locked = Deposit.objects.select_for_update().get(pk=deposit.pk)
        _require_possible(locked, kind)
        if open_request(locked) is not None:
            raise TransitionRefused(
                f"Somebody has asked for deposit {locked.pk} already: see its open request."
            )
        made = DeletionRequest.objects.create(
            deposit=locked,
            kind=kind,
            requester=person,
            reason=reason,
            objects_named=named,
            expires_at=Now() + timedelta(days=settings.DELETION_REVIEW_DAYS),
        )
        _record(made, EventName.REQUEST_DELETION, actor, reason=reason)
        if kind == DeletionKind.ERASE:
            ask_for_plan(made)
    return _fresh(made.pk)


def request_withdrawal(*, actor: Actor, deposit: Deposit, reason: str) -> DeletionRequest:
    """The same for a program that may ask twice: what is asked for already stays as it is."""
    with transaction.atomic():
        Deposit.objects.select_for_update().get(pk=deposit.pk)
        known = open_request(deposit)
        if known is not None and known.kind == DeletionKind.WITHDRAW:
            require(actor, Operation.REQUEST_DELETION, deposit)
            return known
        return request(actor=actor, deposit_id=deposit.pk, kind=DeletionKind.WITHDRAW, reason=reason)


def delete_or_ask(
    *, actor: Actor, deposit: Deposit, if_revision: int | None = None, reason: str = ""
) -> DeletionRequest | None:
    """Remove a partial deposit; of one that is done, ask for its withdrawal, which somebody else decides.

    ``reason``: why, where the client says so. None: it is removed. Raises `Refusal`.
    """
    if deposit.status != Status.DONE:
        deposits.delete(actor=actor, deposit=deposit, if_revision=if_revision)
        return None
    require(actor, Operation.CHANGE, deposit)
    require_member(actor, deposit.collection_id)
    reason = reason or "Its depositor asked for it, by deleting it with SWORD."
    return request_withdrawal(actor=actor, deposit=deposit, reason=reason)


def approve(*, actor: Actor, request_id: int, note: str = "") -> DeletionRequest:
    """Do what somebody else has asked for. Raises `Refusal`, `TransitionRefused`."""
    with acting(actor), transaction.atomic():
        asked = _to_review(actor, request_id)
        if asked.kind == DeletionKind.ERASE:
            require_plan(asked)
        _end(asked, DeletionState.APPROVED, reviewer=_person(actor), note=_note(note))
        _ACTS[DeletionKind(asked.kind)](asked, actor)
    return _fresh(request_id)


def reject(*, actor: Actor, request_id: int, note: str) -> DeletionRequest:
    """Leave all as it is, for a reason. Raises `Refusal`, `TransitionRefused`."""
    with acting(actor), transaction.atomic():
        asked = _to_review(actor, request_id)
        note = _reason(note)
        _end(asked, DeletionState.REJECTED, reviewer=_person(actor), note=note)
        _record(asked, EventName.REJECT_DELETION, actor, reason=note)
    return _fresh(request_id)


def cancel(*, actor: Actor, request_id: int) -> DeletionRequest:
    """Take a request of one's own back. Raises `Refusal`, `TransitionRefused`."""
    with acting(actor), transaction.atomic():
        asked = _locked(actor, request_id)
        if asked.requester_id != _person(actor).pk:
            raise Refusal(
                Kind.FORBIDDEN,
                "deletion.foreign",
                "Only who asked for it can take a request back.",
                "Who decides on it can reject it, with a reason.",
            )
        _require_open(asked)
        _end(asked, DeletionState.CANCELLED)
        _record(asked, EventName.CANCEL_DELETION, actor)
    return _fresh(request_id)


def expire_old() -> int:
    """End the requests that nobody reviewed in time; returns of how many."""
    actor = system_actor(Channel.SCHEDULER)
    old = DeletionRequest.objects.filter(state=DeletionState.REQUESTED, expires_at__lte=Now())
    count = 0
    for number in list(old.order_by("id").values_list("pk", flat=True)[:1000]):
        with transaction.atomic():
            asked = old.select_for_update(of=("self",)).select_related("deposit").filter(pk=number).first()
            if asked is not None:
                _end(asked, DeletionState.EXPIRED)
                _record(asked, EventName.EXPIRE_DELETION, actor)
                count += 1
    return count


def requests_for(actor: Actor) -> QuerySet[DeletionRequest]:
    """The requests on deposits for which the actor may ask itself, newest first."""
    mine = deposits_for(actor, Operation.REQUEST_DELETION)
    return DeletionRequest.objects.filter(deposit__in=mine).select_related(
        "deposit__collection", "deposit__client__user", "requester", "reviewer"
    )


def request_for(actor: Actor, request_id: int) -> DeletionRequest:
    """One of these. Raises `Refusal`."""
    found = requests_for(actor).filter(pk=min(request_id, LARGEST_ID)).first()
    if found is None:
        raise _unknown(request_id)
    return found


def open_request(deposit: Deposit) -> DeletionRequest | None:
    """What waits for a review; there is one at most."""
    return DeletionRequest.objects.filter(deposit=deposit, state=DeletionState.REQUESTED).first()


def may_review(actor: Actor, asked: DeletionRequest) -> bool:
    """Whether this is for the actor to decide: open, somebody else's, and on a deposit of which it has the right to."""
    if asked.state != DeletionState.REQUESTED or actor.user is None or actor.user.pk == asked.requester_id:
        return False
    return may(actor, _DECIDING.get(DeletionKind(asked.kind), Operation.REVIEW_DELETION), asked.deposit)


def _person(actor: Actor) -> User:
    """Two people decide, so each has a name: the machine's console has none of its own."""
    if actor.user is None:
        raise Refusal(
            Kind.FORBIDDEN,
            "deletion.nobody",
            "Withdrawing and erasing take two people who are known by name.",
            "Log in; at the command line say who you are with --user.",
        )
    return actor.user


def _reason(text: str) -> str:
    cleaned = text.strip()
    if not SHORTEST_REASON <= len(cleaned) <= LONGEST_REASON:
        raise Refusal(
            Kind.UNPROCESSABLE,
            "deletion.reason",
            f"A reason has {SHORTEST_REASON} to {LONGEST_REASON} characters; this one has {len(cleaned)}.",
            "It is shown in the place of the deposit, for ever: say what readers have to know.",
        )
    return cleaned


def _note(text: str) -> str:
    return _reason(text) if text.strip() else ""


def _require_possible(deposit: Deposit, kind: DeletionKind) -> None:
    if deposit.status != Status.DONE:
        raise TransitionRefused(
            f"Deposit {deposit.pk} has status '{deposit.status}': only what is done is withdrawn or erased."
        )
    if is_erased(deposit):
        raise TransitionRefused(f"Deposit {deposit.pk} is erased: there is nothing left of it.")
    if kind != DeletionKind.ERASE and is_withdrawn(deposit) is (kind == DeletionKind.WITHDRAW):
        now = "withdrawn already" if kind == DeletionKind.WITHDRAW else "not withdrawn"
        raise TransitionRefused(f"Deposit {deposit.pk} is {now}.")


def _unknown(request_id: int) -> Refusal:
    return Refusal(
        Kind.NOT_FOUND,
        "deletion.unknown",
        f"There is no request {request_id} on a deposit of yours.",
        "The list of requests shows them.",
    )


def _locked(actor: Actor, request_id: int) -> DeletionRequest:
    number = min(request_id, LARGEST_ID)
    locked = DeletionRequest.objects.select_for_update(of=("self",)).select_related("deposit")
    asked = locked.filter(pk=number, deposit__in=deposits_for(actor, Operation.REQUEST_DELETION)).first()
    if asked is None:
        raise _unknown(request_id)
    return asked


def _to_review(actor: Actor, request_id: int) -> DeletionRequest:
    """The locked request, if the actor may decide on it."""
    asked = _locked(actor, request_id)
    require(actor, _DECIDING.get(DeletionKind(asked.kind), Operation.REVIEW_DELETION), asked.deposit)
    if _person(actor).pk == asked.requester_id:
        raise Refusal(
            Kind.FORBIDDEN,
            "deletion.same_person",
            "Who asks for it does not decide on it.",
            "Somebody else with the right to has to review this request; you can cancel it.",
        )
    _require_open(asked)
    return asked


def _require_open(asked: DeletionRequest) -> None:
    overdue = DeletionRequest.objects.filter(pk=asked.pk, expires_at__lte=Now()).exists()
    if asked.state != DeletionState.REQUESTED or overdue:
        state = DeletionState.EXPIRED if asked.state == DeletionState.REQUESTED else asked.state
        raise TransitionRefused(f"Request {asked.pk} has ended: {state}.")


def _end(
    asked: DeletionRequest, state: DeletionState, *, reviewer: User | None = None, note: str = ""
) -> None:
    asked.state, asked.reviewer, asked.note = state, reviewer, note
    DeletionRequest.objects.filter(pk=asked.pk).update(
        state=state, reviewer=reviewer, note=note, ended_at=Now()
    )


def _withdraw(asked: DeletionRequest, actor: Actor) -> None:
    deposit = lifecycle.fire_within(
        EventName.WITHDRAW, asked.deposit_id, actor=str(actor), detail=_told(asked, reason=asked.reason)
    )
    Withdrawal.objects.create(
        deposit=deposit,
        request=asked,
        reason=asked.reason,
        decided_by=_person(actor).get_username(),
        citation=citation_of(deposit),
    )
    drop_notices(deposit)


def _restore(asked: DeletionRequest, actor: Actor) -> None:
    lifecycle.fire_within(
        EventName.RESTORE, asked.deposit_id, actor=str(actor), detail=_told(asked, reason=asked.reason)
    )
    Withdrawal.objects.filter(deposit=asked.deposit_id).delete()


_ACTS = {
    DeletionKind.WITHDRAW: _withdraw,
    DeletionKind.RESTORE: _restore,
    DeletionKind.ERASE: erase_at_once,
}


def _told(asked: DeletionRequest, **detail: str) -> dict[str, str | int]:
    return {"request": asked.pk, "kind": str(asked.kind), **detail}


def _record(asked: DeletionRequest, name: EventName, actor: Actor, **detail: str) -> None:
    status = asked.deposit.status
    lifecycle.record(
        asked.deposit, name, actor=str(actor), source=status, target=status, **_told(asked, **detail)
    )


def _fresh(request_id: int) -> DeletionRequest:
    found = DeletionRequest.objects.select_related(
        "deposit__collection", "deposit__client__user", "requester", "reviewer"
    )
    return found.get(pk=request_id)
