"""The mail of a day: what a subscription by mail collected since the last one, in one mail."""

import logging

from django.db import transaction
from django.db.models.functions import Now

from deposit.models import Notification, NotificationState, Subscription, WorkItem
from deposit.notices import mail, times
from deposit.notices.names import DIGEST, QUEUE
from deposit.notices.sending import POLICY, note_receiver
from deposit.notices.webhooks import Result
from deposit.queue import items
from deposit.queue.claims import Claim, LeaseLost
from deposit.queue.leases import kept
from deposit.queue.registry import Kind, Taking, register

logger = logging.getLogger(__name__)

# In one mail; what is more goes into another.
_MOST = 200


def send(subscription_id: int, *, worker: str) -> None:
    """Send the digest of a subscription if it is due; twice, late or in vain does no harm."""
    claim = items.claim(DIGEST, subscription_id, worker=worker)
    if claim is None:
        return
    try:
        with kept(claim):
            subscription = Subscription.objects.select_related("user").filter(pk=subscription_id).first()
            if subscription is None:
                raise LeaseLost("The subscription is gone.")
            _send(claim, subscription)
    except LeaseLost as lost:
        logger.warning("digest=%s dropped: %s", subscription_id, lost)


def _send(claim: Claim, subscription: Subscription) -> None:
    collected = Notification.objects.filter(subscription=subscription, state=NotificationState.COLLECTED)
    chosen = list(collected.select_related("subscription__user").order_by("id")[:_MOST])
    if not chosen or not subscription.user.email:
        collected.filter(pk__in=[one.pk for one in chosen]).update(state=NotificationState.DROPPED)
        items.finish(claim)
        return
    ids = [one.pk for one in chosen]
    _conclude(claim, subscription, ids, mail.send(chosen, lambda: _remember(claim, ids)))


def _remember(claim: Claim, ids: list[int]) -> None:
    with transaction.atomic():
        items.require_lease(claim)
        Notification.objects.filter(pk__in=ids).update(state=NotificationState.SENDING)


def _conclude(claim: Claim, subscription: Subscription, ids: list[int], result: Result) -> None:
    failures = subscription.failures + 1
    wait = None if result.final else times.wait_after(min(failures, 5)) or times.LONGEST_SILENCE
    with transaction.atomic():
        sent = Notification.objects.filter(pk__in=ids)
        if result.delivered or result.unknown or wait is None:
            items.finish(claim)
            state = NotificationState.DELIVERED if result.delivered else NotificationState.DEAD
            state = NotificationState.UNKNOWN if result.unknown else state
            sent.update(state=state, ended_at=Now(), answer=result.answer)
        else:
            sent.update(state=NotificationState.COLLECTED, answer=result.answer)
            items.again(claim, after_seconds=wait)
        note_receiver(subscription, result)
        left = Notification.objects.filter(subscription=subscription, state=NotificationState.COLLECTED)
        if result.delivered and left.exists():
            items.ask(DIGEST, subscription.pk, share=subscription.pk)
    logger.info("digest=%s notices=%s delivered=%s", subscription.pk, len(ids), result.delivered)


def _claimed(claim: Claim) -> Taking:
    """Of one that ended in the middle of its mail, nobody knows whether it arrived: those are told as such."""
    Notification.objects.filter(subscription=int(claim.key), state=NotificationState.SENDING).update(
        state=NotificationState.UNKNOWN, ended_at=Now(), answer="The worker ended while it sent the mail."
    )
    wanted = Subscription.objects.filter(pk=int(claim.key), active=True, paused_at=None)
    return Taking.YES if wanted.exists() else Taking.GONE


def _exhausted(item: WorkItem) -> None:
    Notification.objects.filter(
        subscription=int(item.key), state__in=[NotificationState.COLLECTED, NotificationState.SENDING]
    ).update(state=NotificationState.DEAD, ended_at=Now(), answer=f"Its workers ended {item.attempts} times.")


def heal() -> int:
    """Ask for the digests of what was collected and has none to go with: after a pause, or a restore."""
    open_digests = WorkItem.objects.filter(kind=DIGEST).values_list("key", flat=True)
    waiting = Notification.objects.filter(
        state=NotificationState.COLLECTED, subscription__active=True, subscription__paused_at=None
    ).values_list("subscription", flat=True)
    missing = set(waiting.distinct()[:1000]) - {int(key) for key in open_digests}
    for number in sorted(missing):
        items.ask(DIGEST, number, share=number, due_in=times.seconds_to_digest())
    return len(missing)


register(
    Kind(
        name=DIGEST,
        task="notices.digest",
        queue=QUEUE,
        policy=POLICY,
        claimed=_claimed,
        exhausted=_exhausted,
        heal=heal,
    )
)
