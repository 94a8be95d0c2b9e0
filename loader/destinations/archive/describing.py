"""Archiving a metadata document that came without a package: on something archived, or new on a done deposit."""

import logging

from django.db import transaction

from archive.ingest import Ingest
from deposit.models import Part
from deposit.queue import items
from deposit.queue.claims import Claim, LeaseLost
from deposit.queue.leases import Lease, kept
from deposit.services.work import DESCRIBE, DESCRIBE_ELSEWHERE
from loader.destinations.archive.extrinsic import documents_alone

logger = logging.getLogger(__name__)


def describe(part_id: int, *, worker: str) -> None:
    """Archive the document of a part if that waits to be done; twice, late or in vain does no harm.

    The pack is durable before one transaction makes the document visible and ends the work.
    """
    claim = items.claim(DESCRIBE.name, part_id, worker=worker)
    if claim is None:
        return
    try:
        with kept(claim) as lease:
            _archive(part_id, claim, lease)
    except LeaseLost:
        logger.warning("part=%s description dropped: another worker has it", part_id)


def _archive(part_id: int, claim: Claim, lease: Lease) -> None:
    part = Part.objects.select_related("deposit__client", "deposit__collection").filter(pk=part_id).first()
    with Ingest() as ingest:
        if part is not None:  # else it was removed meanwhile, and nobody wants it any more
            for each in documents_alone(part):
                ingest.add_metadata(each)
            ingest.seal()
        lease.check()
        with transaction.atomic():
            if part is not None:
                ingest.publish()
                _ask_elsewhere(part)
            items.finish(claim)


def _ask_elsewhere(part: Part) -> None:
    """What was archived goes on to the collection's other destinations; none of them keeps another waiting."""
    deposit = part.deposit
    for name in dict.fromkeys(deposit.collection.destinations):
        if name != "archive":
            key = f"{part.pk}:{name}"
            items.ask(DESCRIBE_ELSEWHERE.name, key, deposit_id=deposit.pk, share=deposit.client_id)
