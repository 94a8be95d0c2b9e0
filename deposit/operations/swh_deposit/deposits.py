"""A window of the other server's deposits: what is new or has changed is staged, then written in one transaction."""

import hashlib
import mimetypes
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction

from deposit import lifecycle
from deposit.lifecycle import WAITING, Work
from deposit.metadata.packaging import Packaging
from deposit.models import (
    Deposit,
    Event,
    EventName,
    Finding,
    Identifier,
    MovedDeposit,
    PageAnchor,
    Part,
    PartKind,
    Status,
    WorkItem,
)
from deposit.operations.swh_deposit.accounts import Places
from deposit.operations.swh_deposit.conversion import OPEN, Converted, Untakable, convert
from deposit.operations.swh_deposit.report import Report
from deposit.operations.swh_deposit.source import OldDeposit, Request, Source
from deposit.operations.swh_deposit.uploads import UploadError, Uploads, stage
from deposit.queue import items
from deposit.staging import storage
from deposit.staging.files import StagedFile

ACTOR = "swh_deposit_import"
# Files are synced one by one; several at a time wait for the disk together.
_COPIES = 4


@dataclass(kw_only=True, slots=True)
class Taken:
    """A deposit that is ready to be written. ``before``: as it is here already, when it changed there since."""

    old: OldDeposit
    converted: Converted
    parts: list[Part] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)
    before: MovedDeposit | None = None
    status_before: str = ""


class Window:
    """Takes windows of deposits. ``final``: also those that the other server worked on until it was stopped."""

    def __init__(
        self,
        source: Source,
        uploads: Uploads,
        places: Places,
        report: Report,
        *,
        final: bool,
        digests: Mapping[str, str],
    ) -> None:
        self._source = source
        self._uploads = uploads
        self._places = places
        self._report = report
        self._final = final
        self._digests = digests
        self._copies = ThreadPoolExecutor(_COPIES, thread_name_prefix="copying")

    def take(self, rows: Sequence[OldDeposit]) -> None:
        """Take what is new or has changed there. Raises `Refusal` when the disk is full."""
        wanted = self._wanted(rows)
        requests = self._source.requests([old.id for old, _ in wanted]) if wanted else {}
        taken = []
        for old, before in wanted:
            try:
                taken.append(self._converted(old, requests[old.id], before))
            except Untakable as error:
                self._report.refuse("deposit", old.id, str(error))
        ready = self._with_files(taken, requests)
        if self._report.dry_run:
            for each in ready:
                self._count(each)
            return
        self._write(ready)

    def _wanted(self, rows: Sequence[OldDeposit]) -> list[tuple[OldDeposit, MovedDeposit | None]]:
        numbers = [old.id for old in rows]
        moved = {each.pk: each for each in MovedDeposit.objects.filter(pk__in=numbers)}
        here = dict(Deposit.objects.filter(pk__in=numbers).values_list("pk", "revision"))
        wanted: list[tuple[OldDeposit, MovedDeposit | None]] = []
        for old in rows:
            before = moved.get(old.id)
            if before is None and old.id in here:
                self._report.refuse("deposit", old.id, "Another deposit has this number here.")
            elif before is not None and before.fingerprint == old.fingerprint and self._lacks_still(before):
                self._report.count("deposits unchanged")
            elif before is not None and here[old.id] != before.revision:
                if before.fingerprint != old.fingerprint:
                    self._report.refuse(
                        "deposit", old.id, "It was changed there and here; it stays as it is here."
                    )
                else:
                    self._report.count("deposits unchanged")
            elif old.status in OPEN and not self._final:
                self._report.count("deposits left until --final")
            else:
                wanted.append((old, before))
        return wanted

    def _lacks_still(self, before: MovedDeposit) -> bool:
        """Whether what could not be had then cannot be had now either; True where nothing was lacking."""
        for lacking in before.lacking:
            number = lacking.removeprefix("deposit ")
            if number != lacking:
                if Deposit.objects.filter(pk=int(number)).exists():
                    return False
                continue
            try:
                self._uploads.size(lacking)
            except UploadError:
                continue
            return False
        for lacking in before.lacking:
            self._report.remark("deposit", before.pk, f"{lacking} is still not there.")
        return True

    def _converted(self, old: OldDeposit, requests: Sequence[Request], before: MovedDeposit | None) -> Taken:
        client = self._places.clients.get(old.client_id)
        collection = self._places.collections.get(old.collection_id)
        if client is None or collection is None:
            raise Untakable("Its client or its collection was not taken.")
        taken = Taken(
            old=old, converted=convert(old, requests, client=client, collection=collection), before=before
        )
        for request in requests:
            if request.raw_metadata is None and not request.archive and request.has_metadata:
                taken.converted.remarks.append(
                    f"The metadata of request {request.id} are kept in no document there."
                )
        return taken

    def _with_files(self, taken: Iterable[Taken], requests: Mapping[int, Sequence[Request]]) -> list[Taken]:
        """Those whose parts could be had; whoever lacks a file and is not settled stays behind."""
        begun = [
            (each, [(request, self._copies.submit(self._part, request)) for request in requests[each.old.id]])
            for each in taken
        ]
        ready = []
        for each, copies in begun:
            for request, copy in copies:
                try:
                    each.parts += [part] if (part := copy.result()) else []
                except UploadError as error:
                    each.lacking.append(request.archive)
                    each.converted.remarks.append(f"Package: {error}")
            if each.lacking and each.old.status in OPEN:
                self._report.refuse("deposit", each.old.id, " ".join(each.converted.remarks))
                storage.remove(part.stored_as for part in each.parts if part.stored_as)
            else:
                ready.append(each)
        return ready

    def _part(self, request: Request) -> Part | None:
        if request.archive:
            if self._report.dry_run:
                # To be counted; nothing of it is written.
                return Part(kind=PartKind.PACKAGE, size=self._uploads.size(request.archive))
            return package_part(request, stage(self._uploads, request.archive, self._digests))
        return document_part(request) if request.raw_metadata else None

    def _write(self, taken: list[Taken]) -> None:
        """All at once, or, where the database refuses one of them, each for itself."""
        if not taken:
            return
        try:
            with transaction.atomic():
                write(taken, self._source.name)
        except IntegrityError as error:
            if len(taken) == 1:
                storage.remove(part.stored_as for part in taken[0].parts if part.stored_as)
                self._report.refuse("deposit", taken[0].old.id, _plain(error))
                return
            for each in taken:
                for part in each.parts:
                    part.pk = None
                self._write([each])
            return
        for each in taken:
            self._count(each)

    def _count(self, each: Taken) -> None:
        for remark in each.converted.remarks:
            self._report.remark("deposit", each.old.id, remark)
        self._report.count("deposits updated" if each.before else "deposits created")
        self._report.count("packages", sum(part.kind == PartKind.PACKAGE for part in each.parts))
        self._report.count("bytes", sum(part.size for part in each.parts))


