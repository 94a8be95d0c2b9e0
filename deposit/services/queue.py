"""What operators do to the queue: have work tried at once, strike it."""

from django.db import transaction

from deposit import audit
from deposit.actors import Actor
from deposit.lifecycle import TransitionRefused
from deposit.models import WorkItem
from deposit.permissions import Operation, require_service
from deposit.queue import items, registry
from deposit.refusals import Kind, Refusal


def _open(actor: Actor, item_id: int) -> WorkItem:
    require_service(actor, Operation.SEE_QUEUES)
    item = WorkItem.objects.select_for_update().filter(pk=item_id).first()
    if item is None:
        raise Refusal(
            Kind.NOT_FOUND,
            "queue.unknown",
            f"There is no open work {item_id}.",
            "It may be done by now; `manage.py queue list` and /api/queue/ show what is open.",
        )
    return item


def retry(*, item_id: int, actor: Actor) -> WorkItem:
    """Have open work tried at once, as if for the first time. Raises `Refusal`, `TransitionRefused`."""
    with transaction.atomic():
        item = _open(actor, item_id)
        if not items.make_due(item.kind, item.key):
            raise TransitionRefused(f"The work '{item}' is in the hands of {item.lease_owner}.")
        audit.record("queue.retry", subject=f"work {item}", actor=actor)
    item.refresh_from_db()
    return item


def cancel(*, item_id: int, actor: Actor) -> None:
    """Strike work from the queue; a worker that has it loses its lease. Raises `Refusal`, `TransitionRefused`."""
    with transaction.atomic():
        item = _open(actor, item_id)
        kind = registry.KINDS.get(item.kind)
        if kind and not kind.cancellable:
            raise TransitionRefused(
                f"The work '{item}' cannot be cancelled: its deposit would wait for ever. Cancel its delivery instead, "
                "or let the checks end."
            )
        if kind and kind.cancelled:
            kind.cancelled(item)
        item.delete()
        audit.record("queue.cancel", subject=f"work {item}", actor=actor)
