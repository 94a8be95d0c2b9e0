"""What arrives in one request, already on disk and read, and how it becomes parts of a deposit."""

import hashlib
from dataclasses import dataclass

from django.db.models import QuerySet

from deposit.metadata.entry import Entry
from deposit.models import Deposit, Part, PartKind
from deposit.staging import StagedFile


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """A staged package with what the client said of it."""

    staged: StagedFile
    name: str
    content_type: str
    packaging: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """One request's package, or entry, or both."""

    package: Package | None = None
    entry: Entry | None = None


def add_parts(deposit: Deposit, arrival: Arrival) -> None:
    """Record what arrived as parts, in one statement."""
    parts = []
    if arrival.package:
        parts.append(_package_part(deposit, arrival.package))
    if arrival.entry:
        document = arrival.entry.document
        parts.append(
            Part(
                deposit=deposit,
                kind=PartKind.METADATA,
                content_type="application/atom+xml;type=entry",
                size=len(document),
                sha256=hashlib.sha256(document).hexdigest(),
                document=document,
            )
        )
    Part.objects.bulk_create(parts)


def _package_part(deposit: Deposit, package: Package) -> Part:
    return Part(
        deposit=deposit,
        kind=PartKind.PACKAGE,
        content_type=package.content_type,
        size=package.staged.size,
        sha256=package.staged.sha256,
        name=package.name,
        packaging=package.packaging,
        stored_as=package.staged.stored_as,
    )


def remove_parts(deposit: Deposit, *kinds: PartKind) -> list[str]:
    """Forget the parts of these kinds; returns the staged files that must be unlinked after the commit."""
    parts: QuerySet[Part] = deposit.parts.filter(kind__in=kinds)
    stored = [name for name in parts.values_list("stored_as", flat=True) if name]
    parts.delete()
    return stored