def package_part(request: Request, staged: StagedFile) -> Part:
    """A package, under the name that its file has there."""
    name = request.archive.rpartition("/")[2]
    kind = "application/zip" if mimetypes.guess_type(name)[0] == "application/zip" else "application/x-tar"
    return Part(
        deposit_id=request.deposit_id,
        kind=PartKind.PACKAGE,
        created_at=request.date,
        content_type=kind,
        packaging=Packaging.SIMPLE_ZIP,
        size=staged.size,
        sha256=staged.sha256,
        name=name,
        stored_as=staged.stored_as,
    )


def document_part(request: Request) -> Part:
    """A metadata document."""
    document = (request.raw_metadata or "").encode()
    return Part(
        deposit_id=request.deposit_id,
        kind=PartKind.METADATA,
        created_at=request.date,
        content_type="application/atom+xml;type=entry",
        size=len(document),
        sha256=hashlib.sha256(document).hexdigest(),
        document=document,
    )


def write(taken: Sequence[Taken], source: str) -> None:
    """Write deposits, with what hangs on them, and ask for the work of those that wait; in the caller's transaction."""
    parents = {each.converted.deposit.pk: each.old.parent_id for each in taken if each.old.parent_id}
    known = set(Deposit.objects.filter(pk__in=parents.values()).values_list("pk", flat=True))
    known |= {each.old.id for each in taken}
    for each in taken:
        parent = each.old.parent_id
        if parent is not None and parent not in known:
            each.lacking.append(f"deposit {parent}")
            each.converted.remarks.append(f"Its parent, deposit {parent}, is not here.")
    new = [each for each in taken if each.before is None]
    # Parents may come later in the window than their children.
    Deposit.objects.bulk_create([_settled(each) for each in new])
    for each in taken:
        if each.before is not None:
            _renew(each)
    for number, parent in parents.items():
        if parent in known:
            Deposit.objects.filter(pk=number).update(parent=parent)
    Part.objects.bulk_create([part for each in taken for part in each.parts])
    _hang_on(taken)
    _mark(taken, source)
    _ask_for_work(taken)
    PageAnchor.objects.filter(
        client__in={each.converted.deposit.client_id for each in new},
        deposit_id__gte=min((each.old.id for each in new), default=0),
    ).delete()


