"""What one request brings, already on disk and read, and how it becomes parts of a deposit."""

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from deposit.actors import Actor
from deposit.intake.admission import admit
from deposit.intake.limits import Sizes, metadata_too_large
from deposit.metadata.entry import Entry
from deposit.models import (
    TITLE_LENGTH,
    Client,
    Collection,
    Deposit,
    Duplicates,
    Fetch,
    Part,
    PartKind,
    Status,
    WorkItem,
)
from deposit.queue import items
from deposit.refusals import Kind, Refusal
from deposit.services import uploads
from deposit.staging.files import StagedFile, too_large

# Deposits whose packages the service has and means to keep.
KEPT = (Status.DEPOSITED, Status.VERIFIED, Status.LOADING, Status.DONE)


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

    @property
    def remote(self) -> list[RemoteFile]:
        """The packages that are to be fetched from elsewhere."""
        return [file for file in self.files if isinstance(file, RemoteFile)]


@dataclass(kw_only=True, slots=True)
class NewPart:
    """A part that is not recorded yet; the fields are those of `Part`."""

    kind: PartKind
    content_type: str
    size: int
    sha256: str
    name: str = ""
    packaging: str = ""
    stored_as: str | None = None
    digest_pending: bool = False
    document: bytes | None = None


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


def mediator_of(actor: Actor) -> str:
    """The user name of the mediator who sends something; "" when the client does so itself."""
    return str(actor.own_client) if actor.owner else ""


def new_parts(client: Client, collection: Collection, submission: Submission, actor: Actor) -> list[NewPart]:
    """What arrived as parts, in order: packages, then metadata. Raises `Refusal`.

    Uploads that it names are taken over, in the caller's transaction.
    """
    if submission.remote:
        # What comes in a request, or in segments, was let in before its first byte.
        admit(client, sum(file.size for file in submission.remote))
    parts = [_package_part(submission.package)] if submission.package else []
    parts += [_referenced_part(file, actor) for file in submission.files]
    if submission.entry:
        document = submission.entry.document
        parts.append(
            NewPart(
                kind=PartKind.METADATA,
                content_type="application/atom+xml;type=entry",
                size=len(document),
                sha256=hashlib.sha256(document).hexdigest(),
                document=document,
            )
        )
    _require_sizes(collection, parts)
    return parts


def add_parts(deposit: Deposit, submission: Submission, actor: Actor, *, place: int | None = None) -> None:
    """Record what arrived as parts, in one statement, by whom, and what the deposit is now known by.

    ``place``: the number of a part that was removed in this transaction. The one package that arrived gets it, so
    that its address and its turn among the packages stay.
    """
    mediator = mediator_of(actor)
    parts = [
        Part(
            deposit=deposit,
            mediator=mediator,
            duplicate_of_id=earlier_with(deposit.client_id, deposit.collection, new, besides=deposit.pk),
            **asdict(new),
        )
        for new in new_parts(deposit.client, deposit.collection, submission, actor)
    ]
    if place is not None:
        parts[0].pk = place
    Part.objects.bulk_create(parts)
    order_fetches(deposit, parts, submission)
    _describe(deposit, **described(submission))


def _require_sizes(collection: Collection, parts: list[NewPart]) -> None:
    """By whatever road something came, the collection's bounds hold. Raises `Refusal`."""
    sizes = Sizes.of(collection)
    for part in parts:
        if part.kind == PartKind.METADATA and part.size > sizes.metadata:
            raise metadata_too_large(sizes.metadata)
        if part.kind != PartKind.METADATA and part.size > sizes.upload:
            raise too_large(sizes.upload)


def order_fetches(deposit: Deposit, parts: Iterable[Part], submission: Submission) -> None:
    """Have the packages fetched that a submission only refers to; ``parts`` are what was recorded of it, in order."""
    pending = [part for part in parts if part.kind == PartKind.PENDING]
    ordered = Fetch.objects.bulk_create(
        Fetch(part=part, url=file.url) for part, file in zip(pending, submission.remote, strict=True)
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


def earlier_with(client_id: int, collection: Collection, part: NewPart, *, besides: int = 0) -> int | None:
    """The newest complete deposit of a client in a collection that has this package; but for the deposit ``besides``.

    Raises `Refusal` where the collection refuses it for that.
    """
    if part.kind != PartKind.PACKAGE:
        return None
    refuses = collection.duplicates == Duplicates.REFUSE
    place = (client_id, collection.pk)
    with connection.cursor() as cursor:
        if refuses:
            # Two that bring it at once: the second waits, and sees what the first has committed.
            name = f"duplicate {place[0]} {place[1]} {part.sha256}"
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        cursor.execute(_EARLIER, [part.sha256, PartKind.PACKAGE, *place, list(KEPT), besides])
        earlier = cursor.fetchone()
    if earlier is None:
        return None
    number, status = earlier
    if refuses:
        raise Refusal(
            Kind.BAD_REQUEST,
            "package.duplicate",
            f"Deposit {number} has brought this very package to {collection} before.",
            f"See that deposit's status ('{status}'); to deposit again, send a package that differs.",
        )
    return int(number)


def _describe(deposit: Deposit, **fields: str | bool) -> None:
    changed = {name: value for name, value in fields.items() if getattr(deposit, name) != value}
    if changed:
        Deposit.objects.filter(pk=deposit.pk).update(**changed)
        for name, value in changed.items():
            setattr(deposit, name, value)


def _package_part(package: Package) -> NewPart:
    return NewPart(
        kind=PartKind.PACKAGE,
        content_type=package.content_type,
        size=package.staged.size,
        sha256=package.staged.sha256,
        name=package.name,
        packaging=package.packaging,
        stored_as=package.staged.stored_as,
    )


def _referenced_part(file: Uploaded | RemoteFile, actor: Actor) -> NewPart:
    if isinstance(file, RemoteFile):
        return NewPart(
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
    part = _package_part(package)
    part.digest_pending = True
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
