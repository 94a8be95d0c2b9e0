"""Copies of a deposit that the service has given away, and cannot take back."""

import re
from collections.abc import Iterator
from typing import Any

from deposit.models import (
    Activity,
    Delivery,
    DeliveryState,
    Deposit,
    Identifier,
    Notification,
    NotificationState,
    TakenBackup,
)

# Written by `loader.destinations.archive` and removed with the rest.
_OURS = "archive"
_RECEIPTS = "send the receipt"
# The newest so many are named; all are counted.
_BACKUPS = 20


def copies_of(deposit: Deposit) -> list[dict[str, Any]]:
    """Where copies are or may be, JSON: ``kind``, ``place``, ``since``, and ``identifiers`` where there are any."""
    return [*_deliveries(deposit), *_receipts(deposit), *_backups(deposit), *_told(deposit)]


def _deliveries(deposit: Deposit) -> Iterator[dict[str, Any]]:
    """What was begun may have left something, too."""
    begun = Delivery.objects.filter(deposit=deposit, started_at__isnull=False).exclude(destination=_OURS)
    known = Identifier.objects.filter(deposit=deposit).exclude(scheme__startswith="swhid-")
    identifiers = [f"{one.scheme} {_plain(one.value)}" for one in known.order_by("id")]
    for delivery in begun.order_by("id"):
        yield {
            "kind": "destination",
            "place": delivery.destination,
            "since": _day(delivery.ended_at or delivery.started_at),
            "whole": delivery.state == DeliveryState.DONE,
            "identifiers": identifiers,
        }


def _receipts(deposit: Deposit) -> Iterator[dict[str, Any]]:
    steps = Activity.objects.filter(delivery__deposit=deposit, name=_RECEIPTS).order_by("id")
    for step in steps:
        sent = step.result.get("receipts", [])
        for place in sent if isinstance(sent, list) else sent.values():
            yield {"kind": "receipt", "place": _plain(str(place)), "since": _day(step.ended_at)}


def _backups(deposit: Deposit) -> Iterator[dict[str, Any]]:
    """Those that were made since the deposit came."""
    made = TakenBackup.objects.filter(taken_at__gte=deposit.reception_date)
    for one in made[:_BACKUPS]:
        yield {"kind": "backup", "place": one.place, "since": one.instant}
    if (number := made.count()) > _BACKUPS:
        yield {"kind": "backup", "place": f"{number - _BACKUPS} older ones", "since": ""}


def _told(deposit: Deposit) -> Iterator[dict[str, Any]]:
    """Mails and webhooks told its title."""
    sent = Notification.objects.filter(
        deposit=deposit.pk, state__in=[NotificationState.DELIVERED, NotificationState.UNKNOWN]
    )
    if number := sent.count():
        yield {"kind": "notice", "place": f"{number} notices by mail or webhook", "since": ""}


def _plain(address: str) -> str:
    """A place without what may be a key in it, or the name of a file of the depositor's."""
    return re.sub(r"[?#].*", "", address)


def _day(moment: Any) -> str:
    return f"{moment:%Y-%m-%d}" if moment else ""
