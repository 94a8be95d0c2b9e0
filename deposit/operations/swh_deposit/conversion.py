"""A deposit of the other server in the terms of our record. Pure but for what a document says."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from archive.errors import InvalidIdentifier
from archive.identifiers import QualifiedSWHID
from deposit.findings import Area, Severity
from deposit.metadata.entry import read_entry
from deposit.metadata.errors import MetadataError
from deposit.metadata.status_detail import VERBATIM
from deposit.models import TITLE_LENGTH, Deposit, DepositType, Finding, Status
from deposit.operations.swh_deposit.source import OldDeposit, Request

# Of these the other server still does something with, or its clients do.
OPEN = frozenset({Status.PARTIAL, Status.DEPOSITED, Status.VERIFIED, Status.LOADING})
_INCOMPLETE = (Status.PARTIAL, Status.EXPIRED)


class Untakable(Exception):
    """The row cannot be a deposit here; ``str()`` says why."""


@dataclass(kw_only=True, slots=True)
class Converted:
    """A deposit as it would be here. ``remarks``: what is not as it was."""

    deposit: Deposit
    findings: list[Finding] = field(default_factory=list)
    identifiers: list[tuple[str, str]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def convert(old: OldDeposit, requests: Sequence[Request], *, client: int, collection: int) -> Converted:
    """The deposit, its findings and identifiers; ``client`` and ``collection`` are our numbers. Raises `Untakable`."""
    if old.status not in Status.values or old.type not in DepositType.values:
        raise Untakable(
            f"Its status is {old.status!r} and its type {old.type!r}: there is nothing like it here."
        )
    remarks: list[str] = []
    complete = _completion(old, requests, remarks)
    deposit = Deposit(
        pk=old.id,
        client_id=client,
        collection_id=collection,
        type=old.type,
        status=old.status,
        reception_date=old.reception_date,
        complete_date=complete,
        external_id=old.external_id,
        origin_url=old.origin_url,
        software_version=old.software_version or None,
        release_notes=old.release_notes or None,
        swhid=old.swhid or None,
        swhid_context=old.swhid_context or None,
        title=_title(requests),
        package_name=_package_name(requests),
        # What passed the checks there may be loaded without passing them again.
        verified_date=complete if old.status in ("verified", "loading", "done", "failed") else None,
        revision=1,
    )
    _require_identifiers(deposit, remarks)
    return Converted(
        deposit=deposit,
        findings=list(findings_of(old)),
        identifiers=_identifiers(deposit),
        remarks=remarks,
    )


def _completion(old: OldDeposit, requests: Sequence[Request], remarks: list[str]) -> datetime | None:
    if old.status in _INCOMPLETE:
        if old.complete_date is not None:
            remarks.append(f"It is {old.status} and had a date of completion, {old.complete_date}: left out.")
        return None
    if old.complete_date is not None:
        return old.complete_date
    remarks.append(f"It is {old.status} and has no date of completion: that of its last request was taken.")
    return requests[-1].date if requests else old.reception_date


def _require_identifiers(deposit: Deposit, remarks: list[str]) -> None:
    """What is done is known by something. Raises `Untakable`."""
    if deposit.status != Status.DONE or deposit.type != DepositType.CODE:
        return
    if deposit.swhid is None or deposit.origin_url is None:
        raise Untakable("It is done and has no SWHID or no origin there: nobody can say what it became.")
    if deposit.swhid_context is None:
        deposit.swhid_context = f"{deposit.swhid};origin={deposit.origin_url};path=/"
        remarks.append(
            "It is done and has no qualified SWHID there: one was made of its SWHID and its origin."
        )


def _identifiers(deposit: Deposit) -> list[tuple[str, str]]:
    """(scheme, value); the columns of release and snapshot say that our archive has them, so they stay empty."""
    if deposit.type != DepositType.CODE or not deposit.swhid:
        return []
    found = [("swhid-directory", deposit.swhid)]
    try:
        context = QualifiedSWHID.parse(deposit.swhid_context or deposit.swhid)
    except InvalidIdentifier:
        return found
    found += [("swhid-release", str(context.anchor))] if context.anchor else []
    found += [("swhid-snapshot", str(context.visit))] if context.visit else []
    return found


def _title(requests: Sequence[Request]) -> str:
    """Of the newest document, which alone counts."""
    documents = [request.raw_metadata for request in requests if request.raw_metadata]
    try:
        return (read_entry(documents[-1].encode()).title or "")[:TITLE_LENGTH] if documents else ""
    except MetadataError:
        return ""


def _package_name(requests: Sequence[Request]) -> str:
    names = [request.archive for request in requests if request.archive]
    return names[-1].rpartition("/")[2] if names else ""


def findings_of(old: OldDeposit) -> Iterator[Finding]:
    """``status_detail`` as findings that are shown as it was (``deposit.metadata.status_detail``)."""
    severity = Severity.ERROR if old.status in ("rejected", "failed") else Severity.WARNING
    for area, sentence, fields in _details(old.status_detail):
        for subject in fields or [""]:
            yield Finding(
                deposit_id=old.id,
                area=area,
                code=VERBATIM,
                severity=severity,
                subject=subject,
                message=sentence,
            )


def _details(detail: Any) -> Iterator[tuple[Area, str, list[str]]]:
    """What swh-deposit shows of it; what it would fall over is passed by."""
    if not isinstance(detail, dict):
        return
    for area in Area:
        given = detail.get(area)
        for item in given if isinstance(given, list) else [given]:
            if isinstance(item, dict) and "summary" in item:
                fields = item.get("fields")
                yield area, str(item["summary"]), list(map(str, fields if isinstance(fields, list) else []))
            elif isinstance(item, str) and area is Area.LOADING:
                yield area, item, []
