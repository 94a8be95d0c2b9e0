"""What is shown of a request to erase, or to withdraw: its plan, the copies elsewhere, its report."""

from collections.abc import Mapping, Sequence
from typing import Any

from deposit.actors import Actor
from deposit.erasure.copies import copies_of
from deposit.erasure.report import Report, report_of
from deposit.models import DeletionKind, DeletionRequest
from deposit.permissions import Operation, deposits_for, may


def plan_for(actor: Actor, asked: DeletionRequest) -> Mapping[str, Any] | None:
    """The plan of an erasure for those who may ask for one themselves; None for others, and while there is none.

    Of deposits that share something it names those that exist for the actor, and counts the others.
    """
    if asked.plan is None or not may(actor, Operation.REQUEST_ERASURE, asked.deposit):
        return None
    sharing = asked.plan["shared_with"]
    visible = set(deposits_for(actor, Operation.READ).filter(pk__in=sharing).values_list("pk", flat=True))
    return {
        **asked.plan,
        "shared_with": [pk for pk in sharing if pk in visible],
        "shared_with_others": len([pk for pk in sharing if pk not in visible]),
    }


def copies_for(actor: Actor, asked: DeletionRequest) -> Sequence[Mapping[str, Any]]:
    """Where copies lie that neither withdrawing nor erasing reaches, for those who may see where; as planned, or now.

    Nothing of restoring: nobody asks for copies to be taken back.
    """
    if asked.kind == DeletionKind.RESTORE or not may(actor, Operation.REQUEST_ERASURE, asked.deposit):
        return ()
    return asked.plan["copies"] if asked.plan is not None else copies_of(asked.deposit)


def report_for(actor: Actor, asked: DeletionRequest) -> Report:
    """The report of a request that the actor may see."""
    return report_of(asked, plan_for(actor, asked), copies_for(actor, asked))
