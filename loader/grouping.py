"""Loading small deposits that wait together as one piece of work.

A worker that has claimed a small deposit takes along others whose messages are out already, so the turns of clients
stay as the dispatcher dealt them; a deposit that waits alone is loaded alone, at once. The group ends as a whole or not
at all: when anything goes wrong with it, nothing of it was archived, and each of its deposits is loaded by itself
from then on (it has an attempt behind it, and only first attempts are grouped). So one that kills its worker takes
others along once at most.
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from django.conf import settings
from django.db import Error, connection
from django.utils import timezone

from deposit.models import Activity, Delivery, Deposit
from deposit.queue import items
from deposit.queue.claims import Claim, LeaseLost
from deposit.queue.leases import Lease, kept_together
from loader import records
from loader.destinations.archive import DESTINATION
from loader.destinations.archive.together import alone_on_origins, archive_together

logger = logging.getLogger(__name__)

# More bytes than this in its packages, and a deposit is loaded by itself.
SMALL_BYTES = 1024 * 1024
# Fit for a group: small, to the archive alone, never delivered before. Its messages are out: their number is bounded.
_FIT = """
    item.kind = 'load' AND NOT item.heavy AND collection.destinations = ARRAY[%(archive)s]::varchar[]
    AND deposit.release_swhid IS NULL AND deposit.origin_url IS NOT NULL
    AND NOT EXISTS (SELECT FROM deposit_delivery WHERE deposit_id = deposit.id)
    AND (SELECT sum(size) FROM deposit_part WHERE deposit_id = deposit.id AND kind = 'package') <= %(small)s
"""
_DEPOSITS = """
    deposit_workitem item JOIN deposit_deposit deposit ON deposit.id = item.deposit_id
    JOIN deposit_collection collection ON collection.id = deposit.collection_id
"""
# Of each origin the oldest that waits; those first whose messages went out first.
_COMPANIONS = f"""
WITH first AS (
    SELECT deposit.origin_url FROM {_DEPOSITS} WHERE item.id = %(id)s AND {_FIT}
), waiting AS (
    SELECT DISTINCT ON (deposit.origin_url) item.id, item.sent_at
    FROM {_DEPOSITS} JOIN first ON deposit.origin_url <> first.origin_url
    WHERE item.sent_at IS NOT NULL AND item.lease_expires_at IS NULL AND item.attempts = 0
        AND item.due_at <= statement_timestamp() AND deposit.status = 'verified' AND {_FIT}
    ORDER BY deposit.origin_url, deposit.id
)
SELECT id FROM waiting ORDER BY sent_at, id LIMIT %(most)s
"""  # noqa: S608 - constants


def companions_of(claim: Claim) -> list[Claim]:
    """Further deposits to load together with a claimed one; none where it is not fit for that, or nothing waits."""
    if settings.LOAD_TOGETHER < 2 or claim.attempt > 1 or claim.heavy:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            _COMPANIONS,
            {
                "id": claim.id,
                "archive": DESTINATION.name,
                "small": SMALL_BYTES,
                "most": settings.LOAD_TOGETHER - 1,
            },
        )
        ids = [number for (number,) in cursor.fetchall()]
    return items.claim_more(claim, ids) if ids else []


def load_together(claim: Claim, companions: Sequence[Claim]) -> bool:
    """Load all of them; False when the first is still to be loaded, by itself."""
    try:
        with kept_together(claim, companions) as lease:
            _load(claim, companions, lease)
    except LeaseLost as lost:
        logger.warning("%s and %s more dropped: %s", claim, len(companions), lost)
        _let_go([claim, *companions])
        return True
    except Exception as error:  # noqa: BLE001 (whatever it is: alone it shows whose it is)
        logger.warning("%s and %s more go alone: %s", claim, len(companions), str(error).strip() or error)
        _let_go(companions)
        return False
    return True


def _let_go(claims: Sequence[Claim]) -> None:
    # Without a database the leases pass by themselves.
    with suppress(Error):
        items.let_go(claims)


def _load(claim: Claim, companions: Sequence[Claim], lease: Lease) -> None:
    claims = {one.deposit_id: one for one in (claim, *companions)}
    begun = timezone.now()
    found = Deposit.objects.select_related("client__user", "collection").in_bulk(list(claims))
    deposits = [found[number] for number in claims]
    with alone_on_origins([str(deposit.origin_url) for deposit in deposits]) as held:
        free = [deposit for deposit in deposits if deposit.origin_url in held]
        archive_together(
            free, lease, lambda deposit, result: _finish(deposit, claims[deposit.pk], result, begun)
        )
    busy = [claims[deposit.pk] for deposit in deposits if deposit.origin_url not in held]
    if busy:
        _let_go(busy)


def _finish(deposit: Deposit, claim: Claim, result: Mapping[str, str], begun: datetime) -> None:
    """As the workflow records a delivery of one step."""
    delivery = Delivery(deposit=deposit, destination=DESTINATION.name, started_at=begun)
    activity = Activity(name=DESTINATION.steps[0].name, started_at=begun, result=dict(result))
    records.finish_deposit(deposit, claim, results=result)
    records.step_done(delivery, activity, ends=True)
