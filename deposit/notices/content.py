"""What a notice says: the JSON body of an event, the same for every receiver. Nothing secret, no raw faults.

``docs/reference/webhook-body.schema.json`` describes it. It is made once, when the event is told, and never changes.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from deposit.lifecycle import notice_of
from deposit.models import Delivery, Deposit, Event, Finding, Identifier, NoticeType, is_withdrawn
from deposit.notices.outbox import Line

# More findings than that are on the deposit's page.
_MOST_FINDINGS = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """One event as it is told. ``at``: when it happened."""

    event_id: int
    type: NoticeType
    deposit: Deposit
    at: datetime
    body: Mapping[str, Any]


def link(path: str) -> str:
    """A page of this service for people, or "" where the service does not know its own address."""
    return f"{settings.PUBLIC_URL.rstrip('/')}{path}" if settings.PUBLIC_URL else ""


def body_of(kind: NoticeType, at: datetime, data: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a message: type, time and data (Standard Webhooks, "payload structure")."""
    return {
        "type": kind.value,
        "timestamp": at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "data": dict(data),
    }


def tell(lines: Sequence[Line]) -> list[Told]:
    """What is told of these lines; a few queries for all of them. What is gone, or withdrawn, is told no more."""
    ids = {line.deposit_id for line in lines}
    deposits = Deposit.objects.select_related("collection", "client__user", "withdrawal").in_bulk(ids)
    findings = _by_deposit(Finding.objects.filter(deposit__in=ids).order_by("id"))
    identifiers = _by_deposit(Identifier.objects.filter(deposit__in=ids).order_by("id"))
    asked = {line.detail.get("delivery") for line in lines if line.detail.get("delivery")}
    deliveries = Delivery.objects.in_bulk(asked)
    found = []
    for line in lines:
        kind, deposit = notice_of(line.name), deposits.get(line.deposit_id)
        if kind is None or deposit is None or _is_hidden(deposit, kind):
            continue
        data = {"deposit": _deposit(deposit, line, identifiers[deposit.pk]), "event": _event(line)}
        data |= _particulars(kind, line, findings[deposit.pk], deliveries)
        found.append(
            Told(event_id=line.id, type=kind, deposit=deposit, at=line.at, body=body_of(kind, line.at, data))
        )
    return found


def _is_hidden(deposit: Deposit, kind: NoticeType) -> bool:
    """Of what is withdrawn, only that it was is told."""
    return is_withdrawn(deposit) and kind is not NoticeType.WITHDRAWN


def line_of(event: Event) -> Line:
    """A line of the history as the outbox reads it."""
    return Line(
        id=event.pk,
        deposit_id=event.deposit_id,
        name=event.name,
        from_status=event.from_status,
        to_status=event.to_status,
        at=event.at,
        detail=event.detail,
        xact=event.xact or 0,
    )


def _by_deposit(rows: Iterable[Any]) -> "defaultdict[int, list[Any]]":
    found: defaultdict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.deposit_id].append(row)
    return found


def _deposit(deposit: Deposit, line: Line, identifiers: Sequence[Identifier]) -> dict[str, Any]:
    return {
        "id": deposit.pk,
        "collection": deposit.collection.name,
        "client": deposit.client.user.get_username(),
        "status": line.to_status,
        "external_id": deposit.external_id,
        "title": deposit.title,
        "origin_url": deposit.origin_url,
        "swhid": deposit.swhid,
        "identifiers": [{"scheme": one.scheme, "value": one.value} for one in identifiers],
        "url": link(f"/deposits/{deposit.pk}/"),
    }


def _event(line: Line) -> dict[str, Any]:
    return {"id": line.id, "name": line.name, "from": line.from_status, "to": line.to_status}


def _particulars(
    kind: NoticeType, line: Line, findings: Sequence[Finding], deliveries: Mapping[int, Delivery]
) -> dict[str, Any]:
    """What only notices of one type have."""
    if kind in (NoticeType.REJECTED, NoticeType.HELD):
        return {"findings": [_finding(one) for one in findings[:_MOST_FINDINGS]]}
    if kind is NoticeType.FAILED:
        # The line itself has the raw fault of a worker, for operators.
        return {"reason": " ".join(one.message for one in findings if one.area == "loading")[:2000]}
    if kind is NoticeType.EXPIRING:
        return {"expires_at": line.detail.get("expires")}
    if kind is NoticeType.WITHDRAWN:
        return {"reason": str(line.detail.get("reason", ""))[:2000]}
    if kind is NoticeType.ASKING:
        return {"delivery": _delivery(line, deliveries.get(line.detail.get("delivery", 0)))}
    return {}


def _finding(finding: Finding) -> dict[str, str]:
    return {
        "code": finding.code,
        "severity": finding.severity,
        "subject": finding.subject,
        "message": finding.message,
    }


def _delivery(line: Line, delivery: Delivery | None) -> dict[str, Any]:
    return {
        "id": line.detail.get("delivery"),
        "destination": delivery.destination if delivery else "",
        "question": line.detail.get("question", ""),
        "options": line.detail.get("options", {}),
        "url": link(f"/deliveries/{line.detail.get('delivery')}/"),
    }
