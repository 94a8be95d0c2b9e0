"""Work that is to be done later: asked for, claimed with a lease, ended. One row each; see `deposit.models.WorkItem`.

A worker claims a row, keeps its lease alive, and ends it with the fencing token of the claim. Whoever slept past a
lease holds a token that opens nothing. All times are the database's. Where a deposit is locked too, the row is locked
first.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from deposit.models import WorkItem
from deposit.queue import registry
from deposit.queue.claims import Claim, LeaseLost
from deposit.queue.registry import Later, Taking

# Work that is due is announced on this PostgreSQL channel; the dispatcher listens.
CHANNEL = "deposit_work"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """What ended work hands on to what follows it."""

    share: int
    heavy: bool


_LEASED = "lease_expires_at > statement_timestamp()"
_HELD = f"lease_token = %(token)s AND {_LEASED}"
# A second asking makes it due sooner, never later; what a worker has begins anew when that worker is done.
_ASK = f"""
WITH asked AS (
    INSERT INTO deposit_workitem AS item (kind, key, deposit_id, queue, share, heavy, due_at, arguments)
    VALUES (%(kind)s, %(key)s, %(deposit)s, %(queue)s, %(share)s,
        coalesce(%(heavy)s, (SELECT coalesce(sum(size), 0) >= %(large)s FROM deposit_part
                             WHERE deposit_id = %(deposit)s AND kind = 'package')),
        statement_timestamp() + make_interval(secs => %(due_in)s), %(arguments)s)
    ON CONFLICT (kind, key) DO UPDATE SET
        due_at = least(item.due_at, excluded.due_at),
        sent_at = CASE WHEN item.lease_expires_at IS NULL AND excluded.due_at < item.due_at THEN NULL
                       ELSE item.sent_at END,
        asked_again = item.asked_again OR coalesce(item.{_LEASED}, false),
        arguments = item.arguments || excluded.arguments
    RETURNING id
)
SELECT CASE WHEN %(due_in)s <= 0 THEN pg_notify('{CHANNEL}', '') END FROM asked
"""  # noqa: S608 - constants
# A lease that has passed is taken back by the dispatcher, with all that its worker's session holds, before another
# worker gets the work.
_CLAIM = """
UPDATE deposit_workitem SET
    lease_token = nextval('deposit_lease_tokens'),
    lease_expires_at = statement_timestamp() + make_interval(secs => %(lease)s),
    lease_owner = %(worker)s, attempts = attempts + 1, sent_at = coalesce(sent_at, statement_timestamp())
WHERE kind = %(kind)s AND key = %(key)s AND attempts < %(most)s AND due_at <= statement_timestamp()
    AND lease_expires_at IS NULL AND NOT recalled
RETURNING id, lease_token, attempts, deposit_id, share, heavy, arguments
"""
_RENEW = f"""
UPDATE deposit_workitem SET lease_expires_at = statement_timestamp() + make_interval(secs => %(lease)s)
WHERE id = ANY(%(ids)s) AND {_HELD}
"""  # noqa: S608
_REQUIRE = f"SELECT id FROM deposit_workitem WHERE id = %(id)s AND {_HELD} FOR SHARE"  # noqa: S608
_END = f"""
DELETE FROM deposit_workitem WHERE kind = %(kind)s AND key = %(key)s AND {_HELD} RETURNING share, heavy
"""  # noqa: S608
_FINISH = f"DELETE FROM deposit_workitem WHERE id = %(id)s AND NOT asked_again AND {_HELD}"  # noqa: S608
_WEIGH = f"UPDATE deposit_workitem SET heavy = true WHERE id = %(id)s AND NOT heavy AND {_HELD}"  # noqa: S608
_OTHERS = """
SELECT EXISTS (
    SELECT FROM deposit_workitem other JOIN deposit_workitem mine ON mine.id = %s AND other.queue = mine.queue
    WHERE NOT other.heavy AND other.share <> mine.share AND other.due_at <= statement_timestamp()
        AND other.lease_expires_at IS NULL
)
"""
_OPEN = f"""
UPDATE deposit_workitem SET
    lease_expires_at = NULL, lease_owner = '', sent_at = NULL, sends = 0, asked_again = false,
    due_at = statement_timestamp() + make_interval(secs =>
        CASE WHEN asked_again AND %(fault)s = '' THEN 0 ELSE %(after)s END),
    attempts = CASE WHEN %(attempts)s THEN attempts - %(less)s ELSE 0 END,
    last_fault = %(fault)s, arguments = arguments || %(arguments)s
