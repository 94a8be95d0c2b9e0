"""The steps while Archivematica is at work: the transfer, the ingest, and the proof that the AIP is stored."""

from collections.abc import Callable
from typing import Any

from django.utils import timezone

from deposit.models import Delivery
from loader.destinations.archivematica import capacity
from loader.destinations.archivematica.activities import transfer_of
from loader.destinations.archivematica.aips import note_stored, verdict_on
from loader.destinations.archivematica.connections import dashboard_of, storage_of
from loader.destinations.archivematica.dashboard import BACKLOG, Dashboard, Unit, UnitState
from loader.destinations.archivematica.errors import NotYet, RemoteError
from loader.destinations.archivematica.handing_over import AIP
from loader.destinations.archivematica.models import Transfer
from loader.destinations.archivematica.reconciliation import Stored, Verdict
from loader.destinations.archivematica.storage import Fixity, StoredPackage
from loader.destinations.archivematica.tolerance import faults, interval, wait_while, went_well
from loader.steps import Again, Ask, Context, Done, Outcome, Permanent

_MOST_JOBS = 300
# In a delivery's memory: name of a step -> what it consists of elsewhere, for people to see.
SUBSTEPS = "substeps"
_USER_INPUT = {
    "keep_waiting": "Somebody answers it in Archivematica's dashboard; the delivery goes on by itself.",
    "abandon": "Give the delivery up. Archivematica is not stopped by that.",
}


def poll_transfer(context: Context) -> Outcome:
    """Follow the transfer until its SIP is made."""
    transfer = transfer_of(context)
    if transfer.stored_at is not None or transfer.sip_uuid:
        return Done(result={"sip": transfer.sip_uuid})
    unit = _unit(context, transfer, "transfer", transfer.transfer_uuid)
    if isinstance(unit, Again):
        return unit
    if unit.state is UnitState.COMPLETE:
        return _made(context, transfer, unit)
    return _not_over(context, transfer, unit)


def _made(context: Context, transfer: Transfer, unit: Unit) -> Outcome:
    if unit.sip == BACKLOG:
        _left(transfer)
        raise Permanent(
            "archivematica.backlog",
            "Archivematica put the transfer into its backlog and makes no AIP of it: its processing configuration "
            "says so.",
        )
    if not unit.sip:
        return Again(
            after_seconds=interval(transfer), note="The transfer is complete; its SIP is not told yet."
        )
    transfer.note(sip_uuid=unit.sip)
    return Done(result={"sip": unit.sip, "jobs": len(_jobs(context, "transfer"))})


def poll_ingest(context: Context) -> Outcome:
    """Follow the ingest to its end. One that failed may have stored its AIP all the same: the next step finds out."""
    transfer = transfer_of(context)
    if transfer.stored_at is not None:
        return Done(result={"sip": transfer.sip_uuid})
    context.add_identifier(AIP, transfer.sip_uuid)
    unit = _unit(context, transfer, "ingest", transfer.sip_uuid)
    if isinstance(unit, Again):
        return _unless_stored(transfer, unit)
    if unit.state is UnitState.COMPLETE:
        return Done(result={"sip": transfer.sip_uuid, "jobs": len(_jobs(context, "ingest"))})
    if unit.state in (UnitState.FAILED, UnitState.REJECTED):
        return _failed_ingest(context, transfer, unit)
    return _not_over(context, transfer, unit)


def _unless_stored(transfer: Transfer, wait: Again) -> Outcome:
    """An ingest that the dashboard does not know may be over, and taken off its tab by somebody."""
    with faults(transfer, "it was found out whether the AIP is stored"):
        verdict, _ = _verdict(transfer)
    if verdict.stored.is_complete:
        return Done(result={"sip": transfer.sip_uuid, "ingest": "not told", "stored": str(verdict.stored)})
    return wait


def _failed_ingest(context: Context, transfer: Transfer, unit: Unit) -> Outcome:
    """The ingest says that it failed: what the Storage Service has decides."""
    with faults(transfer, "it was found out whether the AIP is stored"):
        verdict, aip = _verdict(transfer)
    if verdict.stored.is_complete and aip is not None:
        return Done(
            result={"sip": transfer.sip_uuid, "ingest": str(unit.state), "stored": str(verdict.stored)}
        )
    if verdict.stored is Stored.INDETERMINATE:
        note = f"The ingest ended as {unit.state}. {verdict.message}"
        return wait_while(transfer, note, code="archivematica.indeterminate")
    _left(transfer)
    if verdict.stored is Stored.REPLICATED_PARTIAL and aip is not None:
        raise Permanent("archivematica.replicated_partial", verdict.message, fault=unit.microservice)
    raise _ended_badly(context, unit, "ingest")


def confirm_stored(context: Context) -> Outcome:
    """Have the Storage Service confirm that the AIP is stored, where it has to be."""
    transfer = transfer_of(context)
    with faults(transfer, "the Storage Service was asked for the AIP"):
        verdict, aip = _verdict(transfer)
    if not verdict.stored.is_complete or aip is None:
        return wait_while(transfer, verdict.message, code=f"archivematica.{verdict.stored}")
    went_well(transfer)
    note_stored(transfer, verdict, aip)
    context.add_identifier(AIP, transfer.sip_uuid)
    # The deadline is for what comes before.
    Delivery.objects.filter(pk=context.delivery.pk).update(deadline_at=None)
    context.delivery.deadline_at = None
    return Done(result=_result(verdict, aip))


def _result(verdict: Verdict, aip: StoredPackage) -> dict[str, object]:
    return {
        "aip": aip.uuid,
        "stored": str(verdict.stored),
        "stored_at": verdict.stored_at.isoformat() if verdict.stored_at else None,
        "location": aip.location,
        "path": aip.path,
        "bytes": aip.size,
    }


