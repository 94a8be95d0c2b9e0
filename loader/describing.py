"""Taking a metadata document that came without a package to a destination beside the archive, as work of its own."""

import logging

from django.db import transaction

from deposit.models import Part
from deposit.queue import items
from deposit.queue.claims import LeaseLost
from deposit.queue.leases import kept
from deposit.services.work import DESCRIBE_ELSEWHERE
from loader.workflow import destination_named

logger = logging.getLogger(__name__)


def describe_elsewhere(key: str, *, worker: str) -> None:
    """Take a document further if that waits to be done (``<part>:<destination>``); twice, late or in vain does no harm.

    A destination that has no place for such documents ends the work.
    """
    claim = items.claim(DESCRIBE_ELSEWHERE.name, key, worker=worker)
    if claim is None:
        return
    number, _, name = key.partition(":")
    try:
        with kept(claim) as lease:
            part = (
                Part.objects.select_related("deposit__client__user", "deposit__collection")
                .filter(pk=int(number))
                .first()
            )
            describe = destination_named(name).describe
            if part is not None and describe is not None:
                describe(part, lease)
            with transaction.atomic():
                items.finish(claim)
    except LeaseLost:
        logger.warning("work=%s description dropped: another worker has it", key)
