"""One event of one deposit or many in one statement, for workers that have them under one token.

The rules are those of `deposit.lifecycle`: row lock, table, status, history, and the work that ends and begins.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from django.db import connection, transaction

from deposit.actors import request_context
from deposit.lifecycle import TABLE, Lease, Work, notice_of
from deposit.models import EventName
from deposit.queue import registry
from deposit.queue.claims import Claim, LeaseLost
from deposit.queue.items import CHANNEL

logger = logging.getLogger(__name__)

# What may be written with the status: columns of text.
_COLUMNS = frozenset({"directory_swhid", "swhid", "release_swhid", "snapshot_swhid", "swhid_context"})
# The rows of the work are locked first, as whoever claims work does.
_FIRE = """
WITH given AS (
    SELECT * FROM unnest(%(items)s::bigint[], %(deposits)s::bigint[], %(details)s::jsonb[]{arrays})
        AS given (item, deposit, detail{columns})
), ended AS (
    DELETE FROM deposit_workitem WHERE id = ANY(%(items)s) AND lease_token = %(token)s
        AND lease_expires_at > statement_timestamp() RETURNING id, heavy
), moved AS (
    UPDATE deposit_deposit deposit SET
        status = %(target)s, revision = revision + 1, status_changed_at = statement_timestamp(),
        verified_date = CASE WHEN %(verifies)s THEN statement_timestamp() ELSE verified_date END{sets}
    FROM given JOIN ended ON ended.id = given.item
    WHERE deposit.id = given.deposit AND deposit.status = %(source)s
    RETURNING deposit.id, deposit.client_id, given.detail, ended.heavy
), told AS (
    INSERT INTO deposit_event (deposit_id, name, from_status, to_status, actor, detail, via, xact)
    SELECT id, %(event)s, %(source)s, %(target)s, %(actor)s, detail, %(via)s::jsonb,
        CASE WHEN %(tells)s THEN pg_current_xact_id()::text::bigint END
    FROM moved ORDER BY id
), asked AS (
    INSERT INTO deposit_workitem AS item (kind, key, deposit_id, queue, share, heavy)
    SELECT %(kind)s, moved.id::text, moved.id, %(queue)s, client_id, moved.heavy FROM moved
    WHERE %(kind)s IS NOT NULL ORDER BY moved.id
    ON CONFLICT (kind, key) DO UPDATE SET due_at = least(item.due_at, excluded.due_at)
)
SELECT count(*), CASE WHEN %(kind)s IS NOT NULL THEN pg_notify(%(channel)s, '') END FROM moved
"""


def fire_together(
    event: EventName,
    claims: Sequence[Claim],
    *,
    details: Sequence[Mapping[str, Any]],
    changes: Sequence[Mapping[str, str | None]],
) -> None:
    """Take the deposits of claims of one token through one event, in the caller's transaction.

    ``details`` and ``changes`` are those of each, in the order of the claims; all change the same columns. Raises
    `LeaseLost` when any of them is not held any more, or has moved on: the caller's transaction must end then.
    """
    rule = TABLE[event]
    (source,) = rule.sources
    assert rule.lease is Lease.NEEDS, event
    assert rule.target is not None, event
    columns = list(changes[0])
    assert _COLUMNS.issuperset(columns), columns
    parameters: dict[str, Any] = {
        "items": [claim.id for claim in claims],
        "deposits": [claim.deposit_id for claim in claims],
        "details": [json.dumps(dict(detail)) for detail in details],
        "token": claims[0].token,
        "target": str(rule.target),
        "source": str(source),
        "verifies": event == EventName.VERIFY,
        "event": str(event),
        "actor": claims[0].worker,
        "via": json.dumps(request_context()),
        "tells": rule.tells is not None and notice_of(event) is not None,
        "kind": str(rule.asks) if rule.asks else None,
        "queue": registry.get(rule.asks).queue if rule.asks else None,
        "channel": CHANNEL,
    } | {column: [change[column] for change in changes] for column in columns}
    statement = _FIRE.format(
        arrays="".join(f", %({column})s::text[]" for column in columns),
        columns="".join(f", {column}" for column in columns),
        sets="".join(f", {column} = given.{column}" for column in columns),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        (moved, _) = cursor.fetchone() or (0, None)
    if moved != len(claims):
        raise LeaseLost(f"Of {len(claims)} deposits that {claims[0].worker} had, {moved} are still its own.")
    transaction.on_commit(partial(_log, event, str(rule.target), claims))


def _log(event: EventName, target: str, claims: Sequence[Claim]) -> None:
    for claim in claims:
        logger.info("deposit=%s event=%s status=%s actor=%r", claim.deposit_id, event, target, claim.worker)


_STARTED = {
    # Checks: the status stays.
    Work.CHECK: """
        SELECT given.item, deposit.id FROM given JOIN deposit_deposit deposit ON deposit.id = given.deposit
        WHERE deposit.status = %(source)s
            AND coalesce(deposit.lease_expires_at <= statement_timestamp(), true)
    """,
    Work.LOAD: """
        UPDATE deposit_deposit deposit
        SET status = %(target)s, revision = revision + 1, status_changed_at = statement_timestamp()
        FROM given WHERE deposit.id = given.deposit AND deposit.status = %(source)s
        RETURNING given.item, deposit.id
    """,
}
_START = """
WITH given AS (
    SELECT * FROM unnest(%(items)s::bigint[], %(deposits)s::bigint[]) AS given (item, deposit)
), started AS ({started}), told AS (
    INSERT INTO deposit_event (deposit_id, name, from_status, to_status, actor, detail, via)
    SELECT id, %(event)s, %(source)s, %(target)s, %(actor)s, %(detail)s::jsonb, %(via)s::jsonb
    FROM started ORDER BY id
)
SELECT item FROM started
"""
_EVENTS = {Work.CHECK: EventName.CHECK, Work.LOAD: EventName.START}


def start_together(work: Work, claims: Sequence[Claim]) -> set[int]:
    """Note that work on deposits begins, in the transaction of its claims; the ids of those that wait for it."""
    event = _EVENTS[work]
    rule = TABLE[event]
    (source,) = rule.sources
    parameters: dict[str, Any] = {
        "items": [claim.id for claim in claims],
        "deposits": [claim.deposit_id for claim in claims],
        "source": str(source),
        "target": str(rule.target or source),
        "event": str(event),
        "actor": claims[0].worker,
        "detail": json.dumps({"attempt": claims[0].attempt}),
        "via": json.dumps(request_context()),
    }
    with connection.cursor() as cursor:
        cursor.execute(_START.format(started=_STARTED[work]), parameters)
        started = {number for (number,) in cursor.fetchall()}
    through = [claim for claim in claims if claim.id in started]
    transaction.on_commit(partial(_log, event, str(rule.target or source), through))
    return started
