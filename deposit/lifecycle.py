"""The life of a deposit: the one table of its events, and the only place that changes a status.

PostgreSQL is the queue: a deposit in a waiting status *is* the work order. A worker claims it with a lease and a
fencing token (``claim``), keeps the lease alive (``renew``), and ends it with an event that carries the token
(``fire``). Whoever sleeps past a lease holds a token that no longer opens anything. All times are the database's.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from deposit.actors import request_context
from deposit.models import Delivery, Deposit, Event, Status

logger = logging.getLogger(__name__)

# What a waiting deposit asks for is announced on this PostgreSQL channel; the dispatcher listens.
CHANNEL = "deposit_work"


class Work(StrEnum):
    """What a deposit in a waiting status asks for; also the names of the Celery queues."""

    CHECK = "check"
    LOAD = "load"


class Lease(StrEnum):
    """What an event has to do with the lease on a deposit."""

    NONE = "none"
    TAKES = "takes it"
    NEEDS = "needs it"
    PASSED = "only after it has passed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One row of the table: from where to where an event leads, by whom, and what it means for the lease."""

    sources: frozenset[Status]
    target: Status | None  # None: the status stays
    who: str
    lease: Lease = Lease.NONE
    asks: Work | None = None


def _rule(
    *sources: Status, to: Status | None, who: str, lease: Lease = Lease.NONE, asks: Work | None = None
) -> Rule:
    return Rule(sources=frozenset(sources), target=to, who=who, lease=lease, asks=asks)


S = Status
TABLE: Mapping[str, Rule] = {
    # event      from                                to
    "complete": _rule(S.PARTIAL, to=S.DEPOSITED, who="client", asks=Work.CHECK),
    # Metadata only: judged at reception, nothing to load.
    "accept": _rule(S.PARTIAL, to=S.DONE, who="client"),
    "expire": _rule(S.PARTIAL, to=S.EXPIRED, who="scheduler, operator"),
    "check": _rule(S.DEPOSITED, to=None, who="checker", lease=Lease.TAKES),
    "verify": _rule(S.DEPOSITED, to=S.VERIFIED, who="checker", lease=Lease.NEEDS, asks=Work.LOAD),
    "reject": _rule(S.DEPOSITED, to=S.REJECTED, who="checker", lease=Lease.NEEDS),
    "recheck": _rule(S.REJECTED, S.FAILED, to=S.DEPOSITED, who="operator", asks=Work.CHECK),
    "start": _rule(S.VERIFIED, to=S.LOADING, who="loader", lease=Lease.TAKES),
    "finish": _rule(S.LOADING, to=S.DONE, who="loader", lease=Lease.NEEDS),
    "fail": _rule(S.LOADING, to=S.FAILED, who="loader", lease=Lease.NEEDS),
    "release": _rule(S.LOADING, to=S.VERIFIED, who="dispatcher", lease=Lease.PASSED, asks=Work.LOAD),
    "quarantine": _rule(
        S.DEPOSITED, S.VERIFIED, S.LOADING, to=S.FAILED, who="dispatcher", lease=Lease.PASSED
    ),
    "reschedule": _rule(S.FAILED, S.DONE, to=S.VERIFIED, who="operator", asks=Work.LOAD),
}
# The deposit keeps its status and its lease ends: a fault of ours, told in the history (`give_back`).
GIVE_BACK = "give-back"
CLAIMS: Mapping[Work, str] = {Work.CHECK: "check", Work.LOAD: "start"}
WAITING: Mapping[Status, Work] = {S.DEPOSITED: Work.CHECK, S.VERIFIED: Work.LOAD}

IDENTIFIERS = ("swhid", "swhid_context", "release_swhid", "snapshot_swhid")


class TransitionRefused(Exception):
    """The table has no such event for the deposit as it stands; ``str()`` says why."""


class LeaseLost(TransitionRefused):
    """The worker's lease has passed, or another holds the deposit now: it must drop its work."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """The right to work on one deposit until the lease passes."""

    deposit_id: int
    token: int
    attempt: int
    worker: str


def record(
    deposit: Deposit, name: str, *, actor: str, source: str = "", target: str = "", **detail: Any
) -> None:
    """Append one line to a deposit's history."""
    Event.objects.create(
        deposit=deposit,
        name=name,
        from_status=source,
        to_status=target,
        actor=actor,
        detail=detail,
        via=request_context(),
    )


