"""What operators do to deposits: reschedule, recheck, expire."""

from functools import partial

from django.db import transaction

from deposit import staging
from deposit.lifecycle import TransitionRefused, fire
from deposit.models import Deposit, Finding, PartKind
from deposit.services.arrivals import remove_parts


def reschedule(*, deposit_id: int, actor: str) -> Deposit:
    """Load a failed or loaded deposit again; its identifiers are cleared. Raises `TransitionRefused`."""
    with transaction.atomic():
        deposit = fire("reschedule", deposit_id, actor=actor)
        Finding.objects.filter(deposit_id=deposit_id, area="loading").delete()
        return deposit


def recheck(*, deposit_id: int, actor: str) -> Deposit:
    """Check a rejected or failed deposit again, as it was sent. Raises `TransitionRefused`."""
    with transaction.atomic():
        deposit = fire("recheck", deposit_id, actor=actor)
        Finding.objects.filter(deposit_id=deposit_id).delete()
        return deposit


def expire(*, deposit_id: int, actor: str, quietly: bool = False) -> Deposit | None:
    """Give up a partial deposit and remove its packages. Raises `TransitionRefused` unless ``quietly``."""
    try:
        with transaction.atomic():
            deposit = fire("expire", deposit_id, actor=actor)
            stored = remove_parts(deposit, PartKind.PACKAGE)
            transaction.on_commit(partial(staging.remove, stored))
            return deposit
    except (TransitionRefused, Deposit.DoesNotExist):
        if quietly:
            return None
        raise
