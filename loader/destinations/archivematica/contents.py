"""What a deposit brings to a bundle, from the record."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from deposit.intake.limits import reading_of
from deposit.metadata.packaging import Packaging
from deposit.models import Deposit, Part, PartKind
from deposit.services.deposits import effective_entry
from deposit.staging.storage import local_file
from loader.destinations.archivematica.bundles.building import Contents, Source


@contextmanager
def contents_of(deposit: Deposit, *, alive: Callable[[], None]) -> Iterator[Contents]:
    """The packages, the metadata documents as they were sent, and Dublin Core of the newest of them; for the block."""
    parts = list(Part.objects.filter(deposit=deposit).order_by("id"))
    documents = [bytes(part.document) for part in parts if part.kind == PartKind.METADATA and part.document]
    with ExitStack() as held:
        yield Contents(
            packages=[
                Source(
                    path=held.enter_context(local_file(part.stored_as, alive=alive)),
                    name=part.name,
                    is_content=part.packaging == Packaging.BINARY,
                )
                for part in parts
                if part.kind == PartKind.PACKAGE and part.stored_as
            ],
            limits=reading_of(deposit),
            documents={f"metadata-{number}.xml": data for number, data in enumerate(documents, 1)},
            terms=_terms(deposit),
        )


def _terms(deposit: Deposit) -> list[tuple[str, str]]:
    entry = effective_entry(deposit)
    told = list(entry.dublin_core) if entry else []
    if entry:
        told += [("title", entry.title or ""), *(("creator", author.name) for author in entry.authors)]
        published = entry.date_published or entry.date_created
        told += [("date", published.date().isoformat())] if published else []
    told += [("identifier", one) for one in (deposit.external_id, deposit.origin_url) if one]
    return told
