"""What operators and curators do to deposits: reschedule, recheck, expire."""

from functools import partial

from django.db import transaction

from deposit.actors import Actor, Channel, acting
from deposit.lifecycle import TransitionRefused, fire
from deposit.models import Deposit, EventName, Finding, PartKind
from deposit.permissions import Operation, require, unknown_deposit
from deposit.refusals import Refusal
from deposit.services.parts import remove_parts
from deposit.staging import files


def _allowed(actor: Actor, operation: Operation, deposit_id: int) -> str:
    """How the history names the actor. Raises `Refusal` unless the actor may."""
    deposit = Deposit.objects.filter(pk=deposit_id).first()
    if deposit is None:
        raise unknown_deposit(deposit_id)
    require(actor, operation, deposit)
    return str(actor) if actor.channel is Channel.SCHEDULER else f"operator:{actor.user or actor}"


def reschedule(*, deposit_id: int, actor: Actor) -> Deposit:
    """Load a failed or loaded deposit again; it keeps what it is known by. Raises `Refusal`, `TransitionRefused`."""
    name = _allowed(actor, Operation.RESCHEDULE, deposit_id)
    with acting(actor), transaction.atomic():
        deposit = fire(EventName.RESCHEDULE, deposit_id, actor=name)
        Finding.objects.filter(deposit_id=deposit_id, area="loading").delete()
        return deposit


def recheck(*, deposit_id: int, actor: Actor) -> Deposit:
    """Check a rejected or failed deposit again, as it was sent. Raises `Refusal`, `TransitionRefused`."""
    name = _allowed(actor, Operation.RECHECK, deposit_id)
    with acting(actor), transaction.atomic():
        deposit = fire(EventName.RECHECK, deposit_id, actor=name)
        Finding.objects.filter(deposit_id=deposit_id).delete()
        return deposit


def expire(*, deposit_id: int, actor: Actor, quietly: bool = False) -> Deposit | None:
    """Give up a partial deposit and remove its packages. Raises `Refusal`, `TransitionRefused` unless ``quietly``."""
    try:
        name = _allowed(actor, Operation.EXPIRE, deposit_id)
        with acting(actor), transaction.atomic():
            deposit = fire(EventName.EXPIRE, deposit_id, actor=name)
            stored = remove_parts(deposit, PartKind.PACKAGE)
            transaction.on_commit(partial(files.remove, stored))
            return deposit
    except (TransitionRefused, Refusal):
        if quietly:
            return None
        raise
