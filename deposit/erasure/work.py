"""The work of erasing: a plan before it is decided, and the slow part once it is approved.

Both are work items of the queue; each may be killed at any instant and run again, and a message that comes twice does
nothing. What is said in the transaction of the approval (`archive.erasure.mark_erased`) holds whatever becomes of this
work: it removes bytes that nobody can reach any more.
"""

import logging
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from archive import erasure
from archive.storage import default_storage
from deposit import lifecycle
from deposit.erasure import files
from deposit.erasure.planning import make_plan
from deposit.models import DeletionKind, DeletionRequest, DeletionState, EventName, Status, WorkItem
from deposit.queue import items
from deposit.queue.claims import Claim, LeaseLost
from deposit.queue.leases import Busy, Lease, kept
from deposit.queue.policies import LOCAL, PROMISED
from deposit.queue.registry import Kind, register

logger = logging.getLogger(__name__)

PLAN_KIND, ERASE_KIND = "plan-erasure", "erase"


def heal() -> int:
    """Ask for the work of requests that have none: a restored record, or attempts that were used up."""
    erasures = DeletionRequest.objects.filter(kind=DeletionKind.ERASE)
    added = 0
    for kind, without in (
        (PLAN_KIND, erasures.filter(state=DeletionState.REQUESTED, plan__isnull=True)),
        (ERASE_KIND, erasures.filter(state=DeletionState.APPROVED, erased_at__isnull=True)),
    ):
        for asked in without.order_by("id")[:100]:
            if not WorkItem.objects.filter(kind=kind, key=str(asked.pk)).exists():
                items.ask(kind, asked.pk, deposit_id=asked.deposit_id, heavy=True)
                added += 1
    return added


PLAN = register(Kind(name=PLAN_KIND, task="deposit.plan_erasure", queue="load", policy=LOCAL, heal=heal))
# Tried until everything is gone; nobody strikes it from the queue.
ERASE = register(
    Kind(name=ERASE_KIND, task="deposit.erase", queue="load", policy=PROMISED, cancellable=False)
)


def ask_for_plan(asked: DeletionRequest) -> None:
    """Ask for the plan of a request, in the transaction that makes it."""
    items.ask(PLAN.name, asked.pk, deposit_id=asked.deposit_id, heavy=True)


def ask_for_erasing(asked: DeletionRequest) -> None:
    """Ask for the slow part, in the transaction that approves it."""
    items.ask(ERASE.name, asked.pk, deposit_id=asked.deposit_id, heavy=True)


def plan(request_id: int, *, worker: str) -> None:
    """Make the plan of a request if that waits to be done; twice, late or in vain does no harm."""
    claim = items.claim(PLAN.name, request_id, worker=worker)
    if claim is None:
        return
    try:
        with kept(claim) as lease:
            asked = DeletionRequest.objects.select_related("deposit__client").get(pk=request_id)
            made = make_plan(asked.deposit, asked.objects_named) if _is_open(asked) else None
            lease.check()
            with transaction.atomic():
                items.finish(claim)
                if made is not None:
                    _write_plan(asked, made)
    except LeaseLost:
        logger.warning("request=%s plan dropped: another worker has it", request_id)


def _write_plan(asked: DeletionRequest, made: dict[str, Any]) -> None:
    still_open = DeletionRequest.objects.filter(pk=asked.pk, state=DeletionState.REQUESTED)
    still_open.update(plan=made)


def _is_open(asked: DeletionRequest) -> bool:
    return asked.kind == DeletionKind.ERASE and asked.state == DeletionState.REQUESTED


def erase(request_id: int, *, worker: str) -> None:
    """Remove the bytes of an approved erasure if that waits to be done; twice, late or in vain does no harm."""
    claim = items.claim(ERASE.name, request_id, worker=worker)
    if claim is None:
        return
    try:
        with kept(claim) as lease:
            asked = DeletionRequest.objects.select_related("deposit").get(pk=request_id)
            _unlink(asked, lease)
            told = _rewrite(asked, lease)
            lease.check()
            with transaction.atomic():
                items.finish(claim)
                _conclude(asked, claim, told)
    except LeaseLost:
        logger.warning("request=%s erasing dropped: another worker has it", request_id)


def _unlink(asked: DeletionRequest, lease: Lease) -> None:
    """Remove what was sent from the staging area. The names stay: backups have files of these names, too."""
    files.remove(asked.staged, alive=lease.check)


def _rewrite(asked: DeletionRequest, lease: Lease) -> dict[str, int]:
    """Write the packs anew, telling how far it is. Raises `Busy` while a pack, or its copy, cannot be reached."""
    told = dict(asked.progress) or {"packs": 0, "objects": 0, "read": 0, "written": 0}
    waiting = ""
    for one in erasure.erase(default_storage()):
        lease.check()
        if one.outcome is erasure.Result.WAITING:
            waiting = waiting or f"pack {one.pack[:12]}: {one.detail}"
            continue
        told["packs"] += 1
        told["objects"] += one.erased
        told["read"] += one.read
        told["written"] += one.written
        DeletionRequest.objects.filter(pk=asked.pk).update(progress=told | {"left": erasure.packs_to_erase()})
    if waiting or erasure.packs_to_erase():
        raise Busy(waiting or "Packs that were replaced are still to be removed.")
    return told


def _conclude(asked: DeletionRequest, claim: Claim, told: dict[str, int]) -> None:
    ended = DeletionRequest.objects.filter(pk=asked.pk, erased_at__isnull=True)
    if ended.update(erased_at=Now(), progress={**told, "left": 0}):
        lifecycle.record(
            asked.deposit,
            EventName.ERASED,
            actor=claim.worker,
            source=Status.DONE,
            target=Status.DONE,
            request=asked.pk,
            kind=str(asked.kind),
        )
