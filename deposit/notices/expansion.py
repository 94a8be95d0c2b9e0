"""From events to notifications: each line of the outbox becomes a notification and a work item per subscription."""

import logging
from collections.abc import Iterable

from django.db import transaction

from deposit.models import Notification, NotificationState, Subscription, WorkItem
from deposit.notices import outbox
from deposit.notices.audience import listeners
from deposit.notices.content import Told, tell
from deposit.notices.names import DIGEST, NOTICE, QUEUE
from deposit.notices.times import seconds_to_digest
from deposit.queue import items

logger = logging.getLogger(__name__)

# Lines that one transaction reads, and transactions of one call.
_LINES = 500
_PASSES = 4


def expand() -> int:
    """Tell what waits in the outbox, up to a bounded number of lines; how many lines that were.

    Each pass is one transaction: notifications, work items and position are there together or not at all.
    """
    number = 0
    for _ in range(_PASSES):
        if not outbox.waits():
            break
        with transaction.atomic():
            lines = outbox.take(_LINES)
            if lines:
                add(listeners(tell(lines)))
        number += len(lines)
        if len(lines) < _LINES:
            break
    return number


def add(wanted: Iterable[tuple[Subscription, Told]]) -> list[Notification]:
    """Make notifications and ask for the work of sending them, within the caller's transaction.

    What a subscription has been told already, it is not told again.
    """
    pairs = list(wanted)
    known = set(
        Notification.objects.filter(
            event__in={told.event_id for _, told in pairs},
            subscription__in={subscription.pk for subscription, _ in pairs},
        ).values_list("subscription", "event")
    )
    made = [
        Notification(
            subscription=subscription,
            event_id=told.event_id,
            deposit_id=told.deposit.pk,
            type=told.type,
            body=told.body,
            state=NotificationState.COLLECTED if subscription.digest else NotificationState.WAITING,
        )
        for subscription, told in pairs
        if (subscription.pk, told.event_id) not in known
    ]
    return send(made)


def send(made: list[Notification]) -> list[Notification]:
    """Write notifications, and ask for the work of sending them, within the caller's transaction."""
    Notification.objects.bulk_create(made, batch_size=500)
    ask_for(one for one in made if one.state == NotificationState.WAITING)
    for subscription in {one.subscription for one in made if one.state == NotificationState.COLLECTED}:
        items.ask(DIGEST, subscription.pk, share=subscription.pk, due_in=seconds_to_digest())
    if made:
        logger.info("notices=%s made", len(made))
    return made


def ask_for(notifications: Iterable[Notification]) -> int:
    """Ask for the work of sending, all in one statement; of paused subscriptions nothing is sent."""
    rows = [
        WorkItem(
            kind=NOTICE,
            key=str(one.pk),
            queue=QUEUE,
            share=one.subscription_id,
            heavy=one.subscription.slow or one.subscription.failures > 0,
        )
        for one in notifications
        if one.subscription.paused_at is None
    ]
    WorkItem.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)
    if rows:
        items.announce()
    return len(rows)