def check_fixity(context: Context) -> Outcome:
    """Have the AIP read and compared, where the pipeline asks for it."""
    transfer = transfer_of(context)
    if not transfer.pipeline.fixity:
        return Done(result={"fixity": "not asked for"})
    doing = "the AIP's fixity was checked"
    with faults(transfer, doing), storage_of(transfer.pipeline) as storage:
        fixity, message = storage.fixity(transfer.sip_uuid)
    if fixity is Fixity.DAMAGED:
        raise Permanent(
            "archivematica.damaged", "The AIP is stored, and damaged: its fixity check failed.", fault=message
        )
    if fixity is Fixity.UNKNOWN:
        note = "The Storage Service could not check the AIP's fixity."
        return wait_while(transfer, note, code="archivematica.fixity", fault=message)
    went_well(transfer)
    return Done(result={"fixity": str(fixity)})


def release_capacity(context: Context) -> Outcome:
    """Give the place back."""
    transfer = transfer_of(context)
    _left(transfer)
    return Done(result={"pipeline": transfer.pipeline.name})


def hide(context: Context) -> Outcome:
    """Take transfer and SIP off the dashboard's tabs; whether that works is of no account for the delivery."""
    transfer = transfer_of(context)
    hidden: dict[str, object] = {}
    units = {"transfer": transfer.transfer_uuid, "ingest": transfer.sip_uuid}
    for kind, uuid in units.items():
        if uuid:
            hidden[kind] = _hide(transfer, kind, uuid)
    return Done(result=hidden)


def _hide(transfer: Transfer, kind: str, uuid: str) -> bool:
    try:
        with dashboard_of(transfer.pipeline) as dashboard:
            return dashboard.hide(kind, uuid)
    except (RemoteError, OSError):
        return False


def _verdict(transfer: Transfer) -> tuple[Verdict, StoredPackage | None]:
    with storage_of(transfer.pipeline) as storage:
        return verdict_on(storage, transfer.pipeline, transfer.sip_uuid)


def _unit(context: Context, transfer: Transfer, kind: str, uuid: str) -> Unit | Again:
    """How a unit stands, or that it is not known yet."""
    with faults(transfer, f"the {kind} was followed"), dashboard_of(transfer.pipeline) as dashboard:
        ask: Callable[[str], Unit] = dashboard.transfer if kind == "transfer" else dashboard.ingest
        try:
            unit = ask(uuid)
        except NotYet as error:
            note = f"Archivematica does not tell how the {kind} gets on yet."
            return wait_while(transfer, note, code="archivematica.never_started", fault=str(error))
        if unit.state is not UnitState.UNKNOWN:
            went_well(transfer)
        _note_jobs(context, transfer, dashboard, kind, unit)
    return unit


def _note_jobs(context: Context, transfer: Transfer, dashboard: Dashboard, kind: str, unit: Unit) -> None:
    """Keep Archivematica's own steps as sub-steps of ours; asked for when it says that it is at another."""
    if transfer.seen_at is None:
        transfer.note(seen_at=timezone.now())
    step, mark = f"poll_{kind}", f"{unit.state} {unit.microservice}"
    if context.memory.get(f"{step}_at") == mark:
        return
    try:
        jobs = dashboard.jobs(transfer.sip_uuid if kind == "ingest" else transfer.transfer_uuid)
    except RemoteError:
        return  # shown to people, and of no account for the delivery
    rows = [
        {
            "name": job.name,
            "state": job.status.lower(),
            "group": job.microservice,
            "tasks": job.tasks,
            "failed_tasks": job.failed_tasks,
        }
        for job in jobs[:_MOST_JOBS]
    ]
    context.save(**{SUBSTEPS: {**context.memory.get(SUBSTEPS, {}), step: rows}, f"{step}_at": mark})


def _jobs(context: Context, kind: str) -> list[dict[str, Any]]:
    return list(context.memory.get(SUBSTEPS, {}).get(f"poll_{kind}", []))


def _not_over(context: Context, transfer: Transfer, unit: Unit) -> Outcome:
    """A unit that works, asks a person, or has ended badly."""
    kind = "transfer" if not transfer.sip_uuid else "ingest"
    if unit.state in (UnitState.FAILED, UnitState.REJECTED):
        _left(transfer)
        raise _ended_badly(context, unit, kind)
    if unit.state is UnitState.UNKNOWN:
        note = f"Archivematica names no state of the {kind} that is known."
        return wait_while(transfer, note, code="archivematica.no_state")
    if unit.state is UnitState.USER_INPUT:
        return Ask(
            question=f"Archivematica asks a person about the {kind} {transfer.remote_name}, at '{unit.microservice}'.",
            options=_USER_INPUT,
            after_seconds=interval(transfer),
        )
    return Again(
        after_seconds=interval(transfer), note=f"Archivematica works: {unit.microservice or 'processing'}."
    )


def _ended_badly(context: Context, unit: Unit, kind: str) -> Permanent:
    jobs = _jobs(context, kind)
    failed = [job["name"] for job in jobs if job["state"] == "failed" or job["failed_tasks"]]
    at = ", ".join(dict.fromkeys(failed)) or unit.microservice or "a step that it does not name"
    word = "rejected" if unit.state is UnitState.REJECTED else "failed"
    return Permanent(f"archivematica.{kind}_{word}", f"The {kind} {word} in Archivematica at: {at}.")


def _left(transfer: Transfer) -> None:
    """The transfer has left the pipeline: give its place back, and wake who waits for one."""
    capacity.leave(transfer)
