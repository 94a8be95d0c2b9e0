"""Creating, changing, completing and deleting deposits, on behalf of their clients.

Each function is one transaction: a refused request leaves no trace in the record. Files that a change makes
superfluous are unlinked after the commit.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

from django.db import transaction

from deposit import lifecycle, selectors
from deposit.actors import Actor, Channel
from deposit.lists import numbered
from deposit.membership import require_member
from deposit.metadata.entry import Entry, read_entry
from deposit.models import Collection, Deposit, Duplicates, EventName, Part, PartKind, Status
from deposit.permissions import Operation, client_of, require, unknown_deposit
from deposit.queue.claims import Claim
from deposit.queue.items import require_lease
from deposit.refusals import Kind, Refusal
from deposit.services import by_reference, confirmation, extrinsic, metadata_only
from deposit.services.arrival import Arrival, record_arrival
from deposit.services.origins import completion_of, named_origin, settle
from deposit.services.parts import (
    Submission,
    add_parts,
    describe_packages,
    described,
    earlier_with,
    mediator_of,
    new_parts,
    order_fetches,
    remove_parts,
)
from deposit.staging import storage


def create(
    *, actor: Actor, collection: Collection, submission: Submission, in_progress: bool, slug: str | None
) -> Deposit:
    """Record a new deposit, and complete it unless more is to come. Raises `Refusal`."""
    client = require_member(actor, collection.pk, seen=collection.seen_member)
    entry = submission.entry
    if entry and entry.reference:
        return metadata_only.create(
            actor=actor,
            collection=collection,
            entry=entry,
            slug=slug,
            packaged=bool(submission.package_names),
        )
    origin = named_origin(client, entry) if entry else None
    origin_url = origin.url if origin else None
    refuses = collection.duplicates == Duplicates.REFUSE
    # One statement needs no transaction around it.
    with transaction.atomic() if submission.files or refuses else nullcontext():
        parts = new_parts(client, collection, submission, actor)
        if refuses:
            for part in parts:
                earlier_with(client.pk, collection, part)
        completes = not in_progress and not submission.files
        deposit = record_arrival(
            Arrival(
                client=client,
                collection=collection,
                slug=slug,
                origin_url=origin_url,
                parent_id=origin.parent.pk if origin and origin.parent else None,
                described=described(submission),
                parts=parts,
                mediator=mediator_of(actor),
                told=_event_details(submission),
                completion=completion_of(client, entry, slug=slug, origin_url=origin_url)
                if completes
                else None,
            ),
            actor=actor,
        )
        if submission.files:
            order_fetches(deposit, deposit.parts.defer("document").order_by("id"), submission)
            if not in_progress:
                return _complete(deposit, actor, entry)
        return deposit


def _event_details(submission: Submission) -> dict[str, Any]:
    """What the history says of a submission."""
    told: dict[str, Any] = {}
    if submission.package:
        told |= {"package": submission.package.name, "size": submission.package.staged.size}
    if submission.files:
        told["by_reference"] = [file.name for file in submission.files]
    if submission.entry:
        told["metadata"] = True
    return told


def _complete(deposit: Deposit, actor: Actor, entry: Entry | None) -> Deposit:
    """Complete a locked deposit: now, or as soon as the packages are here that are still to be fetched."""
    if by_reference.waits_for_fetches(deposit):
        return deposit
    changes = settle(deposit, client_of(actor), entry)
    # What its depositor was asked about, and completes as it is, is confirmed.
    event = EventName.CONFIRM if confirmation.is_held(deposit) else EventName.COMPLETE
    return lifecycle.fire_within(event, deposit.pk, actor=actor.as_depositor, changes=changes)


def effective_entry(deposit: Deposit) -> Entry | None:
    """The newest metadata document of a deposit, which alone counts; None without one."""
    part = Part.objects.filter(deposit=deposit, kind=PartKind.METADATA).order_by("-id").first()
    return read_entry(bytes(part.document)) if part and part.document is not None else None


def _require_partial(deposit: Deposit) -> None:
    if deposit.status != Status.PARTIAL:
        raise Refusal(
            Kind.BAD_REQUEST,
            "deposit.not_partial",
            "You can only act on deposit with status 'partial'",
            f"This deposit has status '{deposit.status}'",
        )


def changed_meanwhile() -> Refusal:
    """The client's If-Match speaks of an earlier state of the deposit."""
    return Refusal(
        Kind.PRECONDITION_FAILED,
        "deposit.changed",
        "The deposit was changed meanwhile.",
        "Look at it again and send the request with its present ETag in If-Match.",
    )


