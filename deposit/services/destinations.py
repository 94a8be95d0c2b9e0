"""Where a collection's deposits are taken; what only one destination knows is kept by that destination."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from deposit.actors import Actor
from deposit.models import Collection
from deposit.services.accounts import AccountError, change_collection


def set_destinations(
    *, actor: Actor, name: str, destinations: Sequence[str] | None, options: dict[str, Any]
) -> Collection:
    """Take a collection's deposits to these destinations, in this order; None: to those that it has.

    ``options`` go to the destinations that take some. Raises `AccountError`, `Refusal`.
    """
    with transaction.atomic():
        changes: dict[str, Any] = {}
        if destinations is not None:
            _require_known(destinations)
            changes["destinations"] = list(dict.fromkeys(destinations))
        collection = change_collection(actor=actor, name=name, **changes)
        if options:
            _configure(actor, collection, options)
    return collection


def _require_known(destinations: Sequence[str]) -> None:
    for destination in destinations:
        if destination not in settings.DESTINATIONS:
            known = ", ".join(sorted(settings.DESTINATIONS))
            raise AccountError(f"There is no destination {destination}. There are: {known}.")


def _configure(actor: Actor, collection: Collection, options: dict[str, Any]) -> None:
    takers = [
        destination.configure
        for destination in map(_destination, collection.destinations)
        if destination.configure is not None
    ]
    if not takers:
        raise AccountError(f"No destination of collection {collection} takes {', '.join(options)}.")
    for configure in takers:
        configure(actor=actor, collection=collection, **options)


def _destination(name: str) -> Any:
    return import_string(f"{settings.DESTINATIONS[name]}.DESTINATION")
