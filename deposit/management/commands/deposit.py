"""``manage.py deposit``: look at deposits, and put right what is stuck."""

from argparse import ArgumentParser
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db.models import Sum
from django.db.models.functions import Now

from deposit.actors import Channel, system_actor
from deposit.management.actions import ActionsCommand, Row
from deposit.models import Deposit, PartKind, Status
from deposit.monitoring.waiting import why_not_done
from deposit.services import operations

ACTOR = system_actor(Channel.COMMAND)


def _short(deposit: Deposit) -> dict[str, Any]:
    return {
        "id": deposit.pk,
        "status": deposit.status,
        "client": deposit.client.user.get_username(),
        "collection": deposit.collection.name,
        "received": f"{deposit.reception_date:%Y-%m-%d %H:%M:%S}",
        "origin_url": deposit.origin_url,
        "swhid": deposit.swhid,
    }


def _list(parser: ArgumentParser) -> Callable[..., list[dict[str, Any]]]:
    parser.add_argument("--status", choices=Status.values, help="only those in this status")
    parser.add_argument("--client", help="only those of this user name")
    parser.add_argument("--collection", help="only those of this collection")
    parser.add_argument("--limit", type=int, default=50, help="the newest so many (50)")

    def run(
        status: str | None, client: str | None, collection: str | None, limit: int
    ) -> list[dict[str, Any]]:
        deposits = Deposit.objects.select_related("client__user", "collection").order_by("-id")
        filters = {"status": status, "client__user__username": client, "collection__name": collection}
        deposits = deposits.filter(**{name: value for name, value in filters.items() if value})
        return [_short(deposit) for deposit in deposits[:limit]]

    return run


def _show(parser: ArgumentParser) -> Callable[..., Row]:
    parser.add_argument("--deposit-id", type=int, required=True)

    def run(deposit_id: int) -> Row:
        deposit = Deposit.objects.select_related("client__user", "collection").get(pk=deposit_id)
        return {
            **_short(deposit),
            "why_not_done": why_not_done(deposit, faults=True),
            "external_id": deposit.external_id,
            "completed": deposit.complete_date,
            "software_version": deposit.software_version,
            "swhid_context": deposit.swhid_context,
            "work": [
                {
                    "kind": item.kind,
                    "due": f"{item.due_at:%Y-%m-%d %H:%M:%S}",
                    "attempts": item.attempts,
                    "lease": f"{item.lease_owner} until {item.lease_expires_at}" if item.lease_owner else "",
                    "last_fault": item.last_fault,
                }
                for item in deposit.work.order_by("id")
            ],
            "parts": [
                {"kind": part.kind, "name": part.name, "size": part.size, "sha256": part.sha256}
                for part in deposit.parts.order_by("id")
            ],
            "findings": [
                {"severity": f.severity, "code": f.code, "subject": f.subject, "message": f.message}
                for f in deposit.findings.order_by("id")
            ],
            "events": [
                {
                    "at": f"{event.at:%Y-%m-%d %H:%M:%S}",
                    "name": event.name,
                    "to": event.to_status,
                    "actor": event.actor,
                    "reason": event.detail.get("reason", ""),
                }
                for event in deposit.events.order_by("id")
            ],
        }

    return run


def _clear(parser: ArgumentParser) -> Callable[..., Row]:
    parser.add_argument(
        "--older-than-days", type=float, required=True, help="in their status for longer than this"
    )
    parser.add_argument(
        "--status",
        action="append",
        choices=[str(status) for status in operations.CLEARED],
        help="which (rejected); may be given several times",
    )
    parser.add_argument("--client", help="only those of this user name")
    parser.add_argument("--collection", help="only those of this collection")
    parser.add_argument(
        "--dry-run", action="store_true", help="only tell which, and how much that would free"
    )

    def run(
        older_than_days: float,
        status: list[str] | None,
        client: str | None,
        collection: str | None,
        dry_run: bool,
    ) -> Row:
        filters = {"client__user__username": client, "collection__name": collection}
        found = Deposit.objects.filter(
            status__in=status or [Status.REJECTED],
            status_changed_at__lt=Now() - timedelta(days=older_than_days),
            parts__kind=PartKind.PACKAGE,
            **{name: value for name, value in filters.items() if value},
        )
        sizes = dict(found.annotate(bytes=Sum("parts__size")).order_by("id").values_list("id", "bytes"))
        if not dry_run:
            for deposit_id in sizes:
                operations.clear(deposit_id=deposit_id, actor=ACTOR)
        told = {"deposits": list(sizes), "bytes": sum(sizes.values())}
        return {"would_clear" if dry_run else "cleared": len(sizes), **told}

    return run


def _operation(change: Callable[..., Deposit | None]) -> Callable[[ArgumentParser], Callable[..., Row]]:
    def set_up(parser: ArgumentParser) -> Callable[..., Row]:
        parser.add_argument("--deposit-id", type=int, required=True)

        def run(deposit_id: int) -> Row:
            change(deposit_id=deposit_id, actor=ACTOR)
            return _short(Deposit.objects.select_related("client__user", "collection").get(pk=deposit_id))

        return run

    return set_up


class Command(ActionsCommand):
    """Look at deposits, and put right what is stuck."""

    help = "Deposits: look at them, and put right what is stuck."
    verbs = {
        "list": ("show the newest deposits", _list),
        "show": ("show one deposit with its parts, findings and history", _show),
        "reschedule": ("load a failed or loaded deposit again", _operation(operations.reschedule)),
        "recheck": ("check a rejected or failed deposit again", _operation(operations.recheck)),
        "clear": ("remove the packages of old deposits that came to nothing; their records stay", _clear),
        "expire": ("give up a partial deposit and remove its packages", _operation(operations.expire)),
    }
