"""Notices in tests: subscriptions of real users, and a dispatcher with its workers in one call."""

from typing import Any

from django.contrib.auth.models import User
from django.db.models.functions import Now

from deposit.actors import Actor, Channel
from deposit.models import Client, Subscription, WorkItem
from deposit.notices import digest, sending, subscriptions
from deposit.notices.expansion import expand
from deposit.notices.names import NOTICE, QUEUE

DONE = ("deposit.done", "deposit.rejected", "deposit.failed")


def user_actor(user: User) -> Actor:
    """A user at the web pages."""
    return Actor(user=user, channel=Channel.DASHBOARD)


def with_address(client: Client, address: str = "ada@example.org") -> User:
    """The client's user, with a mail address."""
    client.user.email = address
    client.user.save(update_fields=["email"])
    return client.user


def subscribed(user: User, url: str = "", **fields: Any) -> tuple[Subscription, str]:
    """A webhook of a user where an address is given, else a mail; with the webhook's secret."""
    channel = "webhook" if url else "mail"
    wanted = {"events": DONE, "url": url, **fields}
    return subscriptions.add(actor=user_actor(user), user=user, channel=channel, **wanted)


def work_off(*, rounds: int = 20, also_later: bool = False) -> int:
    """Expand the outbox and do all work of notices that is due (or ``also_later``); how much that was."""
    expand()
    number = 0
    for _ in range(rounds):
        work = WorkItem.objects.filter(queue=QUEUE, lease_expires_at=None)
        if also_later:
            work.update(due_at=Now())
            Subscription.objects.update(retry_at=None)
        due = list(work.filter(due_at__lte=Now()).order_by("due_at", "id").values_list("kind", "key"))
        for kind, key in due:
            task = sending.send if kind == NOTICE else digest.send
            task(int(key), worker="worker")
        number += len(due)
        if not due:
            break
        also_later = False
    return number
