"""Cleaning up after a delivery that has ended, as work of its own: tried until it is done."""

import logging

from django.db import transaction

from deposit.models import Delivery
from deposit.queue import items
from deposit.queue.claims import LeaseLost
from deposit.queue.leases import kept
from deposit.services.work import CLEANUP
from loader.steps import Again, Context, Done, Outcome
from loader.workflow import destination_named

logger = logging.getLogger(__name__)


def clean_up(delivery_id: int, *, worker: str) -> None:
    """Clean up after a delivery if that waits to be done; twice, late or in vain does no harm."""
    claim = items.claim(CLEANUP.name, delivery_id, worker=worker)
    if claim is None:
        return
    try:
        with kept(claim) as lease:
            delivery = Delivery.objects.select_related("deposit__collection", "deposit__client__user").get(
                pk=delivery_id
            )
            steps = delivery.activities.exclude(result={}).values_list("name", "result")
            context = Context(
                deposit=delivery.deposit,
                delivery=delivery,
                lease=lease,
                results=dict(steps),
                record_done=_no_step,
            )
            run = destination_named(delivery.destination).clean_up
            outcome: Outcome = run(context) if run else Done()
            with transaction.atomic():
                if isinstance(outcome, Again):
                    items.again(claim, after_seconds=outcome.after_seconds)
                else:
                    items.finish(claim)
    except LeaseLost:
        logger.warning("delivery=%s cleanup dropped: another worker has it", delivery_id)


def _no_step(outcome: Done) -> None:
    raise TypeError("A cleanup is no step: it answers Done or Again.")
