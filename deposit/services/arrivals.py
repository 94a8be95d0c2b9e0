"""What arrives in one request, already on disk and read, and how it becomes parts of a deposit."""

import hashlib
from dataclasses import dataclass

from django.db.models import QuerySet

from deposit.actors import Actor
from deposit.metadata.entry import Entry
from deposit.models import TITLE_LENGTH, Deposit, Part, PartKind
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


def described(arrival: Arrival) -> dict[str, str]:
    """What a deposit is known by after this arrival: the fields of `Deposit` that it changes."""
    fields = {}
    if arrival.package:
        fields["package_name"] = arrival.package.name
    if arrival.entry:
        fields["title"] = (arrival.entry.title or "")[:TITLE_LENGTH]
    return fields


def add_parts(deposit: Deposit, arrival: Arrival, actor: Actor) -> None:
    """Record what arrived as parts, in one statement, by whom, and what the deposit is now known by."""
    mediator = str(actor.own_client) if actor.owner else ""
    parts = []
    if arrival.package:
        parts.append(_package_part(deposit, arrival.package, mediator))
    if arrival.entry:
        document = arrival.entry.document
        parts.append(
            Part(
                deposit=deposit,
                mediator=mediator,
                kind=PartKind.METADATA,
                content_type="application/atom+xml;type=entry",
                size=len(document),
                sha256=hashlib.sha256(document).hexdigest(),
                document=document,
            )
        )
    Part.objects.bulk_create(parts)
    _describe(deposit, **described(arrival))


def _describe(deposit: Deposit, **fields: str) -> None:
    changed = {name: value for name, value in fields.items() if getattr(deposit, name) != value}
    if changed:
        Deposit.objects.filter(pk=deposit.pk).update(**changed)
        for name, value in changed.items():
            setattr(deposit, name, value)


def _package_part(deposit: Deposit, package: Package, mediator: str) -> Part:
    return Part(
        deposit=deposit,
        mediator=mediator,
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
    if PartKind.PACKAGE in kinds:
        _describe(deposit, package_name="")
    return stored
