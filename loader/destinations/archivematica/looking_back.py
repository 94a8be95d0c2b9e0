"""The first step: has the deposit been through a pipeline before, and what became of that?

A delivery that failed may have left an AIP, or a transfer that Archivematica still works on. Both are taken over, so
that no second AIP is made; only what is known to have come to nothing is done again.
"""

from deposit.models import Identifier
from loader.destinations.archivematica import capacity
from loader.destinations.archivematica.aips import note_stored, verdict_on
from loader.destinations.archivematica.connections import dashboard_of, storage_of
from loader.destinations.archivematica.dashboard import BACKLOG, Unit, UnitState
from loader.destinations.archivematica.errors import NotYet
from loader.destinations.archivematica.handing_over import AIP, find
from loader.destinations.archivematica.models import Transfer
from loader.destinations.archivematica.reconciliation import Stored, Verdict
from loader.destinations.archivematica.tolerance import faults
from loader.steps import Context, Done, Outcome, Permanent

MODE, FULL, RECONCILE = "mode", "full", "reconcile"


def reconcile(context: Context) -> Outcome:
    """Take over what an earlier delivery has left; a retry in mode ``full`` looks at nothing."""
    if context.memory.get(MODE) == FULL:
        return Done(result={MODE: FULL})
    if Transfer.objects.filter(delivery_id=context.delivery.pk, held_at__isnull=True).exists():
        return Done(result={MODE: RECONCILE})
    for transfer in earlier(context.deposit.pk, context.delivery.pk):
        context.lease.check()
        found = _look_at(transfer)
        if found is not None:
            _take_over(context, transfer)
            return Done(result={MODE: RECONCILE, "found": found, "name": transfer.name})
    return Done(result={MODE: RECONCILE, "found": str(Stored.NOT_FOUND)})


def earlier(deposit_id: int, delivery_id: int) -> list[Transfer]:
    """The transfers that other deliveries of a deposit have, or may have, started; the newest first."""
    others = Transfer.objects.filter(deposit_id=deposit_id, asked_at__isnull=False).exclude(
        delivery_id=delivery_id
    )
    return list(others.select_related("pipeline").order_by("-id"))


def _take_over(context: Context, transfer: Transfer) -> None:
    transfer.note(delivery_id=context.delivery.pk, held_at=None, held_because="", failing_since=None)
    if transfer.left_at is None:
        context.set_deadline(transfer.pipeline.transfer_deadline)


def _look_at(transfer: Transfer) -> str | None:
    """What is to be taken over, in a word; None for a transfer that came to nothing."""
    with faults(transfer, "it was found out what became of an earlier transfer"):
        if not transfer.transfer_uuid and not transfer.sip_uuid:
            return _lost(transfer)
        if not transfer.sip_uuid:
            return _begun(transfer)
        return _ingested(transfer)


def _lost(transfer: Transfer) -> str | None:
    """One of which nothing was heard after the POST."""
    if transfer.left_at is not None:
        return None
    found, _ = find(transfer)
    if found is not None:
        transfer.note(transfer_uuid=found.transfer, sip_uuid=found.sip)
    return "under way" if found else "unknown"


def _begun(transfer: Transfer) -> str | None:
    unit = _ask(transfer, "transfer", transfer.transfer_uuid)
    if unit is not None and unit.sip and unit.sip != BACKLOG:
        transfer.note(sip_uuid=unit.sip)
        return _ingested(transfer)
    return _unfinished(transfer, unit)


def _ingested(transfer: Transfer) -> str | None:
    with storage_of(transfer.pipeline) as storage:
        verdict, aip = verdict_on(storage, transfer.pipeline, transfer.sip_uuid)
    if verdict.stored.is_complete and aip is not None:
        note_stored(transfer, verdict, aip)
        Identifier.objects.bulk_create(
            [Identifier(deposit_id=transfer.deposit_id, scheme=AIP, value=aip.uuid)], ignore_conflicts=True
        )
        return str(verdict.stored)
    unit = _ask(transfer, "ingest", transfer.sip_uuid)
    if verdict.stored is Stored.NOT_FOUND:
        return _unfinished(transfer, unit)
    if unit is not None and unit.state in (UnitState.PROCESSING, UnitState.USER_INPUT, UnitState.UNKNOWN):
        return "under way"
    raise _no_second_aip(verdict)


def _no_second_aip(verdict: Verdict) -> Permanent:
    return Permanent(
        f"archivematica.{verdict.stored}",
        f"An earlier delivery left an AIP, and a second one would be made: {verdict.message} Put it right in the "
        "Storage Service and retry, or retry in mode full.",
    )


def _unfinished(transfer: Transfer, unit: Unit | None) -> str | None:
    ended = unit is not None and (unit.state in (UnitState.FAILED, UnitState.REJECTED) or unit.sip == BACKLOG)
    if ended:
        capacity.leave(transfer)
        return None
    if unit is None and transfer.left_at is not None:
        return None
    return "under way"


def _ask(transfer: Transfer, kind: str, uuid: str) -> Unit | None:
    with dashboard_of(transfer.pipeline) as dashboard:
        try:
            return dashboard.transfer(uuid) if kind == "transfer" else dashboard.ingest(uuid)
        except NotYet:
            return None
