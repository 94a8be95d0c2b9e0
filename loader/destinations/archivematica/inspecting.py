"""What a deposit has left at Archivematica, as the Storage Service tells it; nothing is changed."""

from typing import Any

from deposit.models import Delivery
from loader.destinations.archivematica.aips import verdict_on
from loader.destinations.archivematica.connections import storage_of
from loader.destinations.archivematica.health import FAULTS
from loader.destinations.archivematica.models import Transfer
from loader.destinations.archivematica.reconciliation import Stored


def inspect(delivery: Delivery) -> dict[str, Any]:
    """The AIP of the newest transfer that has left one; else that there is none."""
    found: dict[str, Any] | None = None
    transfers = Transfer.objects.filter(deposit_id=delivery.deposit_id).exclude(sip_uuid="")
    for transfer in transfers.select_related("pipeline").order_by("-id"):
        found = _look(transfer)
        if found["stored"] != Stored.NOT_FOUND:
            return found
    return found or {
        "stored": str(Stored.NOT_FOUND),
        "complete": False,
        "message": "No AIP was ever made of it.",
    }


def _look(transfer: Transfer) -> dict[str, Any]:
    told: dict[str, Any] = {
        "aip": transfer.sip_uuid,
        "transfer": transfer.transfer_uuid,
        "pipeline": transfer.pipeline.name,
    }
    try:
        with storage_of(transfer.pipeline) as storage:
            verdict, aip = verdict_on(storage, transfer.pipeline, transfer.sip_uuid)
    except FAULTS as error:
        return {**told, "stored": str(Stored.INDETERMINATE), "complete": False, "message": str(error)}
    return {
        **told,
        "stored": str(verdict.stored),
        "complete": verdict.stored.is_complete,
        "stored_at": verdict.stored_at.isoformat() if verdict.stored_at else None,
        "location": aip.location if aip else "",
        "path": aip.path if aip else "",
        "missing": list(verdict.missing),
        "message": verdict.message,
    }
