"""What can be read from the record, and by whom. Every read of a client's things passes here."""

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Exists, OuterRef, QuerySet

from deposit.metadata.status_detail import render_status_detail
from deposit.models import Client, Collection, Deposit, Finding, Membership, PartKind
from deposit.refusals import Kind, Refusal

# No identity column counts further; a larger number in an address is nobody's.
LARGEST_ID = 2**63 - 1


def collection_for(client: Client, name: str) -> Collection:
    """A collection the client may use. Raises `Refusal`: 404 when there is none, 403 when it is not the client's."""
    mine = Membership.objects.filter(client=client, collection=OuterRef("pk"))
    collection = Collection.objects.annotate(is_mine=Exists(mine)).filter(name=name).first()
    if collection is None:
        raise Refusal(
            Kind.NOT_FOUND,
            "collection.unknown",
            f"Unknown collection name {name}",
            "The service document lists the collections you may use.",
        )
    if not collection.is_mine:
        raise Refusal(
            Kind.FORBIDDEN,
            "collection.foreign",
            f"Client {client} cannot access collection {name}",
            "The service document lists the collections you may use.",
        )
    return collection


def deposit_for(client: Client, collection_name: str, deposit_id: int) -> Deposit:
    """One of the client's own deposits. Raises the same 404 `Refusal` for a missing and for a foreign one."""
    deposit = (
        Deposit.objects.select_related("collection")
        .filter(pk=min(deposit_id, LARGEST_ID), client=client, collection__name=collection_name)
        .first()
    )
    if deposit is None:
        collection_for(client, collection_name)
        raise Refusal(
            Kind.NOT_FOUND,
            "deposit.unknown",
            f"Deposit with id {deposit_id} does not exist",
            "The collection's list shows your deposits.",
        )
    return deposit


def collections_of(client: Client) -> QuerySet[Collection]:
    """The collections that a client may use."""
    return client.collections.order_by("id")


def deposits_of(client: Client) -> QuerySet[Deposit]:
    """All deposits of a client, oldest first."""
    return Deposit.objects.filter(client=client).select_related("collection").order_by("id")


def status_details(deposits: Iterable[Deposit]) -> dict[int, str]:
    """The rendered findings of each deposit that has any; one query for all of them."""
    findings = defaultdict(list)
    for finding in Finding.objects.filter(deposit__in=[d.pk for d in deposits]).order_by("id"):
        findings[finding.deposit_id].append(finding)
    return {pk: render_status_detail(rows) for pk, rows in findings.items()}


def archive_name(deposit: Deposit) -> str | None:
    """The file name of the newest package, for the receipt."""
    part = deposit.parts.filter(kind=PartKind.PACKAGE).order_by("-id").first()
    return part.name if part else None
