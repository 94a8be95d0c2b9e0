"""What the workflow writes of deliveries, activities and identifiers: each function is called within a transaction.

Those that end something or make it wait need the deposit's lease and raise `LeaseLost` without it.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from deposit import lifecycle
from deposit.findings import Area, Severity
from deposit.group_events import fire_together
from deposit.models import (
    Activity,
    ActivityState,
    Delivery,
    DeliveryState,
    Deposit,
    EventName,
    Finding,
    Identifier,
    Status,
)
from deposit.queue import items
from deposit.queue.claims import Claim
from loader.steps import Again, Ask, Destination, Permanent, Transient

logger = logging.getLogger(__name__)

# What people write into a delivery, at any moment.
_THEIRS = frozenset({"wish", "wished_by"})
# The fields of `Deposit` that the step which archived it tells in its result.
# A deposit that a loader has, and what its last step gave.
Loaded = tuple[Deposit, Claim, Mapping[str, Any]]

_COLUMNS = (*lifecycle.IDENTIFIERS, "swhid_context")


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """How a delivery ends that does not end by its steps."""

    state: DeliveryState
    code: str
    sentence: str


def replace(delivery: Delivery) -> Delivery:
    """A delivery in the place of one that has ended; it remembers which."""
    with transaction.atomic():
        Delivery.objects.filter(pk=delivery.pk).update(current=False)
        return Delivery.objects.create(
            deposit_id=delivery.deposit_id,
            destination=delivery.destination,
            memory={"previous": delivery.pk},
        )


def note_start(delivery: Delivery, activity: Activity) -> None:
    """Take down, in memory alone, that a step begins."""
    now = timezone.now()
    delivery.started_at = delivery.started_at or now
    delivery.state = DeliveryState.RUNNING
    activity.state = ActivityState.RUNNING
    if activity.pk is None:
        activity.started_at = now


def start(delivery: Delivery, activity: Activity, claim: Claim) -> None:
    """Record that a step runs."""
    with transaction.atomic():
        items.require_lease(claim)
        note_start(delivery, activity)
        _save(delivery, activity, question=False)


def _save(delivery: Delivery, activity: Activity, *, question: bool = True) -> None:
    """Write both rows. What people write meanwhile is left as it is: their wish, and without ``question`` an answer."""
    if delivery.pk is None:
        delivery.save()
    else:
        theirs = _THEIRS if question else _THEIRS | {"question"}
        fields = [one.name for one in Delivery._meta.concrete_fields if not one.primary_key]
        delivery.save(update_fields=[name for name in fields if name not in theirs])
    activity.delivery = delivery
    activity.save()


def ending_of(delivery: Delivery) -> Ending | None:
    """What somebody has asked for, or the deadline, as it stands in the database now."""
    if delivery.pk is None:
        return None
    row = Delivery.objects.filter(pk=delivery.pk).annotate(db_now=Now()).get()
    delivery.wish, delivery.question, delivery.deadline_at = row.wish, row.question, row.deadline_at
    if row.wish == "cancel":
        return Ending(
            state=DeliveryState.CANCELLED,
            code="delivery.cancelled",
            sentence=f"The delivery to {delivery.destination} was cancelled by {row.wished_by or 'an operator'}.",
        )
    if row.wish == "abandon":
        return Ending(
            state=DeliveryState.ABANDONED,
            code="delivery.abandoned",
            sentence=f"The delivery to {delivery.destination} was abandoned by {row.wished_by or 'an operator'}.",
        )
    if row.deadline_at is not None and row.deadline_at <= row.db_now:
        return Ending(
            state=DeliveryState.FAILED,
            code="delivery.deadline",
            sentence=f"The delivery to {delivery.destination} did not end before its deadline, "
            f"{row.deadline_at:%Y-%m-%d %H:%M} UTC.",
        )
    return None


def end(delivery: Delivery, activity: Activity, claim: Claim, ending: Ending) -> None:
    """End a delivery without success; the deposit fails with it."""
    _end(delivery, activity, ending)
    _fail_deposit(delivery, claim, ending)


def fail(
    delivery: Delivery, activity: Activity, claim: Claim, *, code: str, sentence: str, fault: str
) -> None:
    """A step cannot succeed: the delivery and the deposit fail with it."""
    activity.fault = fault[:2000]
    end(delivery, activity, claim, Ending(state=DeliveryState.FAILED, code=code, sentence=sentence))


def _end(delivery: Delivery, activity: Activity, ending: Ending) -> None:
    now = timezone.now()
    delivery.state, delivery.ended_at = ending.state, now
    delivery.code, delivery.error, delivery.question = ending.code, ending.sentence, {}
    activity.state, activity.ended_at = ActivityState.FAILED, now
    activity.error, activity.note = ending.sentence, ""
    if ending.state is DeliveryState.FAILED:
        activity.attempts += 1
    _save(delivery, activity)


def _fail_deposit(delivery: Delivery, claim: Claim, ending: Ending) -> None:
    logger.error(
        "deposit=%s delivery=%s destination=%s event=fail code=%s reason=%s",
        claim.deposit_id,
        delivery.pk,
        delivery.destination,
        ending.code,
        ending.sentence,
    )
    lifecycle.fire_within(
        EventName.FAIL,
        claim.deposit_id,
        actor=claim.worker,
        token=claim.token,
        detail={"reason": ending.sentence, "delivery": delivery.pk},
    )
    Finding.objects.create(
        deposit_id=claim.deposit_id,
        area=Area.LOADING,
        code=ending.code,
        severity=Severity.ERROR,
        message=ending.sentence,
    )


def note_failure(delivery: Delivery, activity: Activity, error: BaseException) -> None:
    """Record that an attempt failed by a fault of ours or of the surroundings; another follows."""
    activity.state = ActivityState.WAITING
    activity.error = "An attempt failed for a reason that is not in the deposit; there will be another."
    activity.fault = f"{type(error).__name__}: {error}"[:2000].strip()
    delivery.state = DeliveryState.WAITING
    # What a transaction that was rolled back had set.
    delivery.ended_at = activity.ended_at = None
    try:
        with transaction.atomic():
            _save(delivery, activity, question=False)
    except Exception:
        # The database itself may be what is away; the history has the fault as soon as it is back.
        logger.warning("delivery=%s failure not recorded", delivery.pk, exc_info=True)


def try_later(
    delivery: Delivery, activity: Activity, claim: Claim, error: Transient, *, after_seconds: float
) -> None:
    """The step failed for now: let go of the deposit until its next attempt."""
    activity.state, activity.error, activity.fault = ActivityState.WAITING, str(error), error.fault[:2000]
    delivery.state = DeliveryState.WAITING
    said = _said_meanwhile(delivery)
    _save(delivery, activity, question=False)
    items.again(claim, after_seconds=0 if said else after_seconds)


def wait(delivery: Delivery, activity: Activity, claim: Claim, outcome: Again | Ask) -> None:
    """The step waits for something or somebody: let go of the deposit until then."""
    said = _said_meanwhile(delivery)
    activity.polls += 1
    activity.error = activity.fault = ""
    if isinstance(outcome, Ask):
        _tell_once(delivery, activity, claim, outcome)
        activity.state, activity.note = ActivityState.ASKING, outcome.question
        delivery.state = DeliveryState.ASKING
        delivery.question = {
            "question": outcome.question,
            "options": dict(outcome.options),
            "step": activity.name,
        }
        if said.get("question") == outcome.question:
            delivery.question |= {name: said[name] for name in ("answer", "answered_by") if name in said}
    else:
        activity.state, activity.note = ActivityState.WAITING, outcome.note
        delivery.state, delivery.question = DeliveryState.WAITING, {}
    _save(delivery, activity)
    items.again(claim, after_seconds=0 if said else outcome.after_seconds)


def _said_meanwhile(delivery: Delivery) -> dict[str, Any]:
    """What somebody has said since the step began: the question with its answer, a wish; empty when nothing.

    The row stays locked, so that nothing is said between this look and the end of the transaction.
    """
    rows = Delivery.objects.select_for_update().filter(pk=delivery.pk)
    row = rows.values("wish", "question").first()
    if row is None:
        return {}
    if "answer" in row["question"] and row["question"] != delivery.question:
        return dict(row["question"])
    return {"wish": row["wish"]} if row["wish"] != delivery.wish else {}


def _tell_once(delivery: Delivery, activity: Activity, claim: Claim, outcome: Ask) -> None:
    """Put a question into the deposit's history when it is a new one, and not each time that it is still open."""
    if delivery.question.get("question") == outcome.question:
        return
    lifecycle.record(
        delivery.deposit,
        EventName.ASK,
        actor=claim.worker,
        source=Status.LOADING,
        target=Status.LOADING,
        delivery=delivery.pk,
        destination=delivery.destination,
        step=activity.name,
        question=outcome.question,
        options=dict(outcome.options),
    )


