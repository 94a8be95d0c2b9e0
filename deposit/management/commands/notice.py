"""``manage.py notice``: what was told to whom, sent again, tried out; and mails that came back."""

import sys
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from deposit.actors import Channel, system_actor
from deposit.management.actions import ActionsCommand, Row
from deposit.models import Notification, NotificationState
from deposit.notices import subscriptions, unsubscribing
from deposit.refusals import Kind, Refusal

ACTOR = system_actor(Channel.COMMAND)
# A report of a mail server is not longer.
_REPORT_BYTES = 1024 * 1024


def _row_of(notice: Notification) -> dict[str, Any]:
    return {
        "id": notice.pk,
        "message": notice.message_id,
        "user": notice.subscription.user.get_username(),
        "subscription": notice.subscription_id,
        "type": notice.type,
        "deposit": notice.deposit_id,
        "state": notice.state,
        "attempts": notice.attempts,
        "at": f"{notice.created_at:%Y-%m-%d %H:%M:%S}",
        "answer": notice.answer,
    }


def _list(parser: ArgumentParser) -> Callable[..., list[dict[str, Any]]]:
    parser.add_argument("--subscription", type=int, help="only those of this subscription")
    parser.add_argument("--deposit-id", type=int, help="only those about this deposit")
    parser.add_argument(
        "--state", choices=NotificationState.values, default="", help="dead: what was given up"
    )
    parser.add_argument("--limit", type=int, default=50, help="the newest so many (50)")

    def run(subscription: int | None, deposit_id: int | None, state: str, limit: int) -> list[dict[str, Any]]:
        found = subscriptions.notices_for(ACTOR, subscription=subscription, state=state, deposit=deposit_id)
        return [_row_of(one) for one in found[:limit]]

    return run


def _show(parser: ArgumentParser) -> Callable[..., Row]:
    parser.add_argument("--id", type=int, required=True)

    def run(id: int) -> Row:
        notice = subscriptions.notice_for(ACTOR, id)
        log = [
            {"at": f"{one.at:%Y-%m-%d %H:%M:%S}", "status": one.status, "answer": one.answer}
            for one in notice.log.all()
        ]
        return {**_row_of(notice), "body": notice.body, "log": log}

    return run


def _test(parser: ArgumentParser) -> Callable[..., Row]:
    parser.add_argument("--subscription", type=int, required=True)
    return lambda subscription: _row_of(subscriptions.test(actor=ACTOR, subscription_id=subscription))


def _replay(parser: ArgumentParser) -> Callable[..., Row]:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--id", type=int, help="one notice, however it ended")
    which.add_argument("--subscription", type=int, help="all that was given up for a subscription")

    def run(id: int | None, subscription: int | None) -> Row:
        if id is not None:
            return _row_of(subscriptions.replay(actor=ACTOR, notice_id=id))
        assert subscription is not None
        return {"replayed": subscriptions.replay_dead(actor=ACTOR, subscription_id=subscription)}

    return run


def _bounce(parser: ArgumentParser) -> Callable[..., Row]:
    def run() -> Row:
        found = unsubscribing.bounced(sys.stdin.buffer.read(_REPORT_BYTES))
        if found is None:
            raise Refusal(
                Kind.NOT_FOUND,
                "notice.no_bounce",
                "This is no report on a notice of this service that did not arrive.",
                "Pipe the whole message, as the mail server received it.",
            )
        return _row_of(found)

    return run


class Command(ActionsCommand):
    """List, test and replay notices; take in mails that came back."""

    help = "Notices: what was told to whom, sent again, tried out."
    verbs = {
        "list": ("show the newest notices", _list),
        "show": ("show one notice with its body and each attempt", _show),
        "test": ("send a test to a subscription", _test),
        "replay": ("send again what has ended", _replay),
        "bounce": ("take in a report of a mail server, from standard input", _bounce),
    }
