"""Receipts: whoever asked for the preservation is told by a file or a webhook, as the last activity of a delivery.

A collection says where its receipts go (`deposit.models.ReceiptTarget`). The delivery is over when the receipt is sent;
where that fails again and again a person decides, and what was delivered stays delivered in any case.
"""

from collections.abc import Container, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from deposit.lifecycle import IDENTIFIERS
from deposit.models import Delivery, Identifier, ReceiptTarget
from deposit.notices import receipts
from deposit.notices.receipts import NotSent
from deposit.queue.policies import REQUEST
from loader.destinations.export.places import place_of
from loader.steps import Ask, Context, Destination, Done, Outcome, Step, Transient

# How often it is tried before a person is asked; and while nobody answers, how far apart. In seconds.
ATTEMPTS = 5
LATER_SECONDS = 3600.0
RETRY, WITHOUT, ABANDON = "retry", "without_receipt", "abandon"
_OPTIONS = {
    RETRY: "Send the receipt again.",
    WITHOUT: "End the delivery without the receipt.",
    ABANDON: "Give the delivery up. What was delivered stays where it is.",
}
NAME = "send the receipt"


def with_receipts(destination: Destination, delivery: Delivery, begun: Container[str]) -> Destination:
    """The destination with one more step, if anybody wants a receipt of it, or did when the step was begun."""
    if NAME not in begun and not targets_of(delivery.deposit.collection_id, delivery.destination):
        return destination
    return replace(
        destination, steps=(*destination.steps, Step(name=NAME, run=send_receipts, policy=REQUEST))
    )


def targets_of(collection_id: int, destination: str) -> list[ReceiptTarget]:
    """Where receipts of a collection's deliveries to a destination go."""
    wanted = ReceiptTarget.objects.filter(
        collection=collection_id, enabled=True, destination__in=["", destination]
    )
    return list(wanted.order_by("id"))


def send_receipts(context: Context) -> Outcome:
    """Send each receipt that was not sent yet; the same one again replaces itself, or has the same id."""
    sent: dict[str, str] = dict(context.memory.get("receipts", {}))
    if context.answer == WITHOUT:
        return Done(result={"receipts": sent, "note": "the rest was left out by a person's decision"})
    if context.answer == RETRY and context.memory.get("receipt_asked"):
        # The answer stays with the delivery; it is heeded once.
        context.save(receipt_attempts=0, receipt_asked=False)
    for target in targets_of(context.deposit.collection_id, context.delivery.destination):
        if str(target.pk) in sent:
            continue
        context.lease.check()
        try:
            sent[str(target.pk)] = _send(target, context)
        except (NotSent, Transient, OSError) as error:
            return _not_sent(context, target, error)
        context.save(receipts=sent)
    return Done(result={"receipts": list(sent.values())})


def _not_sent(context: Context, target: ReceiptTarget, error: Exception) -> Outcome:
    failed = int(context.memory.get("receipt_attempts", 0)) + 1
    context.save(receipt_attempts=failed)
    fault = getattr(error, "fault", "") or f"{type(error).__name__}: {error}"
    if failed < ATTEMPTS:
        raise Transient(
            "The receipt could not be sent; it is tried again.",
            fault=fault,
            counts=False,
            after_seconds=min(300.0, 5.0 * 4.0 ** (failed - 1)),
        ) from error
    context.save(receipt_asked=True)
    return Ask(
        question=f"All is delivered, and the receipt cannot be sent to {target.shown}.",
        options=_OPTIONS,
        after_seconds=LATER_SECONDS,
    )


def _send(target: ReceiptTarget, context: Context) -> str:
    """Where it went, in a few words. Raises `NotSent`, `Transient`, `OSError`."""
    values = _values(context)
    if target.kind == "webhook":
        return receipts.post(target, values, message_id=f"receipt_{target.pk}_{context.delivery.pk}")
    name, data = receipts.file_of(target, values)
    place = place_of(target.place)
    place.write(name, len(data), iter([data]))
    return place.address(name)


def _values(context: Context) -> Mapping[str, Any]:
    """What a template may name."""
    deposit, delivery = context.deposit, context.delivery
    results = {key: value for each in context.results.values() for key, value in each.items()}
    # What this delivery has given the deposit becomes rows when the deposit is done.
    given = {(scheme, results[column]) for column, scheme in IDENTIFIERS.items() if results.get(column)}
    rows = Identifier.objects.filter(deposit=deposit).values_list("scheme", "value")
    return {
        "deposit": deposit.pk,
        "delivery": delivery.pk,
        "destination": delivery.destination,
        "collection": deposit.collection.name,
        "client": deposit.client.user.get_username(),
        "external_id": deposit.external_id or "",
        "title": deposit.title,
        "swhid": results.get("swhid") or deposit.directory_swhid or "",
        "identifiers": [{"scheme": scheme, "value": value} for scheme, value in sorted({*rows, *given})],
        "delivered_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "service": settings.SERVICE_TITLE,
        "url": receipts.page_of(deposit.pk),
    }
