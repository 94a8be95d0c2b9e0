"""What is owed once a delivery has ended: the place, the bundle, and an AIP that is stored late.

Archivematica has no call that stops a transfer. So the place of one that may still be at work stays taken, and the
transfer is looked at now and then, until it is known to have left the pipeline; only then the bundle goes, if
Archivematica was not seen to have copied it before.
"""

import logging
from datetime import timedelta

from django.utils import timezone

from deposit.models import Delivery, Identifier
from loader.destinations.archivematica import capacity, health
from loader.destinations.archivematica.activities import withdraw
from loader.destinations.archivematica.aips import note_stored, verdict_on
from loader.destinations.archivematica.connections import dashboard_of, storage_of
from loader.destinations.archivematica.dashboard import BACKLOG, Dashboard, Unit, UnitState
from loader.destinations.archivematica.errors import NotYet
from loader.destinations.archivematica.handing_over import AIP, TRANSFER, find
from loader.destinations.archivematica.models import Transfer
from loader.destinations.archivematica.reconciliation import Stored
from loader.destinations.archivematica.storage import StorageService
from loader.steps import Again, Context, Done

logger = logging.getLogger(__name__)

# Looks become rarer with time, between these bounds in seconds; the first is the pipeline's own, several times over.
_TIMES, _SHARE_OF_AGE, _SLOWEST = 3, 10, 900.0


def clean_up(context: Context) -> Done | Again:
    """Do what is owed for a delivery that has ended; again, rarely, while Archivematica may be at work."""
    mine = Transfer.objects.filter(delivery_id=context.delivery.pk).exclude(
        left_at__isnull=False, cleaned_at__isnull=False
    )
    waits = [seconds for one in mine.select_related("pipeline") if (seconds := look(one)) is not None]
    if waits:
        return Again(after_seconds=min(waits), note="Archivematica may still be at work on the transfer.")
    return Done()


def look(transfer: Transfer) -> float | None:
    """Do what is owed for one transfer; in how many seconds to look again, None when nothing is owed any more."""
    try:
        return _do_what_is_owed(transfer)
    except health.FAULTS as error:
        logger.info("transfer=%s not looked at: %s", transfer, error)
        return _interval(transfer)


def _do_what_is_owed(transfer: Transfer) -> float | None:
    if transfer.left_at is None and transfer.asked_at is None:
        capacity.leave(transfer)  # nothing was ever handed over
        transfer.refresh_from_db(fields=["left_at"])
    if transfer.left_at is None:
        _hold(transfer)
        _find_out(transfer)
        transfer.refresh_from_db(fields=["left_at"])
    if transfer.cleaned_at is None and (transfer.left_at is not None or transfer.seen_at is not None):
        withdraw(transfer)
    return None if transfer.left_at is not None else _interval(transfer)


def _hold(transfer: Transfer) -> None:
    delivery = Delivery.objects.filter(pk=transfer.delivery_id).first()
    capacity.hold(transfer, delivery.code if delivery else "")
    transfer.refresh_from_db(fields=["held_at"])


def _interval(transfer: Transfer) -> float:
    shortest = float(transfer.pipeline.poll_seconds * _TIMES)
    age = (timezone.now() - (transfer.held_at or transfer.entered_at)).total_seconds()
    return max(shortest, min(age / _SHARE_OF_AGE, _SLOWEST))


def _find_out(transfer: Transfer) -> None:
    """Whether the transfer has left; a late AIP is recorded."""
    if not transfer.transfer_uuid and not transfer.sip_uuid:
        found, fault = find(transfer)
        if found is None:
            _absent(transfer, fault)
            return
        transfer.note(transfer_uuid=found.transfer, sip_uuid=found.sip)
        if found.transfer:
            _identify(transfer, TRANSFER, found.transfer)
    with dashboard_of(transfer.pipeline) as dashboard, storage_of(transfer.pipeline) as storage:
        if not transfer.sip_uuid:
            _look_at_transfer(transfer, dashboard)
        if transfer.sip_uuid:
            _look_at_ingest(transfer, dashboard, storage)


def _look_at_transfer(transfer: Transfer, dashboard: Dashboard) -> None:
    try:
        unit = dashboard.transfer(transfer.transfer_uuid)
    except NotYet:
        found, fault = find(transfer)
        if found is None:
            _absent(transfer, fault)
        return
    _seen(transfer)
    if unit.sip and unit.sip != BACKLOG:
        transfer.note(sip_uuid=unit.sip)
    elif _has_ended(unit):
        capacity.leave(transfer)


def _has_ended(unit: Unit) -> bool:
    return unit.state in (UnitState.FAILED, UnitState.REJECTED) or unit.sip == BACKLOG


def _look_at_ingest(transfer: Transfer, dashboard: Dashboard, storage: StorageService) -> None:
    verdict, aip = verdict_on(storage, transfer.pipeline, transfer.sip_uuid)
    if aip is not None and verdict.stored not in (Stored.NOT_FOUND, Stored.INDETERMINATE):
        note_stored(transfer, verdict, aip)
        _identify(transfer, AIP, aip.uuid)
        capacity.leave(transfer)
        logger.info("transfer=%s its AIP %s is stored after the delivery had ended", transfer, aip.uuid)
        return
    try:
        unit = dashboard.ingest(transfer.sip_uuid)
    except NotYet:
        found, fault = find(transfer)
        if found is None:
            _absent(transfer, fault)
        return
    _seen(transfer)
    if _has_ended(unit):
        capacity.leave(transfer)


def _seen(transfer: Transfer) -> None:
    if transfer.seen_at is None:
        transfer.note(seen_at=timezone.now())


def _absent(transfer: Transfer, fault: str) -> None:
    """It is neither at work nor stored, as far as can be seen. After a while that means that it is not inside."""
    if fault or transfer.held_at is None:
        return
    patience = timedelta(seconds=max(transfer.pipeline.retry_deadline, 2 * transfer.pipeline.poll_seconds))
    if timezone.now() - transfer.held_at < patience:
        return
    # The bundle goes first: should Archivematica begin after all, it finds nothing to begin with.
    withdraw(transfer)
    capacity.leave(transfer)


def _identify(transfer: Transfer, scheme: str, value: str) -> None:
    Identifier.objects.bulk_create(
        [Identifier(deposit_id=transfer.deposit_id, scheme=scheme, value=value)], ignore_conflicts=True
    )
