"""Sending notifications: claimed one by one, in order for each deposit, and never held up by another's receiver.

A notification waits until those before it, of the same subscription and deposit, have ended: its work item goes, and is
asked for again when its turn has come. A receiver that fails is left alone for a while as a whole; what waits for it
moves to the lane of slow work, so that it takes few workers whatever it does.
"""

import logging
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from deposit.models import (
    OPEN_NOTIFICATIONS,
    Notice,
    Notification,
    NotificationAttempt,
    NotificationState,
    Subscription,
    SubscriptionChannel,
    WorkItem,
)
from deposit.notices import mail, times, webhooks
from deposit.notices.expansion import ask_for, expand
from deposit.notices.names import NOTICE, QUEUE
from deposit.notices.webhooks import Result
from deposit.queue import items
from deposit.queue.claims import Claim, LeaseLost
from deposit.queue.leases import kept
from deposit.queue.policies import Policy
from deposit.queue.registry import Kind, Later, Taking, register

logger = logging.getLogger(__name__)

# The code of what a user is told of a pause.
PAUSED = "subscription.paused"
# So many notices are on their way to one receiver at the same time; to one that fails or is slow, one.
AT_ONCE = 3
_BUSY_SECONDS = 0.5
_FAILING_SECONDS = 1.0
# An address that is refused for good so often in a row is not written to any more.
_REFUSALS = 3
# Only of workers that died without a word: what a receiver answers is counted by the notification.
POLICY = Policy(name="notice", attempts=10, first_wait_seconds=5, longest_wait_seconds=300, stall_seconds=300)

_AT_RECEIVER = """
SELECT count(*) FROM deposit_workitem
WHERE sent_at IS NOT NULL AND queue = %s AND share = %s AND id <> %s AND lease_expires_at > statement_timestamp()
"""
# Rows that somebody holds locked are passed over: who does waits for the row of the subscription, which is ours now.
# What waits for a receiver that fails is not tried one by one.
_PUT_OFF = """
UPDATE deposit_workitem SET due_at = statement_timestamp() + make_interval(secs => %s), heavy = true,
    sent_at = NULL, sends = 0
WHERE id IN (
    SELECT id FROM deposit_workitem WHERE queue = %s AND share = %s AND lease_expires_at IS NULL
        AND due_at < statement_timestamp() + make_interval(secs => %s)
    FOR UPDATE SKIP LOCKED
)
"""
# It answers again: all that was only put off is due; what failed itself keeps its own time.
_GO_ON = """
UPDATE deposit_workitem SET due_at = statement_timestamp(), heavy = %s
WHERE id IN (
    SELECT id FROM deposit_workitem
    WHERE queue = %s AND share = %s AND lease_expires_at IS NULL AND sent_at IS NULL AND kind = %s
        AND NOT arguments ? 'attempts'
    FOR UPDATE SKIP LOCKED
)
"""
# All of it, whatever failed before.
_MAKE_DUE = """
UPDATE deposit_workitem SET due_at = statement_timestamp(), sent_at = NULL, sends = 0 WHERE id IN (
    SELECT id FROM deposit_workitem WHERE queue = %s AND share = %s AND lease_expires_at IS NULL
    FOR UPDATE SKIP LOCKED
)
"""
_HEAL = """
SELECT notification.id FROM deposit_notification notification
JOIN deposit_subscription subscription ON subscription.id = notification.subscription_id
WHERE notification.state IN ('waiting', 'sending') AND subscription.active AND subscription.paused_at IS NULL
    AND NOT EXISTS (SELECT FROM deposit_workitem item WHERE item.kind = %s AND item.key = notification.id::text)
    AND NOT EXISTS (
        SELECT FROM deposit_notification before
        WHERE before.subscription_id = notification.subscription_id AND before.deposit_id = notification.deposit_id
        AND before.id < notification.id AND before.state IN ('waiting', 'sending')
    )
ORDER BY notification.id LIMIT 1000
"""


def send(notification_id: int, *, worker: str) -> None:
    """Send one notification if it is due; twice, late or in vain does no harm."""
    claim = items.claim(NOTICE, notification_id, worker=worker)
    if claim is None:
        return
    try:
        with kept(claim):
            found = (
                Notification.objects.select_related("subscription__user").filter(pk=notification_id).first()
            )
            if found is None:
                raise LeaseLost("The notification is gone.")
            _conclude(claim, found, _attempt(claim, found))
    except LeaseLost as lost:
        logger.warning("notice=%s dropped: %s", notification_id, lost)


