"""Archiving a metadata document that came without a package: on something archived, or new on a done deposit."""

import logging

from django.db import transaction

from archive.identifiers import SWHID, ObjectType, origin_id
from archive.ingest import Ingest
from deposit.metadata.entry import read_entry
from deposit.metadata.reference import OriginReference
from deposit.models import DepositType, Part
from deposit.queue import items
from deposit.queue.claims import Claim, LeaseLost
from deposit.queue.leases import Lease, kept
from deposit.services.work import DESCRIBE
from loader.destinations.archive import extrinsic

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
            _add(ingest, part)
            ingest.seal()
        lease.check()
        with transaction.atomic():
            if part is not None:
                ingest.publish()
            items.finish(claim)


def _add(ingest: Ingest, part: Part) -> None:
    deposit = part.deposit
    entry = read_entry(bytes(part.document or b""))
    reference = entry.reference if deposit.type == DepositType.META else None
    if isinstance(reference, OriginReference):
        target, context = SWHID(ObjectType.ORIGIN, origin_id(reference.url)), {}
    elif reference is not None:
        target, context = reference.swhid.core, extrinsic.context_of(reference.swhid)
    else:
        assert deposit.swhid is not None
        target = SWHID.parse(deposit.swhid)
        context = {"origin": deposit.origin_url} if deposit.origin_url else {}
    extrinsic.add_document(
        ingest,
        entry=entry,
        target=target,
        context=context,
        client=deposit.client,
        collection=deposit.collection.name,
        deposit_id=deposit.pk,
        document_format=extrinsic.ALONE,
        discovery_date=part.created_at,
    )
