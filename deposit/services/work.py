"""The work that deposits ask for, check and load: what a claim, a fault and a worker's silence mean for a deposit.

These are the hooks of both kinds; each runs in the transaction that changes the work item.
"""

import logging
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from deposit import lifecycle
from deposit.findings import Area, Severity
from deposit.lifecycle import TransitionRefused, Work
from deposit.models import (
    OPEN_DELIVERIES,
    Activity,
    ActivityState,
    Delivery,
    DeliveryState,
    Deposit,
    EventName,
    Finding,
    Status,
    WorkItem,
)
from deposit.queue.claims import Claim
from deposit.queue.policies import DISK, LOCAL, PROMISED, REQUEST
from deposit.queue.registry import Kind, Later, Taking, register

logger = logging.getLogger(__name__)

ACTOR = "dispatcher"
# Packages of few bytes and millions of members: a check that takes longer counts as heavy, and its load after it.
LIGHT_SECONDS = 2.0
# Deposits that one call of `heal` looks at.
_WINDOW = 10_000

# A worker of the version before has its lease in the deposit's own columns, which the models know no more.
_NOW = """
SELECT status, coalesce(lease_expires_at > statement_timestamp(), false) FROM deposit_deposit WHERE id = %s
"""
_HEAL = """
WITH waiting AS (
    SELECT id, client_id, status, coalesce(lease_expires_at > statement_timestamp(), false) AS held
    FROM deposit_deposit
    WHERE status IN ('deposited', 'loading', 'verified') AND (status, client_id, id) > (%(status)s, %(client)s, %(id)s)
    ORDER BY status, client_id, id LIMIT %(window)s
), missing AS (
    SELECT waiting.*, CASE status WHEN 'deposited' THEN 'check' ELSE 'load' END AS kind FROM waiting
    WHERE NOT held AND NOT EXISTS (
        SELECT FROM deposit_workitem item WHERE item.key = waiting.id::text
        AND item.kind = CASE status WHEN 'deposited' THEN 'check' ELSE 'load' END
    )
), added AS (
    INSERT INTO deposit_workitem (kind, key, deposit_id, queue, share, heavy)
    SELECT kind, id::text, id, kind, client_id, (
        SELECT coalesce(sum(size), 0) >= %(large)s FROM deposit_part
        WHERE deposit_id = missing.id AND kind = 'package'
    ) FROM missing ON CONFLICT DO NOTHING RETURNING id
)
SELECT (SELECT count(*) FROM added), (SELECT count(*) FROM waiting), last.status, last.client_id, last.id
FROM (SELECT * FROM waiting ORDER BY status DESC, client_id DESC, id DESC LIMIT 1) last
"""


def _check_claimed(claim: Claim) -> Taking | Later:
    taking = _taking(claim, Status.DEPOSITED)
    if taking is Taking.YES:
        _note(claim, EventName.CHECK, Status.DEPOSITED, Status.DEPOSITED)
    return taking


def _load_claimed(claim: Claim) -> Taking | Later:
    started = Deposit.objects.filter(pk=claim.deposit_id, status=Status.VERIFIED).update(
        status=Status.LOADING, revision=F("revision") + 1, status_changed_at=Now()
    )
    if not started:
        # A load that waited goes on.
        return _taking(claim, Status.LOADING)
    _note(claim, EventName.START, Status.VERIFIED, Status.LOADING)
    return Taking.YES


def _taking(claim: Claim, wanted: Status) -> Taking | Later:
    with connection.cursor() as cursor:
        cursor.execute(_NOW, [claim.deposit_id])
        row = cursor.fetchone()
    if row is None or row[0] != wanted:
        return Taking.GONE
    return Later(settings.LEASE_SECONDS) if row[1] else Taking.YES


def _note(claim: Claim, event: EventName, source: Status, target: Status) -> None:
    lifecycle.record(
        Deposit(pk=claim.deposit_id),
        event,
        actor=claim.worker,
        source=source,
        target=target,
        attempt=claim.attempt,
    )
    transaction.on_commit(
        lambda: logger.info(
            "deposit=%s event=%s status=%s attempt=%s actor=%r",
            claim.deposit_id,
            event,
            target,
            claim.attempt,
            claim.worker,
        )
    )


def _given_back(claim: Claim, reason: str, wait_seconds: float) -> None:
    deposit = Deposit.objects.only("status").get(pk=claim.deposit_id)
    lifecycle.record(
        deposit,
        EventName.GIVE_BACK,
        actor=claim.worker,
        source=deposit.status,
        target=deposit.status,
        reason=reason,
        wait_seconds=wait_seconds,
    )