def step_done(delivery: Delivery, activity: Activity, *, ends: bool) -> None:
    """Record the end of a step, and of the delivery with its last."""
    now = timezone.now()
    activity.state, activity.ended_at = ActivityState.DONE, now
    activity.attempts += 1
    activity.note = activity.error = activity.fault = ""
    delivery.state, delivery.question = DeliveryState.RUNNING, {}
    if ends:
        delivery.state, delivery.ended_at = DeliveryState.DONE, now
    if delivery.pk is None and activity.pk is None:
        _insert_both(delivery, activity)
    else:
        _save(delivery, activity)


def _insert_both(delivery: Delivery, activity: Activity) -> None:
    """A delivery and its only step, in one statement: most deliveries are so."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH delivery AS (
                INSERT INTO deposit_delivery (deposit_id, destination, state, current, started_at, ended_at)
                VALUES (%s, %s, %s, true, %s, %s) RETURNING id
            )
            INSERT INTO deposit_activity (delivery_id, name, state, attempts, started_at, ended_at, result)
            SELECT id, %s, %s, %s, %s, %s, %s FROM delivery RETURNING delivery_id, id
            """,
            [
                delivery.deposit_id,
                delivery.destination,
                delivery.state,
                delivery.started_at,
                delivery.ended_at,
                activity.name,
                activity.state,
                activity.attempts,
                activity.started_at,
                activity.ended_at,
                json.dumps(activity.result),
            ],
        )
        delivery.pk, activity.pk = cursor.fetchone()


