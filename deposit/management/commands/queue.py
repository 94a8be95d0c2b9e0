"""``manage.py queue``: look at the work that is open, have it tried at once, strike it."""

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from deposit.actors import Channel, system_actor
from deposit.management.actions import ActionsCommand, Row
from deposit.models import WorkItem
from deposit.queue import reading
from deposit.refusals import Kind, Refusal
from deposit.services import queue

ACTOR = system_actor(Channel.COMMAND)


def _short(item: WorkItem) -> dict[str, Any]:
    return {
        "id": item.pk,
        "kind": item.kind,
        "key": item.key,
        "deposit": item.deposit_id,
        "state": item.state,  # type: ignore[attr-defined]
        "due": f"{item.due_at:%Y-%m-%d %H:%M:%S}",
        "attempts": item.attempts,
        "worker": item.lease_owner,
        "last_fault": item.last_fault,
    }


def _list(parser: ArgumentParser) -> Callable[..., list[dict[str, Any]]]:
    parser.add_argument("--kind", default="", help="only work of this kind")
    parser.add_argument("--state", default="", choices=[str(state) for state in reading.State])
    parser.add_argument("--failed", action="store_true", help="only what failed before")
    parser.add_argument("--deposit-id", type=int, help="only work about this deposit")
    parser.add_argument("--limit", type=int, default=50, help="the oldest so many (50)")

    def run(kind: str, state: str, failed: bool, deposit_id: int | None, limit: int) -> list[dict[str, Any]]:
        found = reading.open_work(kind=kind, state=state, failed=failed, deposit=deposit_id)
        return [_short(item) for item in found[:limit]]

    return run


def _summary(parser: ArgumentParser) -> Callable[..., list[dict[str, Any]]]:
    def run() -> list[dict[str, Any]]:
        return [
            {
                "kind": one.kind,
                "open": one.number,
                "waiting": one.waiting,
                "sent": one.sent,
                "working": one.working,
                "silent": one.silent,
                "later": one.later,
                "failed": one.failed,
                "heavy": one.heavy,
                "longest_seconds": round(one.longest_seconds),
            }
            for one in reading.counted()
        ]

    return run


def _one(item_id: int) -> Row:
    item = reading.open_work().filter(pk=item_id).first()
    if item is None:
        raise Refusal(Kind.NOT_FOUND, "queue.unknown", f"There is no open work {item_id}.")
    return _short(item) | {
        "queue": item.queue,
        "heavy": item.heavy,
        "share": item.share,
        "sends": item.sends,
        "sent": item.sent_at,
        "lease_until": item.lease_expires_at,
        "created": item.created_at,
        "arguments": item.arguments,
    }


def _show(parser: ArgumentParser) -> Callable[..., Row]:
    parser.add_argument("--id", type=int, required=True, dest="item_id")
    return _one


def _retry(parser: ArgumentParser) -> Callable[..., Row]:
    parser.add_argument("--id", type=int, required=True, dest="item_id")

    def run(item_id: int) -> Row:
        queue.retry(item_id=item_id, actor=ACTOR)
        return _one(item_id)

    return run


def _cancel(parser: ArgumentParser) -> Callable[..., Row]:
    parser.add_argument("--id", type=int, required=True, dest="item_id")

    def run(item_id: int) -> Row:
        told = _one(item_id)
        queue.cancel(item_id=item_id, actor=ACTOR)
        return told

    return run


class Command(ActionsCommand):
    """Look at the work that is open, have it tried at once, strike it."""

    help = "The queue: look at the work that is open, have it tried at once, strike it."
    verbs = {
        "list": ("show the oldest open work", _list),
        "summary": ("count the open work of each kind", _summary),
        "show": ("show one piece of work", _show),
        "retry": ("have one tried at once, as if for the first time", _retry),
        "cancel": ("strike one", _cancel),
    }