def _settled(each: Taken) -> Deposit:
    deposit = each.converted.deposit
    if deposit.status not in OPEN:
        deposit.status_changed_at = deposit.complete_date or deposit.reception_date
    return deposit


def _renew(each: Taken) -> None:
    """Bring one that is here already to what it has become there."""
    assert each.before is not None
    wanted = each.converted.deposit
    here = Deposit.objects.select_for_update().get(pk=wanted.pk)
    if here.revision != each.before.revision:
        raise IntegrityError("It was changed here while it was taken.")
    each.status_before = here.status
    wanted.revision = here.revision + 1
    wanted.status_changed_at = here.status_changed_at
    wanted.parent_id = here.parent_id
    gone = [name for name in here.parts.values_list("stored_as", flat=True) if name]
    here.parts.all().delete()
    here.findings.all().delete()
    WorkItem.objects.filter(deposit=here).delete()
    Deposit.objects.bulk_update([wanted], _FIELDS)
    lifecycle.take_over(wanted, source=each.status_before, actor=ACTOR, **_told(each))
    transaction.on_commit(lambda: storage.remove(gone))


_FIELDS = [
    "type",
    "complete_date",
    "external_id",
    "origin_url",
    "software_version",
    "release_notes",
    "swhid",
    "swhid_context",
    "title",
    "package_name",
    "verified_date",
    "status_changed_at",
]


def _hang_on(taken: Sequence[Taken]) -> None:
    Finding.objects.bulk_create([finding for each in taken for finding in each.converted.findings])
    Identifier.objects.bulk_create(
        [
            Identifier(deposit_id=each.old.id, scheme=scheme, value=value)
            for each in taken
            for scheme, value in each.converted.identifiers
        ],
        ignore_conflicts=True,
    )
    Event.objects.bulk_create(
        [
            Event(
                deposit_id=each.old.id,
                name=EventName.IMPORT,
                to_status=each.converted.deposit.status,
                actor=ACTOR,
                detail=_told(each),
            )
            for each in taken
            if each.before is None
        ]
    )


def _told(each: Taken) -> dict[str, Any]:
    told: dict[str, Any] = {"from": "swh-deposit", "received": each.old.reception_date.isoformat()}
    if each.old.complete_date:
        told["completed"] = each.old.complete_date.isoformat()
    return told | ({"lacking": each.lacking} if each.lacking else {})


def _mark(taken: Sequence[Taken], source: str) -> None:
    MovedDeposit.objects.bulk_create(
        [
            MovedDeposit(
                deposit_id=each.old.id,
                source=source,
                fingerprint=each.old.fingerprint,
                revision=each.converted.deposit.revision,
                lacking=each.lacking,
                swhid=each.old.swhid or "",
            )
            for each in taken
        ],
        update_conflicts=True,
        unique_fields=["deposit"],
        update_fields=["source", "fingerprint", "revision", "lacking", "swhid"],
    )


def _ask_for_work(taken: Iterable[Taken]) -> None:
    """The half-done are taken up where they were left."""
    for each in taken:
        deposit = each.converted.deposit
        status = Status(deposit.status)
        work = Work.LOAD if status is Status.LOADING else WAITING.get(status)
        if work is not None:
            items.ask(work, deposit.pk, deposit_id=deposit.pk, share=deposit.client_id, heavy=None)


def put_back(deposit_id: int, *, reason: str) -> None:
    """A deposit that was done there and cannot be loaded here is done all the same, and recorded only."""
    with transaction.atomic():
        deposit = Deposit.objects.select_for_update().get(pk=deposit_id)
        if deposit.status != Status.FAILED:
            return
        deposit.status, deposit.revision = Status.DONE, deposit.revision + 1
        lifecycle.take_over(deposit, source=Status.FAILED, actor=ACTOR, reason=reason)
        Finding.objects.filter(deposit=deposit_id, area="loading").delete()
        MovedDeposit.objects.filter(pk=deposit_id).update(revision=deposit.revision)


def _plain(error: IntegrityError) -> str:
    return f"The database refuses it: {str(error).splitlines()[0]}"
