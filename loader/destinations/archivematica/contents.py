"""What a deposit brings to a bundle, from the record."""

from deposit.intake.limits import reading_of
from deposit.metadata.packaging import Packaging
from deposit.models import Deposit, Part, PartKind
from deposit.services.deposits import effective_entry
from deposit.staging.files import path_of
from loader.destinations.archivematica.bundles.building import Contents, Source


def contents_of(deposit: Deposit) -> Contents:
    """The packages, the metadata documents as they were sent, and Dublin Core of the newest of them."""
    parts = list(Part.objects.filter(deposit=deposit).order_by("id"))
    documents = [bytes(part.document) for part in parts if part.kind == PartKind.METADATA and part.document]
    return Contents(
        packages=[
            Source(
                path=path_of(part.stored_as), name=part.name, is_content=part.packaging == Packaging.BINARY
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