def _own(deposit: Deposit, actor: Actor, if_revision: int | None) -> Deposit:
    """Lock a deposit that the actor may change. Raises `Refusal`: it may have gone or changed, or the right to it."""
    locked = Deposit.objects.select_for_update().filter(pk=deposit.pk).first()
    if locked is None:
        raise unknown_deposit(deposit.pk)
    require(actor, Operation.CHANGE, locked)
    require_member(actor, locked.collection_id)
    if if_revision not in (None, locked.revision):
        raise changed_meanwhile()
    return locked


@contextmanager
def _changing(
    deposit: Deposit, name: EventName, actor: Actor, if_revision: int | None, **detail: Any
) -> Iterator[Deposit]:
    """Lock a partial deposit for a change, count the change, and write it into the history."""
    with transaction.atomic():
        locked = _own(deposit, actor, if_revision)
        _require_partial(locked)
        yield locked
        locked.revision += 1
        locked.save(update_fields=["revision", "origin_url", "parent"])
        lifecycle.record(
            locked, name, actor=actor.as_depositor, source=locked.status, target=locked.status, **detail
        )


def _take(locked: Deposit, actor: Actor, submission: Submission, *, place: int | None = None) -> None:
    entry = submission.entry
    if entry:
        if entry.reference:
            raise metadata_only.refuse_packages()
        origin = named_origin(client_of(actor), entry)
        if origin:
            locked.origin_url, locked.parent = origin.url, origin.parent
    add_parts(locked, submission, actor, place=place)


def add(
    *,
    actor: Actor,
    deposit: Deposit,
    submission: Submission,
    in_progress: bool,
    if_revision: int | None = None,
) -> Deposit:
    """Add a package, an entry or both to a partial deposit, and complete it unless more is to come.

    Here and below ``if_revision`` is the state that the client knows; another one refuses the change.
    """
    if submission.entry and submission.entry.reference and not submission.package_names:
        _require_partial(deposit)
        return metadata_only.convert(actor=actor, deposit=deposit, entry=submission.entry)
    with transaction.atomic():
        with _changing(deposit, EventName.ADD, actor, if_revision, **_event_details(submission)) as locked:
            _take(locked, actor, submission)
        return (
            locked if in_progress else _complete(locked, actor, submission.entry or effective_entry(locked))
        )


def replace(
    *,
    actor: Actor,
    deposit: Deposit,
    submission: Submission,
    in_progress: bool,
    kinds: tuple[PartKind, ...],
    only: int | None = None,
    if_revision: int | None = None,
) -> Deposit:
    """Put what arrived in the place of all earlier parts of these kinds, or of the one part ``only``.

    One package in the place of one keeps its number, and with it its address: the request can be repeated (RFC 9110
    section 9.2.2). Completes the deposit unless more is to come.
    """
    with transaction.atomic():
        with _changing(
            deposit, EventName.REPLACE, actor, if_revision, **_event_details(submission)
        ) as locked:
            if only is not None:
                selectors.file_of(locked, only)  # it may have been removed since it was looked up
            stored = remove_parts(locked, *kinds, only=only)
            _take(locked, actor, submission, place=only)
            if only is not None:
                describe_packages(locked)
        transaction.on_commit(partial(storage.remove, stored))
        return (
            locked if in_progress else _complete(locked, actor, submission.entry or effective_entry(locked))
        )


