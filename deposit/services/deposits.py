"""Creating, changing, completing and deleting deposits, on behalf of their clients.

Each function is one transaction: a refused request leaves no trace in the record. Files that a change makes
superfluous are unlinked after the commit.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.db import transaction

from archive.identifiers import SWHID
from archive.ingest import Ingest
from deposit import lifecycle, staging
from deposit.metadata.entry import Entry, read_entry
from deposit.models import Client, Collection, Deposit, Part, PartKind, Status
from deposit.refusals import Kind, Refusal
from deposit.services import extrinsic, metadata_only
from deposit.services.arrivals import Arrival, add_parts, described, remove_parts
from deposit.services.origins import named_origin, settle


def actor_of(client: Client) -> str:
    """How the history names a client."""
    return f"client:{client}"


def create(
    *, client: Client, collection: Collection, arrival: Arrival, in_progress: bool, slug: str | None
) -> Deposit:
    """Record a new deposit, and complete it unless more is to come. Raises `Refusal`."""
    entry = arrival.entry
    if entry and entry.reference:
        return metadata_only.create(
            client=client,
            collection=collection,
            entry=entry,
            slug=slug,
            packaged=arrival.package is not None,
            actor=actor_of(client),
        )
    with transaction.atomic():
        origin = named_origin(client, entry) if entry else None
        deposit = Deposit.objects.create(
            client=client,
            collection=collection,
            external_id=slug,
            origin_url=origin.url if origin else None,
            parent=origin.parent if origin else None,
            **described(arrival),
        )
        add_parts(deposit, arrival)
        lifecycle.record(deposit, "create", actor=actor_of(client), target=Status.PARTIAL, **_told(arrival))
        if not in_progress:
            return _complete(deposit, client, entry)
        return deposit


def _told(arrival: Arrival) -> dict[str, Any]:
    """What the history tells of an arrival."""
    told: dict[str, Any] = {}
    if arrival.package:
        told |= {"package": arrival.package.name, "size": arrival.package.staged.size}
    if arrival.entry:
        told["metadata"] = True
    return told


def _complete(deposit: Deposit, client: Client, entry: Entry | None) -> Deposit:
    return lifecycle.fire(
        "complete", deposit.pk, actor=actor_of(client), changes=settle(deposit, client, entry)
    )


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


@contextmanager
def _changing(deposit: Deposit, name: str, client: Client, **detail: Any) -> Iterator[Deposit]:
    """Lock a partial deposit for a change, count the change, and write it into the history."""
    with transaction.atomic():
        locked = Deposit.objects.select_for_update().get(pk=deposit.pk)
        _require_partial(locked)
        yield locked
        locked.revision += 1
        locked.save(update_fields=["revision", "origin_url", "parent"])
        lifecycle.record(
            locked, name, actor=actor_of(client), source=locked.status, target=locked.status, **detail
        )


def _take(locked: Deposit, client: Client, arrival: Arrival) -> None:
    entry = arrival.entry
    if entry:
        if entry.reference:
            raise metadata_only.refuse_packages()
        origin = named_origin(client, entry)
        if origin:
            locked.origin_url, locked.parent = origin.url, origin.parent
    add_parts(locked, arrival)


def add(*, client: Client, deposit: Deposit, arrival: Arrival, in_progress: bool) -> Deposit:
    """Add a package, an entry or both to a partial deposit, and complete it unless more is to come."""
    if arrival.entry and arrival.entry.reference and not arrival.package:
        _require_partial(deposit)
        return metadata_only.convert(
            client=client, deposit=deposit, entry=arrival.entry, actor=actor_of(client)
        )
    with transaction.atomic():
        with _changing(deposit, "add", client, **_told(arrival)) as locked:
            _take(locked, client, arrival)
        return locked if in_progress else _complete(locked, client, arrival.entry or effective_entry(locked))


def replace(
    *, client: Client, deposit: Deposit, arrival: Arrival, in_progress: bool, kinds: tuple[PartKind, ...]
) -> Deposit:
    """Put what arrived in the place of all earlier parts of these kinds; complete unless more is to come."""
    with transaction.atomic():
        with _changing(deposit, "replace", client, **_told(arrival)) as locked:
            stored = remove_parts(locked, *kinds)
            _take(locked, client, arrival)
        transaction.on_commit(partial(staging.remove, stored))
        return locked if in_progress else _complete(locked, client, arrival.entry or effective_entry(locked))


def remove_packages(*, client: Client, deposit: Deposit) -> None:
    """Drop all packages of a partial deposit; its metadata stays. Doing it twice is no error."""
    with _changing(deposit, "remove-packages", client) as locked:
        stored = remove_parts(locked, PartKind.PACKAGE)
        transaction.on_commit(partial(staging.remove, stored))


def complete(*, client: Client, deposit: Deposit) -> Deposit:
    """The client says that nothing more will come."""
    with transaction.atomic():
        with _changing(deposit, "close", client) as locked:
            pass
        return _complete(locked, client, effective_entry(locked))


def delete(*, client: Client, deposit: Deposit) -> None:
    """Remove a partial deposit; only its history stays."""
    with transaction.atomic():
        with _changing(deposit, "delete", client) as locked:
            stored = remove_parts(locked, PartKind.PACKAGE, PartKind.METADATA)
        locked.delete()
        transaction.on_commit(partial(staging.remove, stored))


def update_metadata(*, client: Client, deposit: Deposit, entry: Entry, check_swhid: str) -> Deposit:
    """New metadata on a deposit that is done, if the client knows its SWHID; the status stays. Raises `Refusal`."""
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
    with Ingest() as ingest:
        extrinsic.add_document(
            ingest,
            entry=entry,
            target=SWHID.parse(check_swhid),
            context={"origin": deposit.origin_url} if deposit.origin_url else {},
            client=client,
            collection=deposit.collection.name,
            deposit_id=deposit.pk,
            document_format=extrinsic.ALONE,
        )
        ingest.seal()
        with transaction.atomic():
            locked = Deposit.objects.select_for_update().get(pk=deposit.pk)
            if locked.swhid != check_swhid or locked.status != Status.DONE:
                raise Refusal(
                    Kind.PRECONDITION_FAILED,
                    "deposit.changed",
                    "The deposit was changed meanwhile; please try again.",
                )
            add_parts(locked, Arrival(entry=entry))
            ingest.publish()
            locked.revision += 1
            locked.save(update_fields=["revision"])
            status = locked.status
            lifecycle.record(locked, "update-metadata", actor=actor_of(client), source=status, target=status)
            return locked
