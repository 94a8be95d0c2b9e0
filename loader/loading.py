"""Loading one verified deposit: claim it, take it to its destination, record where it ended."""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass

from django.db import transaction

from archive.errors import ArchiveError, Unreadable
from deposit import lifecycle
from deposit.findings import Area, Severity
from deposit.lifecycle import Claim, LeaseLost, Work
from deposit.models import Deposit, Finding
from deposit.queue.leases import Lease, kept
from packages import PackageError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Identifiers:
    """What a loaded deposit is known by; the fields of the same names in `Deposit`."""

    swhid: str
    swhid_context: str
    release_swhid: str
    snapshot_swhid: str


# Called by a destination inside the transaction that makes the load visible: the deposit is done with it or not at all.
Finish = Callable[[Identifiers], None]


# Takes a deposit where it belongs, and calls ``finish`` once, last, in its final transaction.
Destination = Callable[[Deposit, Lease, Finish], None]


def load(deposit_id: int, *, worker: str, destination: Destination) -> None:
    """Load a deposit if it waits for that; twice, late or in vain does no harm.

    A package or an archive that says no for good fails the deposit; any other fault leaves it to the next attempt.
    """
    claim = lifecycle.claim(Work.LOAD, deposit_id, worker=worker)
    if claim is None:
        return
    try:
        with kept(claim) as lease:
            deposit = Deposit.objects.select_related("client__user", "collection").get(pk=deposit_id)
            try:
                destination(deposit, lease, _finish(claim, worker))
            except Unreadable:
                raise  # for now, not for good
            except (PackageError, ArchiveError) as error:
                fail(claim, str(error), worker=worker)
    except LeaseLost:
        logger.warning("deposit=%s load dropped: another worker has it", deposit_id)


def _finish(claim: Claim, worker: str) -> Finish:
    def finish(identifiers: Identifiers) -> None:
        lifecycle.fire(
            "finish",
            claim.deposit_id,
            actor=worker,
            token=claim.token,
            detail={"swhid": identifiers.swhid},
            changes=asdict(identifiers),
        )
        Finding.objects.filter(deposit_id=claim.deposit_id, area=Area.LOADING).delete()
        logger.info("deposit=%s event=finish swhid=%s", claim.deposit_id, identifiers.swhid)

    return finish


def fail(claim: Claim, reason: str, *, worker: str) -> None:
    """Record that the deposit cannot be loaded, and why; an operator may reschedule it."""
    logger.error("deposit=%s event=fail reason=%s", claim.deposit_id, reason)
    with transaction.atomic():
        lifecycle.fire("fail", claim.deposit_id, actor=worker, token=claim.token, detail={"reason": reason})
        Finding.objects.create(
            deposit_id=claim.deposit_id,
            area=Area.LOADING,
            code="loading.failed",
            severity=Severity.ERROR,
            message=reason,
        )