def fire_within(
    event: str,
    deposit_id: int,
    *,
    actor: str,
    token: int | None = None,
    detail: Mapping[str, Any] | None = None,
    changes: Mapping[str, Any] | None = None,
) -> Deposit:
    """Take a deposit through one event: row lock, table, new status, history, announcement.

    ``changes`` are further fields written with the status. Raises `TransitionRefused` when the table forbids it,
    `LeaseLost` when the event needs a lease that ``token`` does not hold. It makes no savepoint: the caller's
    transaction must end when this raises.
    """
    rule = TABLE[event]
    deposit = Deposit.objects.select_for_update().annotate(db_now=Now()).get(pk=deposit_id)
    _guard(event, rule, deposit, token)
    source = Status(deposit.status)
    target = rule.target or source
    fields = _written(event, target, deposit) | dict(changes or {})
    for name, value in fields.items():
        setattr(deposit, name, value)
    deposit.save(update_fields=fields)
    record(deposit, event, actor=actor, source=source, target=target, **(detail or {}))
    if event == "reschedule" and source is S.DONE:
        # It goes to all its destinations once more; one that failed goes to those that lack it.
        Delivery.objects.filter(deposit=deposit_id, current=True).update(current=False)
    if rule.asks:
        announce()
    transaction.on_commit(
        lambda: logger.info("deposit=%s event=%s status=%s actor=%r", deposit_id, event, target, actor)
    )
    return deposit


# The same in one transaction of its own, or in a savepoint of the caller's.
fire = transaction.atomic(fire_within)


def _written(event: str, target: Status, deposit: Any) -> dict[str, Any]:
    """The fields that an event writes besides those of its caller; ``deposit`` is locked and knows ``db_now``."""
    fields: dict[str, Any] = {
        "status": target,
        "revision": deposit.revision + 1,
        "status_changed_at": deposit.db_now,
        "lease_expires_at": None,
        "lease_owner": "",
        "sent_at": None,
        "sends": 0,
    }
    if event != "release":
        fields["attempts"] = 0
    if event in ("complete", "accept"):
        fields["complete_date"] = deposit.db_now
    if event == "verify":
        fields["verified_date"] = deposit.db_now
    if event == "recheck":
        fields["verified_date"] = None
    if event in ("reschedule", "recheck"):
        fields |= dict.fromkeys(IDENTIFIERS)
    return fields


def _guard(event: str, rule: Rule, deposit: Any, token: int | None) -> None:
    if deposit.status not in rule.sources:
        allowed = ", ".join(sorted(rule.sources))
        # Whoever worked on it has been overtaken: for a worker that is a lease like any other that passed.
        refusal = LeaseLost if rule.lease is Lease.NEEDS else TransitionRefused
        raise refusal(
            f"Deposit {deposit.pk} has status '{deposit.status}'; '{event}' needs status {allowed}."
        )
    _guard_lease(event, rule, deposit, token)
    if event == "quarantine" and deposit.attempts < settings.MAX_ATTEMPTS:
        raise TransitionRefused(f"Deposit {deposit.pk} has attempts left.")
    if event == "reschedule" and deposit.verified_date is None:
        raise TransitionRefused(
            f"Deposit {deposit.pk} never passed its checks: use recheck, which checks it again before loading."
        )
    if event == "reschedule" and deposit.type != "code":
        raise TransitionRefused(f"Deposit {deposit.pk} is metadata only: there is nothing to load again.")


def _guard_lease(event: str, rule: Rule, deposit: Any, token: int | None) -> None:
    if rule.lease is Lease.TAKES:
        raise TransitionRefused(f"'{event}' is claimed with lifecycle.claim(), not fired.")
    if rule.lease is Lease.NEEDS and not _holds_lease(deposit.pk, token):
        raise LeaseLost(f"The lease on deposit {deposit.pk} has passed to another worker.")
    # Whoever looked the deposit up may have been slow: since then another may have claimed it.
    if rule.lease is Lease.PASSED and deposit.lease_expires_at and deposit.lease_expires_at > deposit.db_now:
        raise TransitionRefused(f"Deposit {deposit.pk} is being worked on by {deposit.lease_owner}.")