def _load_released(item: WorkItem) -> None:
    _fire_quietly(EventName.RELEASE, item, f"{item.lease_owner} fell silent")


def _exhausted(item: WorkItem) -> None:
    """Set aside as failed what was begun so often and never finished: it kills its workers."""
    told = f" The last fault: {item.last_fault}" if item.last_fault else " Its workers died without a word."
    reason = f"Set aside after {item.attempts} attempts that did not finish.{told}"
    if _fire_quietly(EventName.QUARANTINE, item, reason) and item.deposit_id is not None:
        _end_deliveries(item.deposit_id, reason)
        Finding.objects.create(
            deposit_id=item.deposit_id,
            area=Area.LOADING,
            code="loading.quarantined",
            severity=Severity.ERROR,
            message=f"The deposit was set aside after {item.attempts} attempts that did not finish. "
            "The operators of this service have to look at it.",
        )


def _end_deliveries(deposit_id: int, reason: str) -> None:
    """What a deposit's workers had begun has failed with it."""
    begun = Delivery.objects.filter(deposit=deposit_id, current=True, state__in=OPEN_DELIVERIES)
    steps = Activity.objects.filter(delivery__in=begun).exclude(
        state__in=(ActivityState.DONE, ActivityState.FAILED)
    )
    sentence = "The delivery was set aside: its workers ended again and again without finishing it."
    steps.update(state=ActivityState.FAILED, ended_at=Now(), error=sentence, fault=reason[:2000])
    begun.update(
        state=DeliveryState.FAILED, ended_at=Now(), code="loading.quarantined", error=sentence, question={}
    )


def _fire_quietly(event: EventName, item: WorkItem, reason: str) -> bool:
    """Fire, unless the deposit has moved on since (a worker of the version before may have done that)."""
    assert item.deposit_id is not None
    try:
        lifecycle.fire(event, item.deposit_id, actor=ACTOR, detail={"reason": reason})
    except (TransitionRefused, Deposit.DoesNotExist) as refused:
        logger.warning("event=%s deposit=%s refused: %s", event, item.deposit_id, refused)
        return False
    logger.warning("event=%s deposit=%s reason=%r", event, item.deposit_id, reason)
    return True


@dataclass(slots=True)
class _Place:
    """How far `heal` has come; it begins anew at the end."""

    status: str = ""
    client: int = 0
    id: int = 0


_place = _Place()


def heal() -> int:
    """Ask for the work of waiting deposits that have none: tells how many of the next few thousand had none.

    A process of the version before completes and checks deposits without asking; so does who restores a backup.
    """
    with connection.cursor() as cursor:
        parameters: dict[str, Any] = {"status": _place.status, "client": _place.client, "id": _place.id}
        cursor.execute(_HEAL, parameters | {"window": _WINDOW, "large": settings.HEAVY_BYTES})
        row = cursor.fetchone()
    added, seen, *place = row or (0, 0)
    _place.status, _place.client, _place.id = place if seen == _WINDOW else ("", 0, 0)
    if added:
        logger.warning("work items added for %s deposits that had none", added)
    return int(added)


CHECK = register(
    Kind(
        name=Work.CHECK.value,
        task="checker.check",
        queue="check",
        policy=LOCAL,
        light_seconds=LIGHT_SECONDS,
        yields=True,
        together=lambda: settings.CHECK_TOGETHER,
        claimed=_check_claimed,
        given_back=_given_back,
        exhausted=_exhausted,
        heal=heal,
        cancellable=False,
    )
)
CLEANUP = register(Kind(name="cleanup", task="loader.clean_up", queue="load", policy=DISK))
# A document that came without a package: in the record already, and on its way to the archive. The key is its part.
DESCRIBE = register(
    Kind(name="describe", task="loader.describe", queue="load", policy=PROMISED, cancellable=False)
)
# It goes on to another destination of its collection. The key is its part and that destination's name, with a colon.
DESCRIBE_ELSEWHERE = register(
    Kind(
        name="describe-elsewhere",
        task="loader.describe_elsewhere",
        queue="load",
        policy=PROMISED,
    )
)
INSPECT = register(Kind(name="inspect", task="loader.inspect", queue="load", policy=REQUEST))
LOAD = register(
    Kind(
        name=Work.LOAD.value,
        task="loader.load",
        queue="load",
        policy=LOCAL,
        light_seconds=LIGHT_SECONDS,
        # A step may be run twice, whatever ended it the first time.
        yields=True,
        together=lambda: settings.LOAD_TOGETHER,
        claimed=_load_claimed,
        released=_load_released,
        given_back=_given_back,
        exhausted=_exhausted,
        cancellable=False,
    )
)
