"""``manage.py subscription``: who is told what, by mail and by webhooks."""

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User

from deposit.actors import Channel, system_actor
from deposit.management.actions import ActionsCommand, Row
from deposit.models import NoticeType, Subscription, SubscriptionReach
from deposit.notices import subscriptions
from deposit.services.accounts import AccountError

ACTOR = system_actor(Channel.COMMAND)
_EVENTS = [each.value for each in NoticeType if each is not NoticeType.TEST]


def _row_of(subscription: Subscription) -> dict[str, Any]:
    counts = subscriptions.counted([subscription])[subscription.pk]
    return {
        "id": subscription.pk,
        "user": subscription.user.get_username(),
        "channel": subscription.channel,
        "to": subscription.url.partition("?")[0] or subscription.user.email,
        "reach": subscription.reach,
        "collection": subscription.collection.name if subscription.collection else "",
        "events": list(subscription.events),
        "digest": subscription.digest,
        "state": subscription.state,
        "waiting": counts["waiting"],
        "dead": counts["dead"],
        "last_fault": subscription.last_fault,
    }


def _user(username: str) -> User:
    user = User.objects.filter(username=username).first()
    if user is None:
        raise AccountError(f"There is no user {username}.")
    return user


def _add(parser: ArgumentParser) -> Callable[..., Row]:
    parser.add_argument("--username", required=True)
    parser.add_argument("--url", default="", help="the address of a webhook; without it by mail")
    parser.add_argument(
        "--event", action="append", choices=_EVENTS, required=True, help="may be given several times"
    )
    parser.add_argument("--reach", choices=SubscriptionReach.values, default="own", help="of which deposits")
    parser.add_argument("--collection", default="", help="only deposits of this collection")
    parser.add_argument("--digest", action="store_true", help="one mail a day")
    parser.add_argument("--language", default="", help="of mails: en, de, fr")

    def run(username: str, url: str, event: list[str], **chosen: Any) -> Row:
        made, secret = subscriptions.add(
            actor=ACTOR,
            user=_user(username),
            channel="webhook" if url else "mail",
            url=url,
            events=event,
            **chosen,
        )
        shown = {"secret": secret, "note": "shown this once"} if secret else {}
        return {**shown, **_row_of(made)}

    return run


def _list(parser: ArgumentParser) -> Callable[..., list[dict[str, Any]]]:
    parser.add_argument("--username", help="only those of this user")

    def run(username: str | None) -> list[dict[str, Any]]:
        found = subscriptions.subscriptions_for(ACTOR)
        if username:
            found = found.filter(user=_user(username))
        return [_row_of(one) for one in found]

    return run


def _by_id(parser: ArgumentParser, act: Callable[[int], Row]) -> Callable[..., Row]:
    parser.add_argument("--id", type=int, required=True, help="as `manage.py subscription list` shows it")
    return lambda id: act(id)


def _remove(parser: ArgumentParser) -> Callable[..., Row]:
    def act(number: int) -> Row:
        row = _row_of(subscriptions.subscription_for(ACTOR, number))
        subscriptions.remove(actor=ACTOR, subscription_id=number)
        return row

    return _by_id(parser, act)


def _resume(parser: ArgumentParser) -> Callable[..., Row]:
    return _by_id(parser, lambda number: _row_of(subscriptions.resume(actor=ACTOR, subscription_id=number)))


def _rotate(parser: ArgumentParser) -> Callable[..., Row]:
    def act(number: int) -> Row:
        subscription, secret = subscriptions.rotate(actor=ACTOR, subscription_id=number)
        return {"secret": secret, "note": "shown this once", **_row_of(subscription)}

    return _by_id(parser, act)


class Command(ActionsCommand):
    """Add, list, remove and resume subscriptions."""

    help = "Subscriptions: who is told what, by mail and by webhooks."
    verbs = {
        "add": ("subscribe a user; a webhook's secret is shown once", _add),
        "list": ("show the subscriptions and how they fare", _list),
        "remove": ("end a subscription, with the log of its notices", _remove),
        "resume": ("send again after a pause", _resume),
        "rotate": ("make a new secret for a webhook; the former one goes on for a while", _rotate),
    }
