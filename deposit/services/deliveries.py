"""What operators do to deliveries, whatever their destination: cancel, abandon, decide, retry; one or many.

A worker may be at a delivery at this moment. So nothing is ended here: the wish is written down, and whoever runs the
next step ends the delivery by it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from deposit import audit, lifecycle
from deposit.actors import Actor, acting
from deposit.lifecycle import TransitionRefused, Work
from deposit.models import OPEN_DELIVERIES, Activity, Delivery, DeliveryState, EventName, Finding
from deposit.permissions import Operation, require
from deposit.queue import items
from deposit.refusals import Kind, Refusal
from deposit.services.work import INSPECT

MODES = ("reconcile", "full")
ABANDON = "abandon"
# The activity that tells what was found at the destination when somebody asked.
RECONCILIATION = "reconciliation"


def delivery_for(actor: Actor, delivery_id: int, operation: Operation = Operation.RESCHEDULE) -> Delivery:
    """A delivery to do something to. Raises a 404 or 403 `Refusal`."""
    found = Delivery.objects.select_related("deposit__collection", "deposit__client__user")
    delivery = found.filter(pk=min(delivery_id, 2**63 - 1)).first()
    if delivery is None:
        raise unknown_delivery(delivery_id)
    require(actor, operation, delivery.deposit)
    return delivery


def unknown_delivery(delivery_id: int) -> Refusal:
    """There is none of that number, or not for whoever asks."""
    return Refusal(
        Kind.NOT_FOUND,
        "delivery.unknown",
        f"There is no delivery {delivery_id}.",
        "The list of deliveries shows them.",
    )


def cancel(*, delivery_id: int, actor: Actor) -> Delivery:
    """Have a delivery ended as cancelled before its next step. Raises `Refusal`, `TransitionRefused`."""
    return _wish("cancel", delivery_id, actor)


def abandon(*, delivery_id: int, actor: Actor) -> Delivery:
    """Have a delivery given up before its next step. Raises `Refusal`, `TransitionRefused`."""
    return _wish(ABANDON, delivery_id, actor)


def _wish(wish: str, delivery_id: int, actor: Actor) -> Delivery:
    delivery_for(actor, delivery_id)
    with acting(actor), transaction.atomic():
        delivery = _locked_open(delivery_id)
        delivery.wish, delivery.wished_by = wish, _name(actor)
        delivery.save(update_fields=["wish", "wished_by"])
        _go_on(delivery, actor, f"delivery.{wish}")
    return delivery


def decide(*, delivery_id: int, option: str, actor: Actor) -> Delivery:
    """Answer what a step asks. Raises `Refusal` for what is no option, `TransitionRefused` when nothing is asked."""
    delivery_for(actor, delivery_id)
    with acting(actor), transaction.atomic():
        delivery = _locked_open(delivery_id)
        options = delivery.question.get("options", {})
        # While its step is looked at again the delivery is running, and the question is open all the same.
        if not options:
            raise TransitionRefused(f"Delivery {delivery_id} asks nothing; it is {delivery.state}.")
        if option not in options:
            raise Refusal(
                Kind.BAD_REQUEST,
                "delivery.option",
                f"'{option}' is none of the options of delivery {delivery_id}.",
                f"Choose one of: {', '.join(options)}.",
            )
        if option == ABANDON:
            delivery.wish, delivery.wished_by = ABANDON, _name(actor)
        delivery.question = {**delivery.question, "answer": option, "answered_by": _name(actor)}
        delivery.save(update_fields=["wish", "wished_by", "question"])
        _go_on(delivery, actor, "delivery.decide", option=option)
    return delivery


def retry(*, delivery_id: int, actor: Actor, mode: str | None = None) -> Delivery:
    """Deliver again what ended without success: a delivery of its own, which is returned.

    ``mode`` ``reconcile`` (the default) first looks what the earlier one has left at the destination, and goes on with
    that; ``full`` does everything anew. Raises `Refusal`, `TransitionRefused`.
    """
    if mode not in (None, *MODES):
        raise Refusal(
            Kind.BAD_REQUEST,
            "delivery.mode",
            f"There is no mode '{mode}'.",
            f"Choose one of: {', '.join(MODES)}.",
        )
    delivery_for(actor, delivery_id)
    with acting(actor), transaction.atomic():
        delivery = Delivery.objects.select_for_update().get(pk=delivery_id)
        _require_retryable(delivery)
        Delivery.objects.filter(pk=delivery_id).update(current=False)
        again = Delivery.objects.create(
            deposit_id=delivery.deposit_id,
            destination=delivery.destination,
            memory={"previous": delivery_id, "mode": mode or MODES[0]},
        )
        lifecycle.fire_within(
            EventName.RESCHEDULE, delivery.deposit_id, actor=f"operator:{actor.user or actor}"
        )
        Finding.objects.filter(deposit_id=delivery.deposit_id, area="loading").delete()
        _record_audit(actor, "delivery.retry", delivery, mode=mode or MODES[0], new=again.pk)
    return again


def ask_for_reconciliation(*, delivery_id: int, actor: Actor, apply: bool = False) -> Delivery:
    """Have a worker look what a delivery has left at its destination; the step ``reconciliation`` then tells.

    ``apply``: where that fulfils the delivery, it is retried and ends with it. Raises `Refusal`.
    """
    delivery = delivery_for(actor, delivery_id)
    with acting(actor), transaction.atomic():
        if apply and delivery.state not in OPEN_DELIVERIES:
            _require_retryable(delivery)
        Activity.objects.filter(delivery=delivery, name=RECONCILIATION).delete()
        items.ask(INSPECT.name, delivery.pk, deposit_id=delivery.deposit_id, arguments={"apply": apply})
        _record_audit(actor, "delivery.reconcile", delivery, apply=apply)
    return delivery


def reconciliation_of(delivery_id: int) -> dict[str, Any] | None:
    """What the last look at the destination found; None until a worker has looked."""
    looked = Activity.objects.filter(delivery_id=delivery_id, name=RECONCILIATION).first()
    return dict(looked.result) if looked else None


def _require_retryable(delivery: Delivery) -> None:
    if delivery.state in OPEN_DELIVERIES:
        raise TransitionRefused(f"Delivery {delivery.pk} is {delivery.state}: it has not ended.")
    if delivery.state == DeliveryState.DONE:
        raise TransitionRefused(
            f"Delivery {delivery.pk} is done. `manage.py deposit reschedule` delivers anew."
        )
    if not delivery.current:
        raise TransitionRefused(f"Delivery {delivery.pk} has been retried already.")


def _locked_open(delivery_id: int) -> Delivery:
    delivery = Delivery.objects.select_for_update().get(pk=delivery_id)
    if delivery.state not in OPEN_DELIVERIES:
        raise TransitionRefused(f"Delivery {delivery_id} has ended: it is {delivery.state}.")
    return delivery


def make_due(deposit_id: int) -> None:
    """Have a deposit looked at now that waits for something or somebody; one that is being worked on goes on."""
    items.make_due(Work.LOAD, deposit_id)


def _go_on(delivery: Delivery, actor: Actor, operation: str, **detail: Any) -> None:
    make_due(delivery.deposit_id)
    _record_audit(actor, operation, delivery, **detail)


def _record_audit(actor: Actor, operation: str, delivery: Delivery, **detail: Any) -> None:
    audit.record(
        operation, subject=f"delivery {delivery.pk}", actor=actor, deposit=delivery.deposit_id, **detail
    )


def _name(actor: Actor) -> str:
    return str(actor.user or actor)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of one delivery of many: the refusal, or "" where it was done."""

    delivery: int
    refusal: str = ""


VERBS: Mapping[str, Callable[..., Delivery]] = {"cancel": cancel, "abandon": abandon, "retry": retry}


def perform(verb: str, ids: list[int], *, actor: Actor, **arguments: Any) -> list[Outcome]:
    """Do the same to many, each on its own: one that is refused holds up no other."""
    return [_one(VERBS[verb], delivery_id, actor, arguments) for delivery_id in ids]


def _one(
    service: Callable[..., Delivery], delivery_id: int, actor: Actor, arguments: Mapping[str, Any]
) -> Outcome:
    try:
        service(delivery_id=delivery_id, actor=actor, **arguments)
    except (Refusal, TransitionRefused) as refusal:
        return Outcome(delivery=delivery_id, refusal=str(refusal))
    return Outcome(delivery=delivery_id)


def preview(verb: str, ids: list[int], *, actor: Actor, **arguments: Any) -> list[Outcome]:
    """What `perform` would do: all of it is tried, and undone."""
    with transaction.atomic():
        outcomes = perform(verb, ids, actor=actor, **arguments)
        transaction.set_rollback(True)
    return outcomes