def _holds_lease(deposit_id: int, token: int | None) -> bool:
    return (
        token is not None
        and Deposit.objects.filter(pk=deposit_id, lease_token=token, lease_expires_at__gt=Now()).exists()
    )


def claim(work: Work, deposit_id: int, *, worker: str) -> Claim | None:
    """Claim a deposit for checking or loading; None when it does not wait for that, or another holds it.

    A message that comes twice, late, or for a deposit that has moved on ends here without effect. A locked row is
    waited for: whoever holds the lock (the dispatcher, noting what it sent) lets go soon, and to pass the deposit
    over would leave it waiting for its next message.
    """
    event = CLAIMS[work]
    rule = TABLE[event]
    lease = timedelta(seconds=settings.LEASE_SECONDS)
    with transaction.atomic():
        deposit = (
            Deposit.objects.select_for_update()
            .filter(pk=deposit_id, status__in=rule.sources, attempts__lt=settings.MAX_ATTEMPTS)
            .filter(Q(lease_expires_at__isnull=True) | Q(lease_expires_at__lte=Now()))
            .first()
        )
        if deposit is None:
            return None
        target = rule.target or Status(deposit.status)
        token = deposit.lease_token + 1
        Deposit.objects.filter(pk=deposit_id).update(
            status=target,
            revision=F("revision") + (1 if rule.target else 0),
            status_changed_at=Now() if rule.target else F("status_changed_at"),
            lease_token=token,
            lease_expires_at=Now() + lease,
            lease_owner=worker[:200],
            attempts=F("attempts") + 1,
        )
        record(
            deposit, event, actor=worker, source=deposit.status, target=target, attempt=deposit.attempts + 1
        )
        return Claim(deposit_id=deposit_id, token=token, attempt=deposit.attempts + 1, worker=worker)


def renew(held: Claim) -> bool:
    """Prolong a lease; False when it has passed, and the work with it."""
    lease = timedelta(seconds=settings.LEASE_SECONDS)
    return bool(
        Deposit.objects.filter(pk=held.deposit_id, lease_token=held.token, lease_expires_at__gt=Now()).update(
            lease_expires_at=Now() + lease
        )
    )


def give_back(held: Claim, *, reason: str, after_seconds: float, counts: bool) -> bool:
    """Drop a lease after a fault of ours: the deposit waits for its next attempt ``after_seconds`` from now.

    ``counts``: the attempt counts towards quarantine. False when the lease had passed already.
    """
    with transaction.atomic():
        deposit = (
            Deposit.objects.select_for_update()
            .filter(pk=held.deposit_id, lease_token=held.token, lease_expires_at__gt=Now())
            .first()
        )
        if deposit is None:
            return False
        Deposit.objects.filter(pk=deposit.pk).update(
            lease_token=held.token + 1,
            lease_expires_at=Now() + timedelta(seconds=after_seconds),
            attempts=F("attempts") - (0 if counts else 1),
        )
        record(
            deposit,
            GIVE_BACK,
            actor=held.worker,
            source=deposit.status,
            target=deposit.status,
            reason=reason,
            wait_seconds=after_seconds,
        )
        return True


def require_lease(held: Claim) -> None:
    """Make sure, within the caller's transaction, that a claim holds. Raises `LeaseLost`."""
    if not _holds_lease(held.deposit_id, held.token):
        raise LeaseLost(f"The lease on deposit {held.deposit_id} has passed to another worker.")


def again(held: Claim, *, after_seconds: float) -> None:
    """Let go of a deposit that waits for something, until ``after_seconds`` from now. Raises `LeaseLost`."""
    waiting = Deposit.objects.filter(
        pk=held.deposit_id, lease_token=held.token, lease_expires_at__gt=Now()
    ).update(
        lease_token=held.token + 1,
        lease_expires_at=Now() + timedelta(seconds=after_seconds),
        attempts=0,
    )
    if not waiting:
        raise LeaseLost(f"The lease on deposit {held.deposit_id} has passed to another worker.")


def announce() -> None:
    """Tell the dispatcher that work waits; heard when the transaction commits."""
    with connection.cursor() as cursor:
        cursor.execute(f"NOTIFY {CHANNEL}")
