"""Claiming several pieces of work as one: under one token, with one lease.

One token, so that whoever takes one of them back from a frozen worker ends the session that has them all. A worker that
dies has made one attempt at each; what was tried before is never claimed so, and goes alone.
"""

from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from deposit.queue import registry
from deposit.queue.claims import Claim
from deposit.queue.items import announce, claim_of, is_taken

# Rows that somebody else looks at are left to their own messages.
_CLAIM_MORE = """
WITH free AS (
    SELECT id FROM deposit_workitem
    WHERE id = ANY(%(ids)s) AND kind = %(kind)s AND attempts = 0 AND due_at <= statement_timestamp()
        AND lease_expires_at IS NULL AND NOT recalled
    ORDER BY id FOR UPDATE SKIP LOCKED
)
UPDATE deposit_workitem item SET
    lease_token = %(token)s, lease_expires_at = statement_timestamp() + make_interval(secs => %(lease)s),
    lease_owner = %(worker)s, attempts = attempts + 1, sent_at = coalesce(sent_at, statement_timestamp())
FROM free WHERE item.id = free.id
RETURNING item.id, lease_token, attempts, deposit_id, share, heavy, arguments, key
"""
# Locked rows are waited for, in one order, as for a single claim.
_CLAIM_TOGETHER = """
WITH token AS MATERIALIZED (
    SELECT nextval('deposit_lease_tokens') AS token
), free AS (
    SELECT id FROM deposit_workitem
    WHERE kind = %(kind)s AND key = ANY(%(keys)s) AND attempts = 0 AND due_at <= statement_timestamp()
        AND lease_expires_at IS NULL AND NOT recalled
    ORDER BY id FOR UPDATE
)
UPDATE deposit_workitem item SET
    lease_token = token.token, lease_expires_at = statement_timestamp() + make_interval(secs => %(lease)s),
    lease_owner = %(worker)s, attempts = attempts + 1, sent_at = coalesce(sent_at, statement_timestamp())
FROM free, token WHERE item.id = free.id
RETURNING item.id, lease_token, attempts, deposit_id, share, heavy, arguments, key
"""
# A new token: the dispatcher, which notes what it has sent, must not take it for being out.
_LEAVE = """
UPDATE deposit_workitem SET sent_at = NULL, sends = 0, lease_token = nextval('deposit_lease_tokens')
WHERE kind = %s AND key = ANY(%s) AND lease_expires_at IS NULL AND attempts = 0
"""


def claim_more(first: Claim, ids: Sequence[int]) -> list[Claim]:
    """Take up further work of the same kind that nobody has begun, to do it together with what was claimed ``first``.

    ``ids`` are rows. What somebody else has, or has tried before, is left out. All claims have one token; a worker that
    dies has made one attempt at each.
    """
    found = registry.get(first.kind)
    parameters: dict[str, Any] = {
        "ids": list(ids),
        "kind": first.kind,
        "token": first.token,
        "lease": settings.LEASE_SECONDS,
        "worker": first.worker[:200] or "worker",
    }
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_CLAIM_MORE, parameters)
            rows = cursor.fetchall()
        claims = [claim_of(found, row, first.worker) for row in sorted(rows)]
        return [held for held in claims if is_taken(found, held)]


def claim_together(
    kind: str, keys: Sequence[str], *, worker: str, taken: Callable[[Sequence[Claim]], set[int]]
) -> list[Claim]:
    """Take up several pieces of work as one, under one token, in the order of ``keys``; what is not open is left out.

    ``taken`` does for all of them what the kind's hook does for one, within the transaction, and returns the ids of
    those that it lets through; the others are asked about one by one. Work that was tried before is left out.
    """
    found = registry.get(kind)
    parameters: dict[str, Any] = {
        "keys": list(keys),
        "kind": found.name,
        "lease": settings.LEASE_SECONDS,
        "worker": worker[:200] or "worker",
    }
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_CLAIM_TOGETHER, parameters)
            rows = cursor.fetchall()
        order = {key: place for place, key in enumerate(keys)}
        claims = sorted((claim_of(found, row, worker) for row in rows), key=lambda one: order[one.key])
        through = taken(claims) if claims else set()
        return [one for one in claims if one.id in through or is_taken(found, one)]


def pass_over(kind: str, keys: Sequence[str]) -> None:
    """Leave work of a group to a message of its own, which the dispatcher sends at once."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_LEAVE, [str(kind), list(keys)])
        announce()
