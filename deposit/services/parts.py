"""What one request brings, already on disk and read, and how it becomes parts of a deposit."""

import hashlib
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from deposit.actors import Actor
from deposit.intake.admission import admit
from deposit.intake.limits import Sizes, metadata_too_large
from deposit.metadata.entry import Entry
from deposit.models import TITLE_LENGTH, Deposit, Duplicates, Fetch, Part, PartKind, Status, WorkItem
from deposit.queue import items
from deposit.refusals import Kind, Refusal
from deposit.services import uploads
from deposit.staging.files import StagedFile, too_large

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
class Uploaded:
    """A segmented upload that becomes a package as it is. ``sha256``: what the client says again, or None."""

    upload_id: UUID
    name: str
    content_type: str
    packaging: str = ""
    sha256: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteFile:
    """A package that is to be fetched. ``size`` in bytes, 0 when the client does not say."""

    url: str
    name: str
    content_type: str
    sha256: str
    size: int = 0
    packaging: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    """One request's package, or entry, or both; and the packages that it only refers to."""

    package: Package | None = None
    entry: Entry | None = None
    files: tuple[Uploaded | RemoteFile, ...] = ()
    name_encoding: str = ""
    """What names in the packages are in that do not state their encoding; "" where the client does not say."""
    confirm_warnings: bool = False
    """The depositor wants to be asked before a package with warnings is archived."""

    @property
    def package_names(self) -> list[str]:
        """The names of all packages that it brings or refers to."""
        return [each.name for each in ([self.package] if self.package else []) + list(self.files)]


def described(submission: Submission) -> dict[str, str | bool]:
    """What a deposit is known by after this submission: the fields of `Deposit` that it changes."""
    fields: dict[str, str | bool] = {}
    if submission.package_names:
        fields["package_name"] = submission.package_names[-1]
    if submission.entry:
        fields["title"] = (submission.entry.title or "")[:TITLE_LENGTH]
    if submission.name_encoding:
        fields["name_encoding"] = submission.name_encoding
    if submission.confirm_warnings:
        fields["confirm_warnings"] = True
    return fields


def add_parts(deposit: Deposit, submission: Submission, actor: Actor, *, place: int | None = None) -> None:
    """Record what arrived as parts, in one statement, by whom, and what the deposit is now known by.

    ``place``: the number of a part that was removed in this transaction. The one package that arrived gets it, so
    that its address and its turn among the packages stay.
    """
    mediator = str(actor.own_client) if actor.owner else ""
    remote = [file for file in submission.files if isinstance(file, RemoteFile)]
    if remote:
        # What comes in a request, or in segments, was let in before its first byte.
        admit(deposit.client, sum(file.size for file in remote))
    parts = []
    if submission.package:
        part = _package_part(deposit, submission.package, mediator)
        part.duplicate_of_id = _earlier(deposit, part.sha256)
        parts.append(part)
    parts += [_referenced_part(deposit, file, actor, mediator) for file in submission.files]
    if submission.entry:
        document = submission.entry.document
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
    _require_sizes(deposit, parts)
    if place is not None:
        parts[0].pk = place
    Part.objects.bulk_create(parts)
    _order_fetches(deposit, parts, remote)
    _describe(deposit, **described(submission))


def _require_sizes(deposit: Deposit, parts: list[Part]) -> None:
    """By whatever road something came, the collection's bounds hold. Raises `Refusal`."""
    sizes = Sizes.of(deposit.collection)
    for part in parts:
        if part.kind == PartKind.METADATA and part.size > sizes.metadata:
            raise metadata_too_large(sizes.metadata)
        if part.kind != PartKind.METADATA and part.size > sizes.upload:
            raise too_large(sizes.upload)


def _order_fetches(deposit: Deposit, parts: list[Part], remote: list[RemoteFile]) -> None:
    pending = [part for part in parts if part.kind == PartKind.PENDING]
    ordered = Fetch.objects.bulk_create(
        Fetch(part=part, url=file.url) for part, file in zip(pending, remote, strict=True)
    )
    for fetch in ordered:
        items.ask(
            Fetch.WORK,
            fetch.pk,
            deposit_id=deposit.pk,
            share=deposit.client_id,
            heavy=fetch.part.size >= settings.HEAVY_BYTES,
            arguments={"host": urlsplit(fetch.url).netloc.lower()},
        )