WHERE id = %(id)s AND {_HELD}
"""  # noqa: S608


def ask(
    kind: str,
    key: str | int,
    *,
    deposit_id: int | None = None,
    share: int = 0,
    heavy: bool | None = False,
    due_in: float = 0.0,
    arguments: Mapping[str, Any] | None = None,
) -> None:
    """Ask for work, in the transaction that makes it due; the dispatcher hears of it when that commits.

    Asked for twice it is done once, at the earlier of both times; what a worker has already is done again afterwards.
    ``share``: those who share take turns (the client's number). ``heavy``: takes long; None: by the size of the
    deposit's packages. ``due_in``: seconds from now. ``arguments``: small, JSON; added to what is there.
    """
    parameters: dict[str, Any] = {
        "kind": str(kind),
        "key": str(key),
        "deposit": deposit_id,
        "queue": registry.get(kind).queue,
        "share": share,
        "heavy": heavy,
        "large": settings.HEAVY_BYTES,
        "due_in": due_in,
        "arguments": json.dumps(dict(arguments or {})),
    }
    with connection.cursor() as cursor:
        cursor.execute(_ASK, parameters)


def claim(kind: str, key: str | int, *, worker: str) -> Claim | None:
    """Take work up; None when it is not open, not due, or another has it.

    A message that comes twice, late, or for what is done ends here without effect. A locked row is waited for: whoever
    holds the lock (the dispatcher, noting what it sent) lets go soon, and to pass it over would leave it waiting for
    its next message.
    """
    found = registry.get(kind)
    parameters: dict[str, Any] = {
        "kind": found.name,
        "key": str(key),
        "most": found.policy.most_attempts,
        "lease": settings.LEASE_SECONDS,
        "worker": worker[:200] or "worker",
    }
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_CLAIM, parameters)
            row = cursor.fetchone()
        if row is None:
            return None
        held = claim_of(found, (*row, str(key)), worker)
        return held if is_taken(found, held) else None


def claim_of(kind: registry.Kind, row: Sequence[Any], worker: str) -> Claim:
    """The claim that a row of the statements says was made."""
    number, token, attempt, about, share, heavy, arguments, key = row
    return Claim(
        id=number,
        kind=kind.name,
        key=key,
        token=token,
        attempt=attempt,
        worker=worker,
        about=about,
        share=share,
        heavy=heavy,
        arguments=json.loads(arguments) if isinstance(arguments, str) else arguments,
    )


def is_taken(kind: registry.Kind, held: Claim) -> bool:
    """Whether the kind's own hook lets the claim through; else the row goes, or waits. In the claim's transaction."""
    taking = kind.claimed(held) if kind.claimed else Taking.YES
    if taking is Taking.GONE:
        WorkItem.objects.filter(pk=held.id).delete()
    elif isinstance(taking, Later):
        _open(held, after_seconds=taking.seconds, less=1)
    return taking is Taking.YES


def renew(held: Claim) -> bool:
    """Prolong a lease; False when it has passed, and the work with it."""
    return renew_all([held])


def renew_all(held: Sequence[Claim]) -> bool:
    """Prolong the leases of claims of one token; False when any of them has passed."""
    parameters: dict[str, Any] = {
        "ids": [one.id for one in held],
        "token": held[0].token,
        "lease": settings.LEASE_SECONDS,
    }
    with connection.cursor() as cursor:
        cursor.execute(_RENEW, parameters)
        return bool(cursor.rowcount == len(held))


def let_go(held: Sequence[Claim]) -> None:
    """Open work again that was to be done together with other work; the attempt counts, so each goes alone now."""
    if not held:
        return
    with transaction.atomic():
        for one in held:
            _open(one, after_seconds=0, less=0)
        announce()


def require_lease(held: Claim) -> None:
    """Make sure that a claim holds, until the end of the caller's transaction. Raises `LeaseLost`."""
    if not _changes(_REQUIRE, held):
        raise LeaseLost(f"The lease on {held} has passed to another worker.")


def end(kind: str, key: str | int, *, token: int | None) -> Ended | None:
    """End work in the caller's transaction, by the token of its claim; None when the token does not hold it."""
    if token is None:
        return None
    with connection.cursor() as cursor:
        cursor.execute(_END, {"kind": str(kind), "key": str(key), "token": token})
        row = cursor.fetchone()
    return Ended(share=row[0], heavy=row[1]) if row else None


def finish(held: Claim) -> None:
    """End work, in the transaction that writes what came of it. Raises `LeaseLost`.

    What was asked for again meanwhile begins anew.
    """
    if _changes(_FINISH, held):
        return
    if not _open(held, after_seconds=0):
        raise LeaseLost(f"The lease on {held} has passed to another worker.")
    announce()


def again(held: Claim, *, after_seconds: float, arguments: Mapping[str, Any] | None = None) -> None:
    """Look at it again later; no worker is held meanwhile, and attempts begin anew. Raises `LeaseLost`."""
    if not _open(held, after_seconds=after_seconds, arguments=arguments):
        raise LeaseLost(f"The lease on {held} has passed to another worker.")


def weigh(held: Claim) -> None:
    """Count work that takes longer than it should as heavy from now on, and what follows it."""
    _changes(_WEIGH, held)


def holds_up_others(held: Claim) -> bool:
    """Whether light work of another share waits for a worker of the same queue."""
    with connection.cursor() as cursor:
        cursor.execute(_OTHERS, [held.id])
        row = cursor.fetchone()
    return bool(row and row[0])


def put_off(held: Claim) -> None:
    """Let others go first: the work is open again at once, and the attempt counts for nothing. Raises `LeaseLost`."""
    if not _open(held, after_seconds=0, less=1):
        raise LeaseLost(f"The lease on {held} has passed to another worker.")
    announce()


def give_back(held: Claim, *, reason: str, after_seconds: float, counts: bool) -> bool:
    """Drop a lease after a fault of ours: the work waits for its next attempt ``after_seconds`` from now.

    ``counts``: the attempt counts towards the most that are made. False when the lease had passed already.
    """
    with transaction.atomic():
        if not _open(held, after_seconds=after_seconds, less=0 if counts else 1, fault=reason[:500]):
            return False
        found = registry.get(held.kind)
        if found.given_back:
            found.given_back(held, reason, after_seconds)
        return True


def cancel(kind: str, key: str | int) -> bool:
    """Strike work from the queue; whoever does it at this moment finds its lease lost. False when there was none."""
    deleted, _ = WorkItem.objects.filter(kind=str(kind), key=str(key)).delete()
    return bool(deleted)


def make_due(kind: str, key: str | int) -> bool:
    """Let open work that nobody has be tried at once, as if for the first time. False when there is none."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE deposit_workitem SET due_at = least(due_at, statement_timestamp()), sent_at = NULL, sends = 0,"
            " recalled = false, attempts = 0 WHERE kind = %s AND key = %s AND lease_expires_at IS NULL",
            [str(kind), str(key)],
        )
        if not cursor.rowcount:
            return False
        announce()
        return True


def announce() -> None:
    """Tell the dispatcher that work is due; heard when the transaction commits."""
    with connection.cursor() as cursor:
        cursor.execute(f"NOTIFY {CHANNEL}")


def _open(
    held: Claim,
    *,
    after_seconds: float,
    less: int | None = None,
    fault: str = "",
    arguments: Mapping[str, Any] | None = None,
) -> bool:
    """End a lease and leave the work open. ``less``: so many attempts less; None: attempts begin anew."""
    return _changes(
        _OPEN,
        held,
        after=after_seconds,
        attempts=less is not None,
        less=less or 0,
        fault=fault,
        arguments=json.dumps(dict(arguments or {})),
    )


def _changes(statement: str, held: Claim, **parameters: Any) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"id": held.id, "token": held.token, **parameters})
        return bool(cursor.rowcount)