def _attempt(claim: Claim, notification: Notification) -> Result:
    if notification.subscription.channel == SubscriptionChannel.WEBHOOK:
        return webhooks.send(notification)
    if notification.state == NotificationState.SENDING:
        # Remembered before it was sent, and nothing after: its worker ended in between.
        return Result(delivered=False, answer="The worker ended while it sent the mail.", unknown=True)
    if not notification.subscription.user.email:
        return Result(delivered=False, answer="The user has no mail address.", final=True)
    return mail.send([notification], lambda: _remember(claim, notification))


def _remember(claim: Claim, notification: Notification) -> None:
    """Note, durably, that the mail is about to be sent. Raises `LeaseLost`."""
    with transaction.atomic():
        items.require_lease(claim)
        waiting = Notification.objects.filter(pk=notification.pk, state=NotificationState.WAITING)
        if not waiting.update(state=NotificationState.SENDING):
            raise LeaseLost("It is not to be sent any more.")


def _conclude(claim: Claim, notification: Notification, result: Result) -> None:
    """Record what came of an attempt, and what follows from it. Raises `LeaseLost`."""
    attempts = notification.attempts + 1
    wait = None if result.final or result.unknown else times.wait_after(attempts)
    with transaction.atomic():
        if result.delivered or result.unknown or wait is None:
            items.finish(claim)
            _end(notification, attempts, result)
        else:
            wait = max(wait, result.retry_after or 0.0)
            if result.receiver:
                items.weigh(claim)  # into the lane of slow work, where the others of this receiver go
            items.again(claim, after_seconds=wait, arguments={"attempts": attempts})
            Notification.objects.filter(pk=notification.pk).update(
                state=NotificationState.WAITING, attempts=attempts, answer=result.answer
            )
        NotificationAttempt.objects.create(
            notification=notification, status=result.status, seconds=result.seconds, answer=result.answer
        )
        note_receiver(notification.subscription, result)
    logger.info(
        "notice=%s subscription=%s delivered=%s answer=%r",
        notification.pk,
        notification.subscription_id,
        result.delivered,
        result.answer,
    )


def _end(notification: Notification, attempts: int, result: Result) -> None:
    state = NotificationState.DELIVERED if result.delivered else NotificationState.DEAD
    if result.unknown:
        state = NotificationState.UNKNOWN
    Notification.objects.filter(pk=notification.pk).update(
        state=state, attempts=attempts, answer=result.answer, ended_at=Now()
    )
    ask_for_next(notification)


def ask_for_next(notification: Notification) -> None:
    """The next notice of the same deposit to the same subscription has its turn."""
    if notification.deposit_id is None:
        return
    following = Notification.objects.select_related("subscription").filter(
        subscription=notification.subscription_id,
        deposit=notification.deposit_id,
        state__in=OPEN_NOTIFICATIONS,
        pk__gt=notification.pk,
    )
    found = following.order_by("pk").first()
    if found is not None and found.subscription.paused_at is None:
        # Waits for a claim that is just striking the item because its turn had not come; then it is there anew.
        receiver = found.subscription
        heavy = receiver.slow or receiver.failures > 0
        items.ask(NOTICE, found.pk, share=receiver.pk, heavy=heavy)


# --- The receiver as a whole -----------------------------------------------------------------------------
def note_receiver(subscription: Subscription, result: Result) -> None:
    """What an attempt says of the receiver: well again, slow, failing, or to be left alone for good."""
    row = Subscription.objects.filter(pk=subscription.pk)
    slow = result.seconds > webhooks.SLOW_SECONDS
    if result.delivered:
        # Most notices are delivered to a receiver that is well: no row is written for them but once a minute.
        stale = subscription.succeeded_at is None or subscription.succeeded_at < timezone.now() - timedelta(
            minutes=1
        )
        if subscription.failures or subscription.slow != slow or stale:
            row.update(
                failures=0, failing_since=None, retry_at=None, slow=slow, succeeded_at=Now(), last_fault=""
            )
        if subscription.retry_at is not None or subscription.slow != slow:
            _execute(_GO_ON, [slow, QUEUE, subscription.pk, NOTICE])
        return
    failures = subscription.failures + 1
    row.update(
        failures=F("failures") + 1,
        failing_since=Coalesce("failing_since", Now()),
        last_fault=result.answer,
        slow=slow,
    )
    if result.gone or (result.final and failures >= _REFUSALS) or _fails_for_too_long(subscription):
        pause(subscription, result.answer)
    elif result.receiver:
        wait = max(times.receiver_wait(failures), result.retry_after or 0.0)
        row.update(retry_at=Now() + timedelta(seconds=wait))
        _execute(_PUT_OFF, [wait, QUEUE, subscription.pk, wait])