def _cancel_fetches(parts: QuerySet[Part]) -> None:
    numbers = Fetch.objects.filter(part__in=parts).values_list("pk", flat=True)
    WorkItem.objects.filter(kind=Fetch.WORK, key__in=[str(number) for number in numbers]).delete()


# In plain SQL, because every package asks: Django takes longer to word it than PostgreSQL to answer.
_EARLIER = """
    SELECT deposit.id, deposit.status
    FROM deposit_part part JOIN deposit_deposit deposit ON deposit.id = part.deposit_id
    WHERE part.sha256 = %s AND part.kind = %s
      AND deposit.client_id = %s AND deposit.collection_id = %s AND deposit.status = ANY (%s) AND deposit.id <> %s
    ORDER BY deposit.id DESC LIMIT 1"""


def _earlier(deposit: Deposit, sha256: str) -> int | None:
    """The newest complete deposit of this client, in this collection, with this package. Raises `Refusal`."""
    refuses = deposit.collection.duplicates == Duplicates.REFUSE
    place = (deposit.client_id, deposit.collection_id)
    with connection.cursor() as cursor:
        if refuses:
            # Two that bring it at once: the second waits, and sees what the first has committed.
            name = f"duplicate {place[0]} {place[1]} {sha256}"
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        cursor.execute(_EARLIER, [sha256, PartKind.PACKAGE, *place, list(_KEPT), deposit.pk])
        earlier = cursor.fetchone()
    if earlier is None:
        return None
    number, status = earlier
    if refuses:
        raise Refusal(
            Kind.BAD_REQUEST,
            "package.duplicate",
            f"Deposit {number} has brought this very package to {deposit.collection} before.",
            f"See that deposit's status ('{status}'); to deposit again, send a package that differs.",
        )
    return int(number)


def _describe(deposit: Deposit, **fields: str | bool) -> None:
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


def _referenced_part(deposit: Deposit, file: Uploaded | RemoteFile, actor: Actor, mediator: str) -> Part:
    if isinstance(file, RemoteFile):
        return Part(
            deposit=deposit,
            mediator=mediator,
            kind=PartKind.PENDING,
            content_type=file.content_type,
            size=file.size,
            sha256=file.sha256,
            name=file.name,
            packaging=file.packaging,
        )
    staged = uploads.adopt(actor=actor, upload_id=file.upload_id)
    if file.sha256 not in (None, staged.sha256):
        raise Refusal(
            Kind.CHECKSUM_MISMATCH,
            "upload.digest_differs",
            f"The digest of {file.name} is not the one that its upload was begun with.",
            "Send the digest of the whole file, the same both times.",
        )
    package = Package(staged=staged, name=file.name, content_type=file.content_type, packaging=file.packaging)
    part = _package_part(deposit, package, mediator)
    part.digest_pending = True
    part.duplicate_of_id = _earlier(deposit, part.sha256)
    return part


def remove_parts(deposit: Deposit, *kinds: PartKind, only: int | None = None) -> list[str]:
    """Forget the parts of these kinds, or just one of them; returns the staged files to unlink after the commit.

    With the packages go those that are yet to be fetched.
    """
    if PartKind.PACKAGE in kinds:
        kinds += (PartKind.PENDING,)
    parts: QuerySet[Part] = deposit.parts.filter(kind__in=kinds)
    if only is not None:
        parts = parts.filter(pk=only)
    stored = [name for name in parts.values_list("stored_as", flat=True) if name]
    if PartKind.PENDING in kinds:
        _cancel_fetches(parts)
    parts.delete()
    if PartKind.PACKAGE in kinds:
        describe_packages(deposit)
    return stored


def describe_packages(deposit: Deposit) -> None:
    """Know the deposit by the newest of the packages that it has now."""
    newest = deposit.parts.exclude(kind=PartKind.METADATA).order_by("-id").first()
    _describe(deposit, package_name=newest.name if newest else "")
