"""The one way from a source into the record: what a source has read becomes a deposit of its own client."""

from deposit.actors import Actor, Door
from deposit.metadata.minimal import entry_for
from deposit.models import Deposit
from deposit.services import deposits
from deposit.services.arrivals import Arrival, Package
from deposit.staging.files import StagedFile
from sources.models import Source, SourceItem
from sources.places import Read


def actor_of(source: Source) -> Actor:
    """The source as who deposits."""
    return Actor(user=source.client.user, door=Door.SOURCE)


def submit_item(source: Source, item: SourceItem, read: Read, staged: StagedFile) -> Deposit:
    """Deposit what was read of an item; in the transaction of the caller. Raises `Refusal`."""
    package = Package(
        staged=staged, name=read.name[-1000:], content_type=read.content_type, packaging=read.packaging
    )
    arrival = Arrival(
        package=package,
        entry=entry_for(
            title=item.key.rpartition("/")[2],
            author=source.collection.title or source.name,
            provenance=source.client.provider_url,
        ),
    )
    deposit = deposits.create(
        actor=actor_of(source), collection=source.collection, arrival=arrival, in_progress=False, slug=None
    )
    if source.profile:
        Deposit.objects.filter(pk=deposit.pk).update(
            profile=source.profile, profile_options=source.profile_options
        )
    return deposit
