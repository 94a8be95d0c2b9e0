"""Looking what a delivery has left at its destination, when an operator asks: only workers have the keys."""

import logging
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from deposit.actors import Channel, system_actor
from deposit.lifecycle import TransitionRefused
from deposit.models import Activity, ActivityState, Delivery
from deposit.queue import items
from deposit.queue.claims import LeaseLost
from deposit.queue.leases import kept
from deposit.services import deliveries
from deposit.services.work import INSPECT
from loader.workflow import destination_named

logger = logging.getLogger(__name__)


def inspect(delivery_id: int, *, worker: str) -> None:
    """Inspect a delivery if that waits to be done, and record what was found among its activities.

    Where it was asked for, and what was found fulfils the delivery, the delivery is retried and ends with that.
    """
    claim = items.claim(INSPECT.name, delivery_id, worker=worker)
    if claim is None:
        return
    try:
        with kept(claim):
            delivery = Delivery.objects.select_related("deposit__collection").get(pk=delivery_id)
            found = _found(delivery)
            with transaction.atomic():
                _record(delivery, found)
                items.finish(claim)
    except LeaseLost:
        logger.warning("delivery=%s inspection dropped: another worker has it", delivery_id)
        return
    if claim.arguments.get("apply") and found.get("complete"):
        _apply(delivery)


def _found(delivery: Delivery) -> Mapping[str, Any]:
    run = destination_named(delivery.destination).inspect
    if run is None:
        return {
            "stored": "unknown",
            "complete": False,
            "message": f"Destination {delivery.destination} cannot be inspected.",
        }
    return run(delivery)


def _record(delivery: Delivery, found: Mapping[str, Any]) -> None:
    now = timezone.now()
    Activity.objects.update_or_create(
        delivery=delivery,
        name=deliveries.RECONCILIATION,
        defaults={
            "state": ActivityState.DONE,
            "started_at": now,
            "ended_at": now,
            "result": {**found, "at": now.isoformat()},
        },
    )


def _apply(delivery: Delivery) -> None:
    try:
        deliveries.retry(delivery_id=delivery.pk, actor=system_actor(Channel.SCHEDULER), mode="reconcile")
    except TransitionRefused as refusal:
        logger.info("delivery=%s reconciled, and not retried: %s", delivery.pk, refusal)