def finish_deposit(deposit: Deposit, claim: Claim, *, results: Mapping[str, Any] | None = None) -> None:
    """All destinations have the deposit: it is done, with its identifiers. Raises `LeaseLost`, `Permanent`.

    ``results``: of the step that is being recorded.
    """
    [changes] = _finish([(deposit, claim, results or {})])
    logger.info("deposit=%s event=finish swhid=%s", claim.deposit_id, changes["swhid"])


def finish_together(loaded: Sequence[Loaded], *, destination: Destination, begun: datetime) -> None:
    """Deposits that were delivered together, to one destination of one step, are done: as `finish_deposit`, of all."""
    _finish(loaded)
    _insert_deliveries(loaded, destination, begun)


def _finish(loaded: Sequence[Loaded]) -> list[dict[str, str]]:
    """Deposits are done; returns the identifiers of each. All their claims have one token."""
    changes = [_identifiers(deposit, result) for deposit, _, result in loaded]
    fire_together(
        EventName.FINISH,
        [claim for _, claim, _ in loaded],
        details=[{"swhid": change["swhid"]} for change in changes],
        changes=changes,
    )
    Identifier.objects.bulk_create(
        [
            Identifier(deposit=deposit, scheme=scheme, value=change[column])
            for (deposit, _, _), change in zip(loaded, changes, strict=True)
            for column, scheme in lifecycle.IDENTIFIERS.items()
            if change.get(column)
        ],
        ignore_conflicts=True,
    )
    Finding.objects.filter(deposit__in=[deposit for deposit, _, _ in loaded], area=Area.LOADING).delete()
    return changes


def _insert_deliveries(loaded: Sequence[Loaded], destination: Destination, begun: datetime) -> None:
    times = {"started_at": begun, "ended_at": timezone.now()}
    deliveries = Delivery.objects.bulk_create(
        Delivery(deposit=deposit, destination=destination.name, state=DeliveryState.DONE, **times)
        for deposit, _, _ in loaded
    )
    Activity.objects.bulk_create(
        Activity(
            delivery=delivery,
            name=destination.steps[0].name,
            state=ActivityState.DONE,
            attempts=1,
            result=dict(result),
            **times,
        )
        for delivery, (_, _, result) in zip(deliveries, loaded, strict=True)
    )


def _identifiers(deposit: Deposit, results: Mapping[str, Any]) -> dict[str, str]:
    """The columns of a deposit that is done: as archived, or else by the directory that the checks saw."""
    if "swhid" not in results:
        archived = Activity.objects.filter(
            delivery__deposit=deposit,
            delivery__current=True,
            state=ActivityState.DONE,
            result__has_key="swhid",
        )
        results = next(iter(archived.values_list("result", flat=True)[:1]), {})
    if "swhid" in results:
        return {column: results[column] for column in _COLUMNS if column in results}
    if deposit.directory_swhid is None:
        raise Permanent(
            "delivery.identifier",
            "The deposit was checked before the service computed identifiers in its checks: check it again.",
        )
    context = f"{deposit.directory_swhid};origin={deposit.origin_url};path=/"
    return {"swhid": deposit.directory_swhid, "swhid_context": context}
