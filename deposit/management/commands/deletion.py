"""``manage.py deletion``: requests to withdraw, restore or erase deposits, and decisions on them."""

from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User

from deposit.actors import Actor, Channel, system_actor
from deposit.erasure.report import copy_facts, counted
from deposit.erasure.report_pdf import as_pdf
from deposit.management.actions import ActionsCommand, Row
from deposit.models import DeletionKind, DeletionRequest, DeletionState
from deposit.services import deletions, erasing
from deposit.services.accounts import AccountError


def _row(asked: DeletionRequest) -> dict[str, Any]:
    return {
        "id": asked.pk,
        "deposit": asked.deposit_id,
        "kind": asked.kind,
        "state": asked.state,
        "requester": asked.requester.get_username(),
        "requested_at": f"{asked.requested_at:%Y-%m-%d %H:%M}",
        "expires_at": f"{asked.expires_at:%Y-%m-%d %H:%M}",
        "reviewer": asked.reviewer.get_username() if asked.reviewer else "",
        "erased_at": f"{asked.erased_at:%Y-%m-%d %H:%M}" if asked.erased_at else "",
        "reason": asked.reason,
        "note": asked.note,
    }


def _whole(asked: DeletionRequest) -> dict[str, Any]:
    """With the plan of an erasure, in lines that people read, and as it is for programs."""
    actor = system_actor(Channel.COMMAND)
    row = _row(asked)
    if asked.objects_named:
        row["objects"] = list(asked.objects_named)
    plan = erasing.plan_for(actor, asked)
    if plan is not None:
        row |= {
            "goes": counted(plan["goes"]),
            "stays": counted(plan["stays"]),
            "shared_with": list(plan["shared_with"]),
            "packs": f"{plan['packs']['number']}, of {plan['packs']['bytes']} bytes",
            "as_sent": f"packages: {plan['staged']['packages']}, documents: {plan['staged']['documents']} "
            f"({plan['staged']['bytes']} bytes)",
            "examples": list(plan["examples"]),
        }
    elif asked.kind == DeletionKind.ERASE:
        row["plan"] = "still being made by a loader; it is needed to approve"
    row["copies"] = [f"{kind}: {place}" for kind, place in copy_facts(erasing.copies_for(actor, asked))]
    if asked.progress:
        row["progress"] = ", ".join(f"{name} {value}" for name, value in asked.progress.items())
    return row


def _user_option(parser: ArgumentParser) -> None:
    parser.add_argument("--user", required=True, help="who you are: it takes two people")


def _acting(username: str) -> Actor:
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        raise AccountError(f"There is no active user {username}.")
    return Actor(user=user, channel=Channel.COMMAND)


def _request(parser: ArgumentParser) -> Callable[..., Row]:
    _user_option(parser)
    parser.add_argument("--deposit-id", type=int, required=True)
    parser.add_argument("--kind", choices=DeletionKind.values, default=DeletionKind.WITHDRAW.value)
    parser.add_argument("--reason", required=True, help="10 to 2,000 characters, shown for ever")
    parser.add_argument(
        "--object",
        action="append",
        default=[],
        dest="objects",
        help="with --kind erase: the SWHID of a file or folder, if only that is to go; can be given again",
    )

    def run(user: str, deposit_id: int, kind: str, reason: str, objects: list[str]) -> Row:
        return _row(
            deletions.request(
                actor=_acting(user),
                deposit_id=deposit_id,
                kind=DeletionKind(kind),
                reason=reason,
                objects=objects,
            )
        )

    return run


def _list(parser: ArgumentParser) -> Callable[..., list[dict[str, Any]]]:
    parser.add_argument("--state", choices=DeletionState.values, default="", help="only those in this state")
    parser.add_argument("--deposit-id", type=int, help="only those on this deposit")
    parser.add_argument("--limit", type=int, default=50, help="the newest so many (50)")

    def run(state: str, deposit_id: int | None, limit: int) -> list[dict[str, Any]]:
        found = deletions.requests_for(system_actor(Channel.COMMAND))
        found = found.filter(state=state) if state else found
        found = found.filter(deposit=deposit_id) if deposit_id is not None else found
        return [
            {name: value for name, value in _row(one).items() if name not in ("reason", "note")}
            for one in found[: max(0, limit)]
        ]

    return run


def _show(parser: ArgumentParser) -> Callable[..., Row]:
    parser.add_argument("--id", type=int, required=True)
    return lambda id: _whole(deletions.request_for(system_actor(Channel.COMMAND), id))


def _report(parser: ArgumentParser) -> Callable[..., Row]:
    parser.add_argument("--id", type=int, required=True)
    parser.add_argument("--to", type=Path, required=True, help="where the PDF is written")

    def run(id: int, to: Path) -> Row:
        actor = system_actor(Channel.COMMAND)
        data = as_pdf(erasing.report_for(actor, deletions.request_for(actor, id)))
        try:
            to.write_bytes(data)
        except OSError as error:
            raise AccountError(f"{to} cannot be written: {error.strerror}.") from error
        return {"request": id, "written": str(to), "bytes": len(data)}

    return run


def _review(act: Callable[..., DeletionRequest], *, needs_note: bool) -> Callable[..., Callable[..., Row]]:
    def set_up(parser: ArgumentParser) -> Callable[..., Row]:
        _user_option(parser)
        parser.add_argument("--id", type=int, required=True)
        parser.add_argument("--note", required=needs_note, default="", help="what you say to it")
        return lambda user, id, note: _row(act(actor=_acting(user), request_id=id, note=note))

    return set_up


def _cancel(parser: ArgumentParser) -> Callable[..., Row]:
    _user_option(parser)
    parser.add_argument("--id", type=int, required=True)
    return lambda user, id: _row(deletions.cancel(actor=_acting(user), request_id=id))


class Command(ActionsCommand):
    """Ask for deposits to be withdrawn, restored or erased, and decide on it: one person asks, another decides."""

    help = "Withdraw, restore and erase deposits: one person asks, another decides."
    verbs = {
        "request": ("ask for a deposit to be withdrawn, restored or erased", _request),
        "list": ("show the newest requests", _list),
        "show": ("show one request with its reasons and its plan", _show),
        "report": ("write the report of a request as PDF", _report),
        "approve": ("do what somebody else has asked for", _review(deletions.approve, needs_note=False)),
        "reject": ("leave all as it is, for a reason", _review(deletions.reject, needs_note=True)),
        "cancel": ("take a request of your own back", _cancel),
    }
