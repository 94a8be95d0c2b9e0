"""The collection and the machine client of the museum: made once, and found by everything else."""

from dataclasses import dataclass

from django.conf import settings

from deposit.actors import Channel, system_actor
from deposit.models import Client, Collection, Membership
from deposit.services import accounts
from sources.museumplus.search_indexes import make_search_indexes

NAME = "museum"
PROFILE = "museum"
DESTINATIONS = ["preservation_service"]


class NotSetUp(Exception):
    """There is no collection or client of the museum."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SetUp:
    """What was made, and what was there; whether searches have their indexes."""

    collection: str
    client: str
    search_indexes: bool


def set_up(*, dry_run: bool = False) -> SetUp:
    """Make the collection and the client; what is there stays."""
    actor = system_actor(Channel.COMMAND)
    has_collection = Collection.objects.filter(name=NAME).exists()
    has_client = Client.objects.filter(user__username=NAME).exists()
    if dry_run:
        return SetUp(collection=_outcome(has_collection), client=_outcome(has_client), search_indexes=False)
    if not has_collection:
        accounts.create_collection(
            actor=actor, name=NAME, title="Museum", profile=PROFILE, destinations=DESTINATIONS
        )
    if not has_client:
        accounts.create_client(
            actor=actor,
            username=NAME,
            password=None,
            collections=[NAME],
            provider_url=settings.MUSEUMPLUS_URL or settings.AUTHORITY_URL,
        )
    elif not Membership.objects.filter(client__user__username=NAME, collection__name=NAME).exists():
        accounts.grant(actor=actor, username=NAME, collection=NAME)
    return SetUp(
        collection=_outcome(has_collection), client=_outcome(has_client), search_indexes=make_search_indexes()
    )


def museum_client() -> tuple[Client, Collection]:
    """Who deposits for the museum, and where. Raises NotSetUp."""
    client = Client.objects.select_related("user").filter(user__username=NAME).first()
    collection = Collection.objects.filter(name=NAME).first()
    if client is None or collection is None:
        raise NotSetUp("The museum is not set up: run `manage.py museum_setup`.")
    return client, collection


def _outcome(is_there: bool) -> str:
    return "was there" if is_there else "made"