def _fails_for_too_long(subscription: Subscription) -> bool:
    since = subscription.failing_since
    return since is not None and since < timezone.now() - timedelta(days=settings.NOTICE_PAUSE_DAYS)


def pause(subscription: Subscription, reason: str) -> None:
    """Send nothing more until somebody resumes it; what waits is kept. Its user is told on the account page."""
    if not Subscription.objects.filter(pk=subscription.pk, paused_at=None).update(paused_at=Now()):
        return
    waiting = WorkItem.objects.select_for_update(skip_locked=True).filter(
        queue=QUEUE, share=subscription.pk, lease_expires_at=None
    )
    WorkItem.objects.filter(pk__in=list(waiting.values_list("pk", flat=True))).delete()
    where = subscription.url.partition("?")[0] if subscription.url else subscription.user.email
    Notice.objects.create(
        user_id=subscription.user_id,
        code=PAUSED,
        text=f"Notices to {where} have failed for long and are paused. The last answer: {reason} "
        "Resume them on the page of your notices when the receiver is well; what was not sent is kept.",
        # A mail about mail that does not arrive is sent to nobody.
        mailed_at=Now() if subscription.channel == SubscriptionChannel.MAIL else None,
    )
    logger.warning("subscription=%s paused: %s", subscription.pk, reason)


def make_due(subscription: Subscription) -> None:
    """Have all that waits for a subscription tried at once."""
    _execute(_MAKE_DUE, [QUEUE, subscription.pk])


def _execute(statement: str, parameters: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


# --- The hooks of the kind -------------------------------------------------------------------------------
def _claimed(claim: Claim) -> Taking | Later:
    found = Notification.objects.select_related("subscription").filter(pk=int(claim.key)).first()
    if found is None or found.state not in OPEN_NOTIFICATIONS:
        return Taking.GONE
    subscription = found.subscription
    if not subscription.active or subscription.paused_at is not None or _has_open_before(found):
        return Taking.GONE
    if subscription.retry_at is not None:
        left = (subscription.retry_at - timezone.now()).total_seconds()
        if left > 0:
            return Later(left)
    most = 1 if subscription.failures or subscription.slow else AT_ONCE
    with connection.cursor() as cursor:
        cursor.execute(_AT_RECEIVER, [QUEUE, subscription.pk, claim.id])
        (busy,) = cursor.fetchone()
    return Taking.YES if busy < most else Later(_BUSY_SECONDS if most > 1 else _FAILING_SECONDS)


def _has_open_before(notification: Notification) -> bool:
    if notification.deposit_id is None:
        return False
    return Notification.objects.filter(
        subscription=notification.subscription_id,
        deposit=notification.deposit_id,
        state__in=OPEN_NOTIFICATIONS,
        pk__lt=notification.pk,
    ).exists()


def _give_up(item: WorkItem, reason: str) -> None:
    found = Notification.objects.filter(pk=int(item.key), state__in=OPEN_NOTIFICATIONS)
    for notification in found:
        _end(notification, notification.attempts, Result(delivered=False, answer=reason[:500], final=True))


def _exhausted(item: WorkItem) -> None:
    told = f" The last fault: {item.last_fault}" if item.last_fault else ""
    _give_up(item, f"Its workers ended {item.attempts} times.{told}")


def _cancelled(item: WorkItem) -> None:
    _give_up(item, "An operator struck it from the queue.")


def heal() -> int:
    """Ask for the notifications that wait and have no work item: after a pause, or a restore."""
    with connection.cursor() as cursor:
        cursor.execute(_HEAL, [NOTICE])
        ids = [row[0] for row in cursor.fetchall()]
    return ask_for(Notification.objects.select_related("subscription").filter(pk__in=ids).order_by("pk"))


register(
    Kind(
        name=NOTICE,
        task="notices.send",
        queue=QUEUE,
        policy=POLICY,
        claimed=_claimed,
        exhausted=_exhausted,
        cancelled=_cancelled,
        heal=heal,
        produce=expand,
    )
)
