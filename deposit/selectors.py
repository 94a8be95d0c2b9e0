"""What can be read from the record, and by whom. Every read of a client's things passes here."""

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Exists, OuterRef, QuerySet

from deposit.actors import Actor
from deposit.lists.numbered import Listed, Slice, slice_of
from deposit.membership import foreign_collection
from deposit.metadata.status_detail import render_status_detail
from deposit.models import (
    Collection,
    Deposit,
    Finding,
    Identifier,
    Membership,
    Part,
    PartKind,
    Status,
    Withdrawal,
    is_withdrawn,
)
from deposit.models.compiled import Compiled
from deposit.permissions import (
    LARGEST_ID,
    Operation,
    client_of,
    forbidden,
    in_scope,
    own_deposits,
    refuse_withdrawn,
    require,
    unknown_deposit,
    visible_collections,
    visible_deposits,
)
from deposit.refusals import Kind, Refusal

# What nearly every request asks.
_NUMBER, _OTHER_NUMBER = 2_000_000_011, 2_000_000_033
_collection = Compiled(
    lambda client, name: Collection.objects.annotate(
        is_mine=Exists(Membership.objects.filter(client=client, collection=OuterRef("pk")))
    ).filter(name=name),
    _NUMBER,
    "sample",
)


def _own_deposits(number: int, name: str, client: int) -> QuerySet[Deposit]:
    found = Finding.objects.filter(deposit=OuterRef("pk"))
    deposits = Deposit.objects.select_related("withdrawal").annotate(has_findings=Exists(found))
    return deposits.filter(pk=number, collection__name=name, client=client)


_own_deposit = Compiled(
    lambda *values: _own_deposits(*values).select_related("collection"), _NUMBER, "sample", _OTHER_NUMBER
)
# Whoever only reads needs nothing of the collection.
_own_deposit_to_read = Compiled(_own_deposits, _NUMBER, "sample", _OTHER_NUMBER)
_packages = Compiled(
    lambda number: (
        Part.objects.filter(deposit=number, kind=PartKind.PACKAGE).defer("document").order_by("id")
    ),
    _NUMBER,
)
_findings = Compiled(lambda number: Finding.objects.filter(deposit=number).order_by("id"), _NUMBER)


def unknown_collection(name: str) -> Refusal:
    """The one answer for a collection that is missing and for one that does not exist for who asks."""
    return Refusal(
        Kind.NOT_FOUND,
        "collection.unknown",
        f"Unknown collection name {name}",
        "The service document lists the collections you may use.",
    )


def collection_for(actor: Actor, name: str) -> Collection:
    """A collection the client may use.

    Raises `Refusal`: 403 for one that the actor sees and may not use, the same 404 for others as for none.
    """
    client = client_of(actor)
    collection = _collection.first(client.pk, name)
    if collection is not None and getattr(collection, "is_mine", False):
        collection.seen_member = client.pk
        return collection
    _require_visible_collection(actor, name)
    raise foreign_collection(client, name)


def deposit_for(actor: Actor, operation: Operation, collection_name: str, deposit_id: int) -> Deposit:
    """A deposit on which the actor may do this; one query for an own one.

    Raises the same 404 `Refusal` for a missing and for a foreign one, 403 for one that the actor only sees.
    """
    if not in_scope(actor, operation):
        raise forbidden(actor, operation)
    number = min(deposit_id, LARGEST_ID)
    if actor.client is not None and not actor.owner:
        own = _own_deposit_to_read if operation is Operation.READ else _own_deposit
        deposit = own.first(number, collection_name, actor.client.pk)
        if deposit is not None and not is_withdrawn(deposit):
            return deposit
    there = Deposit.objects.select_related("collection").filter(pk=number, collection__name=collection_name)
    deposit = there.filter(own_deposits(actor)).first() if actor.owner else None
    if deposit is None or is_withdrawn(deposit):
        deposit = there.filter(pk__in=visible_deposits(actor).values("pk")).first()
        if deposit is None:
            refuse_withdrawn(actor, operation, number, collection__name=collection_name)
            _require_visible_collection(actor, collection_name)
            raise unknown_deposit(deposit_id)
        require(actor, operation, deposit)
    return deposit


