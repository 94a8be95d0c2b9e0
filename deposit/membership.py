"""Depositing into a collection: as a member of it, and on behalf of another (SWORD 2 section 8)."""

from dataclasses import replace

from deposit.actors import Actor
from deposit.models import Client, Collection, Membership
from deposit.models.compiled import Compiled
from deposit.permissions import Operation, client_of, forbidden, in_scope
from deposit.refusals import Kind, Refusal

_is_member = Compiled(
    lambda collection, client: Membership.objects.filter(collection=collection, client=client),
    2_000_000_011,
    2_000_000_033,
)


def require_member(actor: Actor, collection_id: int, *, seen: int | None = None) -> Client:
    """The client as whom the actor deposits into a collection; one query. Raises a 403 `Refusal`.

    ``seen``: the number of the client that this request found to be a member already; then nothing is asked.
    """
    client = client_of(actor)
    if not in_scope(actor, Operation.DEPOSIT):
        raise forbidden(actor, Operation.DEPOSIT)
    if actor.owner:
        mine = Membership.objects.filter(collection=collection_id, client=actor.own_client, mediates=True)
        if not mine.exists():
            raise mediation_refused()
    if seen != client.pk and not _is_member.first(collection_id, client.pk):
        raise foreign_collection(client, Collection.objects.get(pk=collection_id).name)
    return client


def foreign_collection(client: Client, name: str) -> Refusal:
    """A collection that the client may not use."""
    return Refusal(
        Kind.FORBIDDEN,
        "collection.foreign",
        f"Client {client} cannot access collection {name}",
        "The service document lists the collections you may use.",
    )


def mediation_refused() -> Refusal:
    """The client is not one that deposits for others (SWORD 2 section 8)."""
    return Refusal(
        Kind.MEDIATION_NOT_ALLOWED,
        "mediation.not_allowed",
        "Mediation is not supported.",
        "Send the request without the On-Behalf-Of header, or ask an operator to let this client mediate.",
    )


def mediated(actor: Actor, owner_name: str, collection_name: str | None) -> Actor:
    """The actor on behalf of another member of a collection (of any, for None) in which it mediates.

    Raises `Refusal`: 412 when the actor does not mediate there, 403 for an owner that is no member there, whether
    there is such a user or not.
    """
    if actor.own_client is None:
        raise mediation_refused()
    mine = Membership.objects.filter(client=actor.own_client, mediates=True)
    mine = mine.filter(collection__name=collection_name) if collection_name is not None else mine
    places = list(mine.values_list("collection", flat=True))
    if not places:
        raise mediation_refused()
    # No name has a NUL in it, and PostgreSQL takes none.
    name = owner_name.replace("\x00", "\ufffd")
    shared = Membership.objects.filter(client__user__username=name, client__user__is_active=True)
    found = list(shared.filter(collection__in=places).select_related("client__user"))
    if not found:
        raise Refusal(
            Kind.TARGET_OWNER_UNKNOWN,
            "mediation.owner_unknown",
            f"There is no client {owner_name} to deposit for.",
            "The owner must be a client of the collection you mediate for.",
        )
    return replace(actor, owner=found[0].client, places=frozenset(row.collection_id for row in found))
