"""``manage.py delivery``: deliveries of deposits to their destinations; look at them, and act on one or many."""

import time
from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.core.management.base import CommandError

from deposit.actors import Channel, system_actor
from deposit.lists import deliveries as told
from deposit.management.actions import ActionsCommand, Row
from deposit.models import Delivery, DeliveryState
from deposit.permissions import Operation
from deposit.services import deliveries

ACTOR = system_actor(Channel.COMMAND)
_COLUMNS = frozenset({"id", "deposit", "destination", "pipeline", "state", "started_at", "ended_at", "error"})
_COLUMNS |= {"delivery", "outcome", "refusal"}


def _filters(parser: ArgumentParser) -> None:
    parser.add_argument("--state", choices=DeliveryState.values, action="append", help="only in this state")
    parser.add_argument("--destination", help="only to this destination")
    parser.add_argument("--pipeline", help="only through this pipeline")
    parser.add_argument("--collection", help="only of deposits of this collection")
    parser.add_argument("--deposit", type=int, help="only of this deposit")
    parser.add_argument("--limit", type=int, default=50, help="the newest so many (50)")


def _found(limit: int, **wanted: Any) -> list[Delivery]:
    rows = told.DeliveryFilter(
        {name: value for name, value in wanted.items() if value}, queryset=told.visible_deliveries(ACTOR)
    )
    return list(rows.qs[:limit])


def _list(parser: ArgumentParser) -> Callable[..., list[dict[str, Any]]]:
    _filters(parser)
    return lambda **options: [told.whole(one) for one in _found(**options)]


def _show(parser: ArgumentParser) -> Callable[..., Row]:
    parser.add_argument("delivery_id", metavar="ID", type=int)

    def run(delivery_id: int) -> Row:
        return told.whole(deliveries.delivery_for(ACTOR, delivery_id, Operation.READ), faults=True)

    return run


def _acts(service: Callable[..., Delivery]) -> Callable[[ArgumentParser], Callable[..., Row]]:
    def set_up(parser: ArgumentParser) -> Callable[..., Row]:
        parser.add_argument("delivery_id", metavar="ID", type=int)
        if service is deliveries.retry:
            parser.add_argument(
                "--mode", choices=deliveries.MODES, help="reconcile first (the default), or full"
            )
        if service is deliveries.decide:
            parser.add_argument("option", metavar="OPTION", help="one of the options that `show` lists")

        def run(delivery_id: int, **options: Any) -> Row:
            return told.whole(service(delivery_id=delivery_id, actor=ACTOR, **options))

        return run

    return set_up


def _reconcile(parser: ArgumentParser) -> Callable[..., Row]:
    parser.add_argument("delivery_id", metavar="ID", type=int)
    parser.add_argument(
        "--apply", action="store_true", help="end the delivery with what is stored, if it is all"
    )
    parser.add_argument(
        "--wait", type=float, default=60.0, help="how long to wait for a worker, in seconds (60)"
    )

    def run(delivery_id: int, apply: bool, wait: float) -> Row:
        deliveries.ask_for_reconciliation(delivery_id=delivery_id, actor=ACTOR, apply=apply)
        deadline = time.monotonic() + wait
        while (found := deliveries.reconciliation_of(delivery_id)) is None:
            if time.monotonic() > deadline:
                raise CommandError("No worker has looked yet: `delivery show` tells once one has.")
            time.sleep(0.2)
        return {"delivery": delivery_id, "applied": bool(apply and found.get("complete")), **found}

    return run


def _bulk(parser: ArgumentParser) -> Callable[..., list[dict[str, Any]]]:
    parser.add_argument("operation", choices=deliveries.VERBS)
    _filters(parser)
    parser.add_argument("--mode", choices=deliveries.MODES, help="of a retry")
    parser.add_argument(
        "--apply", action="store_true", help="do it; without this, what would be done is shown"
    )

    def run(operation: str, mode: str | None, apply: bool, **options: Any) -> list[dict[str, Any]]:
        ids = [one.pk for one in _found(**options)]
        arguments = {"mode": mode} if operation == "retry" else {}
        service = deliveries.perform if apply else deliveries.preview
        outcomes = service(operation, ids, actor=ACTOR, **arguments)
        word = operation if apply else f"would {operation}"
        return [
            {"delivery": one.delivery, "outcome": (one.refusal and "refused") or word, "refusal": one.refusal}
            for one in outcomes
        ]

    return run


class Command(ActionsCommand):
    """Look at deliveries, and act on them."""

    help = "Deliveries of deposits to their destinations."
    verbs = {
        "list": ("show the newest deliveries", _list),
        "show": ("show one delivery with its steps", _show),
        "retry": ("deliver again what ended without success", _acts(deliveries.retry)),
        "cancel": ("cancel a delivery before its next step", _acts(deliveries.cancel)),
        "abandon": ("give a delivery up", _acts(deliveries.abandon)),
        "decide": ("answer what a delivery asks", _acts(deliveries.decide)),
        "reconcile": ("look what a delivery has left at its destination", _reconcile),
        "bulk": ("retry, cancel or abandon all that fit; a preview unless --apply", _bulk),
    }

    def _print(self, answer: Row | Sequence[Row], *, as_json: bool) -> None:
        """Lists are tables for people: what a table has no room for `show` tells."""
        if not as_json and not isinstance(answer, Mapping):
            answer = [{name: row[name] for name in row if name in _COLUMNS} for row in answer]
        super()._print(answer, as_json=as_json)
