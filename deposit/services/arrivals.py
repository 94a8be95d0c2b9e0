"""What arrives in one request, already on disk and read, and how it becomes parts of a deposit."""

import hashlib
from dataclasses import dataclass

from django.db import connection
from django.db.models import QuerySet

from deposit.actors import Actor
from deposit.metadata.entry import Entry
from deposit.models import TITLE_LENGTH, Deposit, Duplicates, Part, PartKind, Status
from deposit.refusals import Kind, Refusal
from deposit.staging import StagedFile

# Deposits whose packages the service has and means to keep.
_KEPT = (Status.DEPOSITED, Status.VERIFIED, Status.LOADING, Status.DONE)


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
        part = _package_part(deposit, arrival.package, mediator)
        part.duplicate_of = _earlier(deposit, part.sha256)
        parts.append(part)
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


def _earlier(deposit: Deposit, sha256: str) -> Deposit | None:
    """The newest complete deposit of the same client and collection with the same package. Raises `Refusal`."""
    refuses = deposit.collection.duplicates == Duplicates.REFUSE
    if refuses:
        # Two that bring it at once: the second waits, and sees what the first has committed.
        with connection.cursor() as cursor:
            name = f"duplicate {deposit.client_id} {deposit.collection_id} {sha256}"
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
    same = Deposit.objects.filter(
        client=deposit.client_id,
        collection=deposit.collection_id,
        status__in=_KEPT,
        parts__sha256=sha256,
        parts__kind=PartKind.PACKAGE,
    )
    earlier = same.exclude(pk=deposit.pk).order_by("-pk").first()
    if earlier and refuses:
        raise Refusal(
            Kind.BAD_REQUEST,
            "package.duplicate",
            f"Deposit {earlier.pk} has brought this very package to {deposit.collection} before.",
            f"See that deposit's status ('{earlier.status}'); to deposit again, send a package that differs.",
        )
    return earlier


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


def remove_parts(deposit: Deposit, *kinds: PartKind, only: int | None = None) -> list[str]:
    """Forget the parts of these kinds, or just one of them; returns the staged files to unlink after the commit."""
    parts: QuerySet[Part] = deposit.parts.filter(kind__in=kinds)
    if only is not None:
        parts = parts.filter(pk=only)
    stored = [name for name in parts.values_list("stored_as", flat=True) if name]
    parts.delete()
    if PartKind.PACKAGE in kinds:
        newest = deposit.parts.filter(kind=PartKind.PACKAGE).order_by("-id").first()
        _describe(deposit, package_name=newest.name if newest else "")
    return stored
