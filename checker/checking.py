"""Checking one deposit: is it whole, and acceptable? Findings come out; the lifecycle decides with them.

The checks themselves run outside any transaction; the verdict is one transaction that the lease's token guards.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction

from archive.errors import PathConflict
from archive.identifiers import SWHID, ObjectType
from checker.bags import entry_in_bag
from checker.describing import completed
from checker.packages import check_digest, check_package
from checker.profile_findings import Told, profile_of, testing_collection
from client.description.files import Description
from deposit import findings as vocabulary
from deposit import lifecycle
from deposit.erasure.refusing import erased_finding, erased_objects
from deposit.findings import Area, Severity
from deposit.group_events import fire_together
from deposit.intake.limits import reading_of
from deposit.intake.listing import Listing
from deposit.lifecycle import Work
from deposit.metadata.checks import check_entry
from deposit.metadata.entry import Entry
from deposit.metadata.errors import MetadataError
from deposit.metadata.found import Found
from deposit.metadata.minimal import entry_for
from deposit.metadata.package_files import WANTED, described_by
from deposit.metadata.places import Places
from deposit.models import Deposit, EventName, Finding, Part, PartKind
from deposit.queue import items
from deposit.queue.claims import Claim, LeaseLost
from deposit.queue.leases import Lease, kept
from deposit.refusals import Refusal
from deposit.services import confirmation
from deposit.services.deposits import describe
from deposit.services.versions import identify
from packages import Limits
from packages.sandbox import Whole

logger = logging.getLogger(__name__)


def check(deposit_id: int, *, worker: str) -> None:
    """Check a deposit if it waits for that; twice, late or in vain does no harm."""
    claim = items.claim(Work.CHECK, deposit_id, worker=worker)
    if claim is None:
        return
    try:
        with kept(claim) as lease:
            told = Told()
            deposit = Deposit.objects.get(pk=deposit_id)
            examined = examine(deposit, lease, told)
            lease.check()
            conclude(claim, examined, worker=worker, deposit=deposit, told=told)
    except LeaseLost:
        logger.warning("deposit=%s check dropped: another worker has it", deposit_id)


@dataclass(frozen=True, slots=True)
class Examined:
    """What the checks found, and the SWHID of the directory that the packages make, unless they are rejected."""

    findings: list[vocabulary.Finding]
    directory_swhid: str | None

    @property
    def is_rejected(self) -> bool:
        """Whether any finding is an error."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)


def examine(
    deposit: Deposit,
    lease: Lease,
    told: Told | None = None,
    *,
    claim: Claim | None = None,
    parts: Sequence[Part] | None = None,
    whole: Whole | None = None,
) -> Examined:
    """Everything that is wrong with the metadata and the packages of a deposit. Raises `LeaseLost`.

    What its packages say of themselves, by its profile, is noted in ``told``. ``claim``: that of the deposit, where the
    lease keeps others, too. ``parts``: all of the deposit, the oldest first, where they were read before. ``whole``:
    its only package, where that was read with others.
    """
    told = told or Told()
    claim = claim or lease.claim
    asked = profile_of(deposit)
    if parts is None:
        parts = list(Part.objects.filter(deposit=deposit).order_by("id"))
    documents = [part for part in parts if part.kind == PartKind.METADATA]
    packages = [part for part in parts if part.kind == PartKind.PACKAGE]
    limits = reading_of(deposit)
    wrong: list[vocabulary.Finding] = []
    if not packages:
        wrong.append(_missing(Area.ARCHIVE, "package.missing", "Deposit without archive is rejected"))
    # What a profile asks for is told by its own documents.
    with Listing(wanted=() if asked else WANTED, among=erased_objects()) as listing:
        for part in packages:
            # What is not what was announced is not looked into.
            wrong += check_digest(part, lease) or check_package(
                part, lease, limits, listing, asked, told, whole=whole
            )
        rejected = any(finding.severity is Severity.ERROR for finding in wrong)
        directory = None if rejected else _directory(listing, wrong)
        if listing.refused:
            wrong.append(erased_finding(listing.refused))
            directory = None
        description = described_by({} if directory is None else listing.contents, listing.tops)
    sent = [bytes(part.document or b"") for part in documents]
    if sent or directory is not None:
        brought = None if sent else _brought_along(deposit, packages, limits, lease, told, claim)
        if isinstance(brought, vocabulary.Finding):
            wrong = [brought, *wrong]
        else:
            sent += [brought.document] if brought else []
            wrong = [*_metadata(sent, description, claim), *wrong]
    return Examined(wrong, directory)


