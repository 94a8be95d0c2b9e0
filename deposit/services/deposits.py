"""Creating, changing, completing and deleting deposits, on behalf of their clients.

Each function is one transaction: a refused request leaves no trace in the record. Files that a change makes
superfluous are unlinked after the commit.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.db import transaction

from deposit import lifecycle, staging
from deposit.metadata.entry import Entry, read_entry
from deposit.models import Client, Collection, Deposit, Part, PartKind, Status
from deposit.refusals import Kind, Refusal
from deposit.services import metadata_only
from deposit.services.arrivals import Arrival, add_parts, remove_parts
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
            client=client, collection=collection, entry=entry, slug=slug, packaged=arrival.package is not None
        )
    with transaction.atomic():
        origin = named_origin(client, entry) if entry else None
        deposit = Deposit.objects.create(
            client=client,
            collection=collection,
            external_id=slug,
            origin_url=origin.url if origin else None,
            parent=origin.parent if origin else None,
        )
        add_parts(deposit, arrival)
        lifecycle.record(deposit, "create", actor=actor_of(client), target=Status.PARTIAL, **_told(arrival))
        if not in_progress:
            return _complete(deposit, client, entry)
        deposit.refresh_from_db()
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


@contextmanager
def _changing(deposit: Deposit, name: str, client: Client, **detail: Any) -> Iterator[Deposit]:
    """Lock a partial deposit for a change, count the change, and write it into the history."""
    with transaction.atomic():
        locked = Deposit.objects.select_for_update().get(pk=deposit.pk)
        if locked.status != Status.PARTIAL:
            raise Refusal(
                Kind.BAD_REQUEST,
                "deposit.not_partial",
                "You can only act on deposit with status 'partial'",
                f"This deposit has status '{locked.status}'",
            )
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
            raise metadata_only.reference_on_a_package_deposit()
        origin = named_origin(client, entry)
        if origin:
            locked.origin_url, locked.parent = origin.url, origin.parent
    add_parts(locked, arrival)


def add(*, client: Client, deposit: Deposit, arrival: Arrival, in_progress: bool) -> Deposit:
    """Add a package, an entry or both to a partial deposit, and complete it unless more is to come."""
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
