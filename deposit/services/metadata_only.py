"""Metadata on something that is archived already: judged and done at reception, archived by a worker.

The answer says ``done``, as clients of swh-deposit expect: the document is kept in the record, and its work item with
it, in one transaction. No web process writes to the archive.
"""

from typing import Any

from django.db import transaction

from deposit import lifecycle
from deposit.actors import Actor
from deposit.archive_permissions import readable
from deposit.membership import require_member
from deposit.metadata.entry import Entry
from deposit.metadata.origins import check_origin
from deposit.metadata.reference import OriginReference, Reference
from deposit.models import Collection, Deposit, DepositType, EventName, PartKind, Status
from deposit.permissions import Operation, client_of, require
from deposit.refusals import Kind, Refusal
from deposit.services import extrinsic


def refuse_packages() -> Refusal:
    """``swh:reference`` beside a package, or on a deposit that has one."""
    return Refusal(
        Kind.BAD_REQUEST,
        "metadata.reference_with_package",
        "A <swh:reference> makes a deposit metadata only: it cannot hold packages or have an origin.",
        "Send the metadata as a deposit of its own, in one request, or leave the <swh:reference> out.",
    )


def create(
    *, actor: Actor, collection: Collection, entry: Entry, slug: str | None, packaged: bool
) -> Deposit:
    """Record metadata on an archived object or origin. Raises `Refusal`."""
    if packaged:
        raise refuse_packages()
    client = require_member(actor, collection.pk)
    reference = _judge(actor, entry, slug)
    with transaction.atomic():
        deposit = Deposit.objects.create(client=client, collection=collection)
        lifecycle.record(
            deposit, EventName.CREATE, actor=actor.as_depositor, target=Status.PARTIAL, metadata=True
        )
        return _accept(deposit, entry, reference, actor)


def convert(*, actor: Actor, deposit: Deposit, entry: Entry) -> Deposit:
    """Make a partial deposit that holds nothing but metadata a metadata-only one. Raises `Refusal`."""
    require(actor, Operation.CHANGE, deposit)
    require_member(actor, deposit.collection_id)
    reference = _judge(actor, entry, deposit.external_id)
    with transaction.atomic():
        locked = Deposit.objects.select_for_update().get(pk=deposit.pk)
        if locked.origin_url or locked.parts.exclude(kind=PartKind.METADATA).exists():
            raise refuse_packages()
        return _accept(locked, entry, reference, actor)


def _judge(actor: Actor, entry: Entry, slug: str | None) -> Reference:
    entry.refuse_mixed_kinds(slug=slug)
    if entry.provenance_url is not None:
        check_origin(entry.provenance_url, client_of(actor).provider_url)
    extrinsic.require_functional(entry)
    assert entry.reference is not None
    _require_archived(actor, entry.reference)
    return entry.reference


def _require_archived(actor: Actor, reference: Reference) -> None:
    """The target must be in the archive, where this client can see it: nobody learns what others have."""
    if isinstance(reference, OriginReference):
        done = Deposit.objects.filter(
            client=client_of(actor), status=Status.DONE, origin_url=reference.url, type="code"
        )
        name, found = reference.url, done.exists()
    else:
        core = reference.swhid.core
        name, found = str(core), readable(actor, core, Operation.READ)
    if not found:
        raise Refusal(
            Kind.BAD_REQUEST,
            "reference.not_archived",
            f"Cannot load metadata on {name}, this object does not exist in the archive (yet?).",
            "Check the reference; metadata can be deposited once the package it speaks of is done.",
        )


def _accept(deposit: Deposit, entry: Entry, reference: Reference, actor: Actor) -> Deposit:
    changes: dict[str, Any] = {"type": DepositType.META}
    if not isinstance(reference, OriginReference):
        changes |= {"swhid": str(reference.swhid.core), "swhid_context": reference.context}
    extrinsic.add_alone(deposit, entry, actor)
    return lifecycle.fire(EventName.ACCEPT, deposit.pk, actor=actor.as_depositor, changes=changes)