def _require_visible_collection(actor: Actor, name: str) -> None:
    if not visible_collections(actor).filter(name=name).exists():
        raise unknown_collection(name)


def collections_of(actor: Actor) -> QuerySet[Collection]:
    """The collections that a client may use; ``mediates`` tells whether for others too."""
    mine = Membership.objects.filter(client=actor.own_client, collection=OuterRef("pk"), mediates=True)
    collections = Collection.objects.filter(clients=client_of(actor))
    return collections.annotate(mediates=Exists(mine)).order_by("id")


def page_of(actor: Actor, *, start: int, limit: int, status: Status | None = None) -> Slice:
    """A slice of all deposits of the client, oldest first; of an owner's those that the mediator may see."""
    if not in_scope(actor, Operation.READ):
        raise forbidden(actor, Operation.READ)
    places = actor.places if actor.owner else None
    found = slice_of(client_of(actor), start=start, limit=limit, status=status, places=places)
    hide_withdrawn(found.items)
    return found


def hide_withdrawn(deposits: Iterable[Listed]) -> None:
    """Leave of those that are withdrawn, in a list whose numbering has to stay, the number and the status only."""
    done = {deposit.pk: deposit for deposit in deposits if deposit.status == Status.DONE}
    if not done:
        return
    for row in Withdrawal.objects.filter(deposit__in=list(done)):
        deposit = done[row.deposit_id]
        deposit.title = ""
        deposit.swhid = deposit.swhid_context = None
        deposit.origin_url = deposit.external_id = deposit.release_notes = deposit.software_version = None
        deposit.parent_id = None


def status_details(deposits: Iterable[Deposit | Listed]) -> dict[int, str]:
    """The rendered findings of each deposit that has any; one query for all of them."""
    # Those of which it is known that there are none need not be asked about.
    asked = [one for one in deposits if getattr(one, "has_findings", True)]
    if not asked:
        return {}
    if len(asked) == 1:
        found = _findings.all(asked[0].pk)
        return {asked[0].pk: render_status_detail(found)} if found else {}
    findings = defaultdict(list)
    rows = Finding.objects.filter(deposit__in=[d.pk for d in asked]).order_by("id")
    for row in rows.values_list("deposit_id", "area", "code", "severity", "subject", "message", named=True):
        findings[row.deposit_id].append(row)
    return {pk: render_status_detail(rows) for pk, rows in findings.items()}


def packages_of(deposit: Deposit) -> list[Part]:
    """The packages of a deposit, oldest first."""
    if deposit.new_packages is not None:
        return deposit.new_packages
    return _packages.all(deposit.pk)


def package_of(deposit: Deposit, part_id: int) -> Part:
    """One package of a deposit that is here. Raises `Refusal`."""
    part = file_of(deposit, part_id)
    if part.kind != PartKind.PACKAGE:
        raise unknown_package(deposit)
    return part


def file_of(deposit: Deposit, part_id: int) -> Part:
    """One package of a deposit, here or still to be fetched. Raises `Refusal`."""
    files = Part.objects.filter(deposit=deposit).exclude(kind=PartKind.METADATA).defer("document")
    part = files.filter(pk=min(part_id, LARGEST_ID)).first()
    if part is None:
        raise unknown_package(deposit)
    return part


def unknown_package(deposit: Deposit) -> Refusal:
    """The deposit has no package of that number, or not any more."""
    return Refusal(
        Kind.NOT_FOUND,
        "deposit.package_unknown",
        f"Deposit {deposit.pk} has no such package.",
        "The feed of its edit-media IRI lists them.",
    )


def identifier_values(deposit: Deposit) -> list[str]:
    """What a deposit that is done is known by now, anywhere, each once; of one that is not, nothing is asked."""
    if deposit.status != Status.DONE:
        return []
    found = list(Identifier.objects.filter(deposit=deposit).order_by("id"))
    for one in found:
        one.deposit = deposit
    return list(dict.fromkeys(one.value for one in found if not one.is_superseded))
