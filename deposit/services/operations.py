"""What operators and curators do to deposits: reschedule, recheck, expire, clear."""

from functools import partial

from django.db import transaction

from deposit.actors import Actor, Channel, acting
from deposit.lifecycle import TransitionRefused, fire, record
from deposit.models import Deposit, Event, EventName, Finding, PartKind, Status
from deposit.permissions import Operation, require, unknown_deposit
from deposit.refusals import Kind, Refusal
from deposit.services.parts import remove_parts
from deposit.staging import storage

# What came to nothing: its packages may go, its record stays.
CLEARED = (Status.REJECTED, Status.FAILED)


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
    _require_packages(deposit_id)
    with acting(actor), transaction.atomic():
        deposit = fire(EventName.RESCHEDULE, deposit_id, actor=name)
        Finding.objects.filter(deposit_id=deposit_id, area="loading").delete()
        return deposit


def recheck(*, deposit_id: int, actor: Actor) -> Deposit:
    """Check a rejected or failed deposit again, as it was sent. Raises `Refusal`, `TransitionRefused`."""
    name = _allowed(actor, Operation.RECHECK, deposit_id)
    _require_packages(deposit_id)
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
            transaction.on_commit(partial(storage.remove, stored))
            return deposit
    except (TransitionRefused, Refusal):
        if quietly:
            return None
        raise


def clear(*, deposit_id: int, actor: Actor) -> int:
    """Remove the packages of a rejected or failed deposit; how many there were. Its record, findings and history stay.

    Raises `Refusal`. Twice does no harm.
    """
    name = _allowed(actor, Operation.EXPIRE, deposit_id)
    with acting(actor), transaction.atomic():
        deposit = Deposit.objects.select_for_update().get(pk=deposit_id)
        if deposit.status not in CLEARED:
            raise Refusal(
                Kind.UNPROCESSABLE,
                "deposit.status",
                f"Deposit {deposit_id} is {deposit.status}: only a rejected or failed deposit can be cleared.",
                "A partial one expires; what is archived stays.",
            )
        stored = remove_parts(deposit, PartKind.PACKAGE)
        if stored:
            status = deposit.status
            record(deposit, EventName.CLEAR, actor=name, source=status, target=status, packages=len(stored))
            transaction.on_commit(partial(storage.remove, stored))
        return len(stored)


def _require_packages(deposit_id: int) -> None:
    """Raises `Refusal` for a deposit whose packages were cleared: there is nothing to check or load again."""
    cleared = Event.objects.filter(deposit_id=deposit_id, name=EventName.CLEAR).exists()
    if cleared and not Deposit.objects.filter(pk=deposit_id, parts__kind=PartKind.PACKAGE).exists():
        raise Refusal(
            Kind.UNPROCESSABLE,
            "deposit.package_removed",
            f"The packages of deposit {deposit_id} were cleared away.",
            "Ask its depositor to send it again.",
        )