def remove_packages(
    *, actor: Actor, deposit: Deposit, only: int | None = None, if_revision: int | None = None
) -> Deposit:
    """Drop all packages of a partial deposit, or the one part ``only``; metadata stays. Twice is no error."""
    with _changing(deposit, EventName.REMOVE_PACKAGES, actor, if_revision) as locked:
        stored = remove_parts(locked, PartKind.PACKAGE, only=only)
        transaction.on_commit(partial(storage.remove, stored))
    return locked


def complete(*, actor: Actor, deposit: Deposit, if_revision: int | None = None) -> Deposit:
    """The client says that nothing more will come."""
    with transaction.atomic():
        with _changing(deposit, EventName.CLOSE, actor, if_revision) as locked:
            pass
        return _complete(locked, actor, effective_entry(locked))


def complete_fetched(deposit: Deposit) -> Deposit:
    """Complete a locked deposit whose client said that nothing more will come, now that its last package is here."""
    actor = Actor(user=deposit.client.user, channel=Channel.SCHEDULER)
    return _complete(deposit, actor, effective_entry(deposit))


def describe(*, claim: Claim, entry: Entry) -> None:
    """Give a deposit the metadata that its own package brings; for the checker that holds it. Raises `LeaseLost`."""
    with transaction.atomic():
        require_lease(claim)
        deposit = Deposit.objects.select_for_update().get(pk=claim.deposit_id)
        actor = Actor(user=deposit.client.user, channel=Channel.SCHEDULER)
        add_parts(deposit, Submission(entry=entry), actor)
        deposit.revision += 1
        deposit.software_version = entry.software_version or deposit.software_version
        deposit.release_notes = entry.first_release_notes or deposit.release_notes
        deposit.save(update_fields=["revision", "software_version", "release_notes"])
        status = deposit.status
        lifecycle.record(deposit, EventName.DESCRIBE, actor=claim.worker, source=status, target=status)


def remove_metadata(*, actor: Actor, deposit: Deposit, if_revision: int | None = None) -> Deposit:
    """Drop all metadata of a partial deposit; its packages stay. Twice is no error."""
    with _changing(deposit, EventName.REMOVE_METADATA, actor, if_revision) as locked:
        remove_parts(locked, PartKind.METADATA)
    return locked


def delete(*, actor: Actor, deposit: Deposit, if_revision: int | None = None) -> None:
    """Remove a partial deposit; only its history stays."""
    with transaction.atomic():
        with _changing(deposit, EventName.DELETE, actor, if_revision) as locked:
            stored = remove_parts(locked, PartKind.PACKAGE, PartKind.METADATA)
        numbered.forget_behind(locked)
        locked.delete()
        transaction.on_commit(partial(storage.remove, stored))


def update_metadata(
    *, actor: Actor, deposit: Deposit, entry: Entry, check_swhid: str, if_revision: int | None = None
) -> Deposit:
    """New metadata on a deposit that is done, if the client knows its SWHID; the status stays. Raises `Refusal`."""
    require(actor, Operation.CHANGE, deposit)
    if deposit.status != Status.DONE:
        _require_partial(deposit)
        raise Refusal(
            Kind.BAD_REQUEST,
            "deposit.not_done",
            "The X-Check-SWHID header is for deposits with status 'done'.",
            f"This deposit has status '{deposit.status}': send the request without the header.",
        )
    if deposit.swhid != check_swhid:
        raise Refusal(
            Kind.BAD_REQUEST,
            "deposit.swhid_mismatch",
            f"Mismatched provided SWHID {check_swhid} with deposit's {deposit.swhid}.",
            "The provided SWHID does not match the deposit to update. "
            "Please ensure you send the correct deposit SWHID.",
        )
    extrinsic.require_functional(entry)
    with transaction.atomic():
        locked = _own(deposit, actor, if_revision)
        if locked.swhid != check_swhid or locked.status != Status.DONE:
            raise changed_meanwhile()
        extrinsic.add_alone(locked, entry, actor)
        locked.revision += 1
        locked.save(update_fields=["revision"])
        status = locked.status
        lifecycle.record(
            locked, EventName.UPDATE_METADATA, actor=actor.as_depositor, source=status, target=status
        )
        return locked
