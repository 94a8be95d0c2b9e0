"""The one way from a source into the record: what a source has read becomes a deposit of its own client."""

from typing import Any

from deposit.metadata.minimal import entry_for
from deposit.models import Deposit
from deposit.services.parts import Package
from deposit.services.submission import submit
from deposit.staging.files import StagedFile
from sources.models import Source, SourceItem
from sources.places import Read


def submit_item(source: Source, item: SourceItem, read: Read, staged: StagedFile) -> Deposit:
    """Deposit what was read of an item; in the transaction of the caller. Raises `Refusal`."""
    package = Package(
        staged=staged, name=read.name[-1000:], content_type=read.content_type, packaging=read.packaging
    )
    entry = entry_for(
        title=item.key.rpartition("/")[2],
        author=source.collection.title or source.name,
        provenance=source.client.provider_url,
    )
    deposit = submit(
        client=source.client,
        collection=source.collection,
        files=[package],
        entry=entry,
        source=f"source {source.name}",
        key=f"{item.uuid.hex}.{item.retries}",
    )
    own: dict[str, Any] = {}
    if source.profile:
        own |= {"profile": source.profile, "profile_options": source.profile_options}
    if source.strip_top_level_dir and not item.is_directory and not read.packaging:
        # A directory was read without its top; an archive stays as it was sent, and is read without.
        own["strip_top_folder"] = True
    if own:
        Deposit.objects.filter(pk=deposit.pk).update(**own)
    return deposit
