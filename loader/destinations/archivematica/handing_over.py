"""The step that must never happen twice: handing the package to Archivematica.

Before the POST the row says that it may have been sent; before anything else is done with the answer, the row has the
transfer's UUID. What lies between is unknown, and found out: with an Idempotency-Key by sending the same again, else
by looking for the transfer, and where that cannot tell, by asking a person. There is never a second POST.
"""

from django.utils import timezone

from loader.destinations.archivematica.activities import publish_again, transfer_of
from loader.destinations.archivematica.connections import dashboard_of, publisher_of, storage_of
from loader.destinations.archivematica.dashboard import Dashboard, StartRequest
from loader.destinations.archivematica.errors import OutcomeUnknown, Refused, RemoteError, Unavailable
from loader.destinations.archivematica.models import Pipeline, Transfer
from loader.destinations.archivematica.searching import Found, search
from loader.destinations.archivematica.tolerance import faults, interval, went_well
from loader.secret_references import SecretMissing
from loader.steps import Again, Ask, Context, Done, Outcome, Transient

TRANSFER, AIP = "archivematica-transfer", "archivematica-aip"
# How long a transfer is looked for before a person is asked: the dashboard answers within 30 s, and copies then.
SEARCH_SECONDS = 90.0
LOOK, START, ABANDON = "look_again", "start_again", "abandon"
_QUESTION = (
    "Archivematica was given the package and did not say whether it took it, and the transfer {name} is not found. "
    "Look for it in the dashboard before you have it started again: two transfers would make two AIPs."
)
_OPTIONS = {
    LOOK: "Look for the transfer again.",
    START: "It is certain that there is no such transfer: start it again.",
    ABANDON: "Give the delivery up.",
}


def start_transfer(context: Context) -> Outcome:
    """Hand the package over, once."""
    transfer = transfer_of(context)
    if transfer.stored_at is not None or transfer.sip_uuid or transfer.transfer_uuid:
        return _started(context, transfer)
    if context.answer == START and not transfer.with_key:
        transfer.note(asked_at=None, attempt=transfer.attempt + 1)
    if transfer.asked_at is not None and not transfer.with_key:
        return _look_for(context, transfer)
    with faults(transfer, "the transfer was started"), dashboard_of(transfer.pipeline) as dashboard:
        return _hand_over(context, transfer, dashboard)


def _hand_over(context: Context, transfer: Transfer, dashboard: Dashboard) -> Outcome:
    first = transfer.asked_at is None
    if first:
        probe = dashboard.probe()
        if not publisher_of(transfer.pipeline).is_published(transfer.name):
            publish_again(context, transfer)
        context.lease.check()
        transfer.note(asked_at=timezone.now(), with_key=probe.is_idempotent)
        context.set_deadline(transfer.pipeline.transfer_deadline)
    key = transfer.idempotency_key if transfer.with_key else None
    try:
        identifier = dashboard.start(_request(transfer), idempotency_key=key)
    except OutcomeUnknown as error:
        return _unknown(transfer, error)
    except (Unavailable, Refused) as error:
        # 409: the same key is being worked on, so something may have been started.
        if first and error.status != 409:
            transfer.note(asked_at=None)
        raise
    transfer.note(transfer_uuid=identifier)
    return _started(context, transfer)


def _request(transfer: Transfer) -> StartRequest:
    pipeline: Pipeline = transfer.pipeline
    prefix = pipeline.path_prefix.rstrip("/")
    return StartRequest(
        name=transfer.remote_name,
        path=f"{prefix}/{transfer.name}" if prefix else transfer.name,
        location=str(pipeline.location or ""),
        type=pipeline.transfer_type,
        processing_config=pipeline.processing_config,
    )


def _unknown(transfer: Transfer, error: OutcomeUnknown) -> Outcome:
    sentence = "Archivematica did not say whether it took the package; that is found out."
    raise Transient(sentence, fault=str(error), counts=False, after_seconds=interval(transfer)) from error


def _started(context: Context, transfer: Transfer) -> Outcome:
    went_well(transfer)
    if transfer.transfer_uuid:
        context.add_identifier(TRANSFER, transfer.transfer_uuid)
    return Done(
        result={"transfer": transfer.transfer_uuid, "sip": transfer.sip_uuid, "name": transfer.remote_name}
    )


def _look_for(context: Context, transfer: Transfer) -> Outcome:
    found, fault = find(transfer)
    if found is not None:
        transfer.note(transfer_uuid=found.transfer, sip_uuid=found.sip)
        return _started(context, transfer)
    assert transfer.asked_at is not None
    age = (timezone.now() - transfer.asked_at).total_seconds()
    if age < min(SEARCH_SECONDS, transfer.pipeline.retry_deadline):
        return Again(
            after_seconds=interval(transfer), note="Whether Archivematica took the package is found out."
        )
    question = _QUESTION.format(name=transfer.remote_name)
    return Ask(
        question=f"{question} {fault}".strip(),
        options=_OPTIONS,
        after_seconds=interval(transfer),
    )


def find(transfer: Transfer) -> tuple[Found | None, str]:
    """Look for a transfer; what was found, and why the search was not complete ("" when it was)."""
    pipeline = transfer.pipeline
    assert transfer.asked_at is not None
    try:
        with dashboard_of(pipeline) as dashboard, storage_of(pipeline) as storage:
            outcome = search(
                dashboard,
                storage,
                name=transfer.remote_name,
                pipeline_id=pipeline.remote_id,
                since=transfer.asked_at,
            )
    except (RemoteError, SecretMissing):
        return None, "It could not be looked for everywhere."
    return outcome.found, "" if outcome.complete else "It could not be looked for everywhere."