def _metadata(sent: list[bytes], description: Description, claim: Claim) -> list[vocabulary.Finding]:
    """Complete the metadata with what the packages say about themselves, and judge them."""
    try:
        outcome = completed(sent, description)
        if outcome.is_new and outcome.entry:
            describe(claim=claim, entry=outcome.entry)
    except MetadataError:
        return check_entry(sent[-1])
    except Refusal as refusal:
        # Too large with it for the collection: it stays what was sent.
        note = Found.of("metadata.package_note", "", note=refusal.summary.rstrip(".")).finding(Places())
        return [*check_entry(sent[-1]), note] if sent else [note, _missing_metadata()]
    if outcome.entry is None:
        return [*outcome.findings, _missing_metadata()]
    return [*check_entry(outcome.entry.document), *outcome.findings]


def _directory(listing: Listing, wrong: list[vocabulary.Finding]) -> str | None:
    """The directory that the packages make; a finding more in ``wrong`` when they make none."""
    try:
        return str(SWHID(ObjectType.DIRECTORY, listing.root()))
    except PathConflict as error:
        wrong.append(_missing(Area.ARCHIVE, "package.conflict", f"The packages do not fit together: {error}"))
        return None


def _brought_along(
    deposit: Deposit, packages: list[Part], limits: Limits, lease: Lease, told: Told, claim: Claim
) -> Entry | vocabulary.Finding | None:
    """The metadata that a package brings for a deposit that has no other, or what is wrong with them; None without."""
    try:
        entry = next(filter(None, (entry_in_bag(part, limits, lease) for part in packages)), None)
        if entry is None and told.identifier:
            entry = entry_for(
                title=told.title or told.identifier,
                author=deposit.collection.title or str(deposit.client),
                provenance=deposit.client.provider_url,
            )
        if entry is not None:
            describe(claim=claim, entry=entry)
    except Refusal as refusal:
        return _missing(Area.METADATA, refusal.code, f"{refusal.summary} {refusal.hint}".strip())
    return entry


def _missing_metadata() -> vocabulary.Finding:
    return _missing(Area.METADATA, "metadata.missing", "Missing Atom document")


def _missing(area: Area, code: str, text: str) -> vocabulary.Finding:
    return vocabulary.Finding(code=code, area=area, subject="", message=text)


def conclude(
    claim: Claim,
    examined: Examined,
    *,
    worker: str,
    deposit: Deposit | None = None,
    told: Told | None = None,
) -> None:
    """Write the findings, the verdict and what the package is, in one transaction. Raises `LeaseLost`."""
    found, rejected = examined.findings, examined.is_rejected
    event = EventName.REJECT if rejected else EventName.VERIFY
    changes: dict[str, str | None] = {} if rejected else {"directory_swhid": examined.directory_swhid}
    if not rejected and deposit is not None and confirmation.must_wait(deposit, found):
        event = EventName.HOLD
        changes["held_packages"] = confirmation.fingerprint(deposit)
        found = [confirmation.question(found), *found]
    with transaction.atomic():
        detail = {"findings": len(found)}
        if event == EventName.HOLD:
            lifecycle.fire_within(
                event, claim.deposit_id, actor=worker, token=claim.token, detail=detail, changes=changes
            )
        else:
            fire_together(event, [claim], details=[detail], changes=[changes])
        if not rejected:
            Part.objects.filter(deposit_id=claim.deposit_id, digest_pending=True).update(digest_pending=False)
            if deposit is not None and event != EventName.HOLD:
                _identify(deposit, told or Told())
        replace_findings({claim.deposit_id: found})
    logger.info("deposit=%s event=%s findings=%s", claim.deposit_id, event, len(found))


def replace_findings(found: Mapping[int, Sequence[vocabulary.Finding]]) -> None:
    """Write what was found on deposits, by their numbers, in the place of what was found before."""
    Finding.objects.filter(deposit_id__in=list(found)).delete()
    Finding.objects.bulk_create(
        Finding(
            deposit_id=deposit_id,
            area=finding.area,
            code=finding.code,
            severity=finding.severity,
            subject=finding.subject,
            message=finding.message,
        )
        for deposit_id, findings in found.items()
        for finding in findings
    )


def _identify(deposit: Deposit, told: Told) -> None:
    """Let an accepted deposit be known by what its package says, or by what its client called it."""
    if not told.identifier and not deposit.external_id:
        return
    asked = profile_of(deposit)
    elsewhere = testing_collection(asked, told.identifier) if asked and told.identifier else ""
    identify(deposit, identifier=told.identifier, collection=elsewhere)
