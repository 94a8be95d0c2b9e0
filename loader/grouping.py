"""Loading small deposits that wait together as one piece of work.

The dispatcher names those that wait together in one message, and a worker that has claimed one deposit takes along
others whose messages are out already: so the turns of clients stay as they were dealt, and a deposit that waits alone
is loaded alone, at once. The group ends as a whole or not
at all: when anything goes wrong with it, nothing of it was archived, and each of its deposits is loaded by itself
from then on (it has an attempt behind it, and only first attempts are grouped). So one that kills its worker takes
others along once at most.
"""

import logging
from collections.abc import Sequence
from contextlib import suppress

from django.conf import settings
from django.db import Error, connection
from django.utils import timezone

from deposit.group_events import start_together
from deposit.lifecycle import Work
from deposit.models import Deposit
from deposit.queue import groups, items
from deposit.queue.claims import Claim, LeaseLost
from deposit.queue.leases import Lease, kept_together
from deposit.queue.messages import SMALL_BYTES
from loader import records
from loader.destinations.archive import DESTINATION
from loader.destinations.archive.together import alone_on_origins, archive_together

logger = logging.getLogger(__name__)

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


# Of those that a message names, and of each origin the oldest.
_FIT_AMONG = f"""
SELECT DISTINCT ON (deposit.origin_url) item.key FROM {_DEPOSITS}
WHERE item.key = ANY(%(keys)s) AND item.attempts = 0 AND deposit.status = 'verified' AND {_FIT}
ORDER BY deposit.origin_url, deposit.id
"""  # noqa: S608 - constants


def claim_named(keys: Sequence[str], *, worker: str) -> list[Claim]:
    """Claim what is fit to be loaded together of what one message names; the rest gets messages of its own."""
    with connection.cursor() as cursor:
        cursor.execute(_FIT_AMONG, {"keys": list(keys), "archive": DESTINATION.name, "small": SMALL_BYTES})
        fit = {key for (key,) in cursor.fetchall()}
    if len(fit) < len(keys):
        groups.pass_over(Work.LOAD, [key for key in keys if key not in fit])
    chosen = [key for key in keys if key in fit]
    if not chosen:
        return []
    return groups.claim_together(
        Work.LOAD, chosen, worker=worker, taken=lambda claims: start_together(Work.LOAD, claims)
    )


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
    return groups.claim_more(claim, ids) if ids else []


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
            free,
            lease,
            lambda results: records.finish_together(
                [(deposit, claims[deposit.pk], result) for deposit, result in results],
                destination=DESTINATION,
                begun=begun,
            ),
        )
    busy = [claims[deposit.pk] for deposit in deposits if deposit.origin_url not in held]
    if busy:
        _let_go(busy)
