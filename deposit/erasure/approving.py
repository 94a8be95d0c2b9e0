"""What an approved erasure does at once, in the transaction that approves it: from then on nobody reads it."""

from archive.erasure import mark_erased
from deposit import lifecycle
from deposit.actors import Actor
from deposit.erasure.objects import leaving_with
from deposit.erasure.record import forget, forget_original
from deposit.erasure.work import ask_for_erasing
from deposit.models import DeletionRequest, Deposit, EventName, Withdrawal
from deposit.models.deletions import reference_to


def erase_at_once(asked: DeletionRequest, actor: Actor) -> None:
    """Say what is erased, take the content out of the record, ask for the slow part; within the approval.

    Raises `TransitionRefused`, `InvalidIdentifier`.
    """
    told = {"request": asked.pk, "kind": str(asked.kind), "reason": asked.reason}
    if asked.objects_named:
        deposit = Deposit.objects.select_for_update().get(pk=asked.deposit_id)
        _mark(asked, deposit)
        staged = forget_original(deposit)
        status = deposit.status
        lifecycle.record(
            deposit, EventName.ERASE_OBJECTS, actor=str(actor), source=status, target=status, **told
        )
    else:
        deposit = Deposit.objects.select_for_update().get(pk=asked.deposit_id)
        _mark(asked, deposit)
        staged = forget_whole(asked, deposit, actor=str(actor), decided_by=_name(actor))
    DeletionRequest.objects.filter(pk=asked.pk).update(staged=staged)
    ask_for_erasing(asked)


def forget_whole(
    asked: DeletionRequest, deposit: Deposit, *, actor: str, decided_by: str | None = None
) -> list[str]:
    """Say in the record that a deposit is erased, and take its content out; returns its staged files.

    Its objects are marked before. Raises `TransitionRefused`.
    """
    told = {"request": asked.pk, "kind": str(asked.kind), "reason": asked.reason}
    deposit = lifecycle.fire_within(EventName.ERASE, deposit.pk, actor=actor, detail=told)
    Withdrawal.objects.update_or_create(
        deposit=deposit,
        defaults={
            "request": asked,
            "reason": asked.reason,
            "decided_by": decided_by or actor,
            "citation": "",
            "erased": True,
        },
    )
    return forget(deposit)


def _name(actor: Actor) -> str:
    return actor.user.get_username() if actor.user else str(actor)


def _mark(asked: DeletionRequest, deposit: Deposit) -> None:
    """By what is so now, not by the plan: others may have brought the same since."""
    with leaving_with(deposit, asked.objects_named) as leaving:
        leaving.settle_again(also_named=not asked.objects_named)
        mark_erased(leaving.going(), reference_to(asked.pk))
