"""The verbs and reads of subscriptions and notices: one sees and changes one's own, an administrator those of all."""

from collections.abc import Collection as Many
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Count, QuerySet
from django.utils import timezone

from deposit import audit
from deposit.actors import Actor, Scope
from deposit.models import (
    Collection,
    NoticeType,
    Notification,
    NotificationState,
    Subscription,
    SubscriptionChannel,
    SubscriptionReach,
    WorkItem,
)
from deposit.notices import posting, sending, signing
from deposit.notices.audience import sees_all
from deposit.notices.content import body_of
from deposit.notices.encryption import encrypt
from deposit.notices.expansion import ask_for, send
from deposit.notices.names import NOTICE, QUEUE
from deposit.notices.unsubscribing import drop_open
from deposit.permissions import LARGEST_ID, Operation, forbidden, may_service, visible_collections
from deposit.refusals import Kind, Refusal

# Webhooks of one user, at most.
MOST_WEBHOOKS = 20
_NO_DIGEST = "Webhooks are sent one by one."
# States that can be replayed.
_ENDED = (
    NotificationState.DELIVERED,
    NotificationState.DEAD,
    NotificationState.UNKNOWN,
    NotificationState.BOUNCED,
    NotificationState.DROPPED,
)
OF_DEPOSITS = tuple(each for each in NoticeType if each.value.startswith(("deposit.", "delivery.")))
OF_ALERTS = tuple(each for each in NoticeType if each.value.startswith("alert."))


# --- Reading ---------------------------------------------------------------------------------------------
def subscriptions_for(actor: Actor) -> QuerySet[Subscription]:
    """The subscriptions that exist for the actor."""
    found = Subscription.objects.select_related("user", "collection").order_by("id")
    if may_service(actor, Operation.ADMINISTER):
        return found
    return found.filter(user=actor.user) if actor.user is not None and actor.owner is None else found.none()


def subscription_for(actor: Actor, subscription_id: int) -> Subscription:
    """One of them. Raises the same 404 `Refusal` for a missing and for a foreign one."""
    found = subscriptions_for(actor).filter(pk=min(subscription_id, LARGEST_ID)).first()
    if found is None:
        raise Refusal(
            Kind.NOT_FOUND,
            "subscription.unknown",
            f"There is no subscription {subscription_id}.",
            "The list shows yours.",
        )
    return found


def notices_for(
    actor: Actor, *, subscription: int | None = None, state: str = "", deposit: int | None = None
) -> QuerySet[Notification]:
    """What was told to the subscriptions that exist for the actor, newest first."""
    found = Notification.objects.select_related("subscription__user").order_by("-id")
    if not may_service(actor, Operation.ADMINISTER):
        mine = actor.user if actor.owner is None else None
        found = found.filter(subscription__user=mine) if mine is not None else found.none()
    if subscription is not None:
        found = found.filter(subscription=min(subscription, LARGEST_ID))
    if deposit is not None:
        found = found.filter(deposit=min(deposit, LARGEST_ID))
    return found.filter(state=state) if state else found


def notice_for(actor: Actor, notice_id: int) -> Notification:
    """One of them. Raises the same 404 `Refusal` for a missing and for a foreign one."""
    found = notices_for(actor).filter(pk=min(notice_id, LARGEST_ID)).first()
    if found is None:
        raise Refusal(
            Kind.NOT_FOUND, "notice.unknown", f"There is no notice {notice_id}.", "The list shows yours."
        )
    return found


def choices_for(user: User) -> tuple[NoticeType, ...]:
    """What a user can be told."""
    return (*OF_DEPOSITS, *OF_ALERTS) if sees_all(user) else OF_DEPOSITS


# --- Changing --------------------------------------------------------------------------------------------
def add(
    *,
    actor: Actor,
    user: User,
    channel: str,
    events: Many[str],
    reach: str = SubscriptionReach.OWN,
    collection: str = "",
    url: str = "",
    digest: bool = False,
    language: str = "",
) -> tuple[Subscription, str]:
    """Subscribe a user; with a webhook comes its secret, this once. Raises `Refusal`."""
    _require_keeper(actor, user)
    subscription = Subscription(
        user=user,
        channel=_one_of(channel, SubscriptionChannel.values, "channel"),
        reach=_reach(user, reach),
        collection=_collection(actor, collection),
        events=_events(user, events),
        url=url.strip(),
        digest=digest,
        language=_language(language),
    )
    secret = _prepare(subscription)
    try:
        with transaction.atomic():
            subscription.save()
            _record_audit(actor, "subscription.add", subscription)
    except IntegrityError as error:
        raise Refusal(
            Kind.BAD_REQUEST,
            "subscription.exists",
            f"{user} has a subscription by mail for this already.",
            "Change that one.",
        ) from error
    subscription.refresh_from_db()
    return subscription, secret


def _prepare(subscription: Subscription) -> str:
    """Judge what only one channel needs; the secret of a webhook."""
    if subscription.channel == SubscriptionChannel.MAIL:
        if not subscription.user.email:
            raise Refusal(
                Kind.BAD_REQUEST,
                "subscription.no_address",
                f"{subscription.user} has no mail address.",
                "An administrator can add one: manage.py user set --email.",
            )
        subscription.url = ""
        return ""
    if subscription.digest:
        raise Refusal(Kind.BAD_REQUEST, "subscription.digest", "Only mail has a digest.", _NO_DIGEST)
    posting.require_allowed(subscription.url)
    mine = Subscription.objects.filter(user=subscription.user, channel=SubscriptionChannel.WEBHOOK)
    if mine.count() >= MOST_WEBHOOKS:
        raise Refusal(
            Kind.BAD_REQUEST,
            "subscription.many",
            f"One user has at most {MOST_WEBHOOKS} webhooks.",
            "Remove one that is not needed any more.",
        )
    secret = signing.new_secret()
    subscription.secret = encrypt(secret)
    return secret


def change(*, actor: Actor, subscription_id: int, **fields: Any) -> Subscription:
    """Change ``events``, ``digest``, ``language``, ``url``, ``active`` or ``collection``. Raises `Refusal`."""
    subscription = subscription_for(actor, subscription_id)
    _require_keeper(actor, subscription.user)
    if "events" in fields:
        fields["events"] = _events(subscription.user, fields["events"])
    if "url" in fields and subscription.channel == SubscriptionChannel.WEBHOOK:
        fields["url"] = fields["url"].strip()
        posting.require_allowed(fields["url"])
    elif fields.pop("url", ""):
        raise Refusal(
            Kind.BAD_REQUEST,
            "subscription.url",
            "A subscription by mail has no web address.",
            "Add a webhook instead.",
        )
    if fields.get("digest") and subscription.channel != SubscriptionChannel.MAIL:
        raise Refusal(Kind.BAD_REQUEST, "subscription.digest", "Only mail has a digest.", _NO_DIGEST)
    if "language" in fields:
        fields["language"] = _language(fields["language"])
    if "collection" in fields:
        fields["collection"] = _collection(actor, fields["collection"] or "")
    with transaction.atomic():
        # Of the user's own choosing from now on.
        Subscription.objects.filter(pk=subscription.pk).update(**fields, is_default=False)
        subscription.refresh_from_db()
        if not subscription.active:
            drop_open(subscription)
        _record_audit(actor, "subscription.change", subscription)
    return subscription


def remove(*, actor: Actor, subscription_id: int) -> Subscription:
    """End a subscription, with all that is known of its notices. Raises `Refusal`."""
    subscription = subscription_for(actor, subscription_id)
    _require_keeper(actor, subscription.user)
    with transaction.atomic():
        _record_audit(actor, "subscription.remove", subscription)
        WorkItem.objects.filter(queue=QUEUE, share=subscription.pk).delete()
        Subscription.objects.filter(pk=subscription.pk).delete()
    return subscription


def rotate(*, actor: Actor, subscription_id: int) -> tuple[Subscription, str]:
    """A new secret for a webhook, told this once; the former one signs beside it for WEBHOOK_ROTATION_HOURS."""
    subscription = subscription_for(actor, subscription_id)
    _require_keeper(actor, subscription.user)
    if subscription.channel != SubscriptionChannel.WEBHOOK:
        raise Refusal(
            Kind.BAD_REQUEST, "subscription.no_secret", "Only a webhook has a secret.", "Mail is not signed."
        )
    secret = signing.new_secret()
    with transaction.atomic():
        Subscription.objects.filter(pk=subscription.pk).update(
            previous_secret=subscription.secret,
            previous_until=timezone.now() + timedelta(hours=settings.WEBHOOK_ROTATION_HOURS),
            secret=encrypt(secret),
        )
        _record_audit(actor, "subscription.rotate", subscription)
    subscription.refresh_from_db()
    return subscription, secret


def resume(*, actor: Actor, subscription_id: int) -> Subscription:
    """Send again what a pause has kept, and what comes. Raises `Refusal`."""
    subscription = subscription_for(actor, subscription_id)
    _require_keeper(actor, subscription.user)
    with transaction.atomic():
        Subscription.objects.filter(pk=subscription.pk).update(
            paused_at=None, failures=0, failing_since=None, retry_at=None, last_fault=""
        )
        subscription.refresh_from_db()
        waiting = Notification.objects.filter(
            subscription=subscription, state__in=[NotificationState.WAITING, NotificationState.SENDING]
        )
        ask_for(waiting.select_related("subscription").order_by("pk"))
        sending.make_due(subscription)
        _record_audit(actor, "subscription.resume", subscription)
    return subscription


def test(*, actor: Actor, subscription_id: int) -> Notification:
    """Send a test. Raises `Refusal`."""
    subscription = subscription_for(actor, subscription_id)
    _require_keeper(actor, subscription.user)
    if not subscription.active or subscription.paused_at is not None:
        raise Refusal(
            Kind.BAD_REQUEST,
            "subscription.paused",
            "Nothing is sent to this subscription.",
            "Resume it first.",
        )
    body = body_of(NoticeType.TEST, timezone.now(), {"sentence": "This is a test."})
    with transaction.atomic():
        made = send([Notification(subscription=subscription, type=NoticeType.TEST, body=body)])
    return made[0]


def replay(*, actor: Actor, notice_id: int) -> Notification:
    """Send a notice again that has ended, however it did; its id is the same. Raises `Refusal`."""
    notification = notice_for(actor, notice_id)
    _require_keeper(actor, notification.subscription.user)
    with transaction.atomic():
        ended = Notification.objects.filter(pk=notification.pk, state__in=_ENDED)
        if not ended.update(state=NotificationState.WAITING, attempts=0, ended_at=None, answer=""):
            raise Refusal(
                Kind.BAD_REQUEST,
                "notice.open",
                f"Notice {notice_id} has not ended: it is {notification.state}.",
                "It is sent by itself.",
            )
        # Whoever wants it sent wants it now.
        WorkItem.objects.filter(kind=NOTICE, key=str(notification.pk), lease_expires_at=None).delete()
        ask_for([notification])
        audit.record("notice.replay", subject=f"notice {notification.pk}", actor=actor)
    notification.refresh_from_db()
    return notification


def replay_dead(*, actor: Actor, subscription_id: int) -> int:
    """Send again all that was given up for a subscription; how many those are. Raises `Refusal`."""
    subscription = subscription_for(actor, subscription_id)
    _require_keeper(actor, subscription.user)
    dead = notices_for(actor, subscription=subscription.pk, state=NotificationState.DEAD)
    ids = list(dead.order_by("id").values_list("pk", flat=True)[:1000])
    for number in ids:
        replay(actor=actor, notice_id=number)
    return len(ids)


# --- Judging ---------------------------------------------------------------------------------------------
def _require_keeper(actor: Actor, user: User) -> None:
    """A user keeps the own subscriptions, an administrator those of all. No token that only reads makes any."""
    if may_service(actor, Operation.ADMINISTER):
        return
    if actor.token_id is not None and not actor.scopes & {Scope.DEPOSIT, Scope.OPERATE}:
        # A token that only reads would go on reading after it was revoked.
        raise forbidden(actor, Operation.DEPOSIT)
    if actor.user is None or actor.owner is not None or actor.user.pk != user.pk:
        raise forbidden(actor, Operation.ADMINISTER)


def _one_of(value: str, known: Many[str], what: str) -> str:
    if value not in known:
        raise Refusal(
            Kind.BAD_REQUEST,
            "subscription.fields",
            f"There is no {what} '{value}'.",
            f"Choose one of: {', '.join(known)}.",
        )
    return value


def _events(user: User, events: Many[str]) -> list[str]:
    allowed = [each.value for each in choices_for(user)]
    for event in events:
        _one_of(event, allowed, "event")
    if not events:
        raise Refusal(
            Kind.BAD_REQUEST,
            "subscription.fields",
            "A subscription names what is told.",
            f"Choose of: {', '.join(allowed)}.",
        )
    return [event for event in allowed if event in events]


def _reach(user: User, reach: str) -> str:
    _one_of(reach, SubscriptionReach.values, "reach")
    if reach == SubscriptionReach.ALL and not sees_all(user):
        raise Refusal(
            Kind.FORBIDDEN,
            "subscription.reach",
            f"{user} does not see all deposits.",
            "That is for operators and administrators; choose own or curated.",
        )
    return reach


def _collection(actor: Actor, name: str) -> Collection | None:
    if not name:
        return None
    # No name has a NUL in it, and PostgreSQL takes none.
    found = visible_collections(actor).filter(name=name.replace("\x00", "\ufffd")).first()
    if found is None:
        raise Refusal(
            Kind.BAD_REQUEST,
            "subscription.fields",
            f"There is no collection '{name}'.",
            "Name one that you deposit in or curate.",
        )
    return found


def _language(language: str) -> str:
    return _one_of(language, [code for code, _ in settings.LANGUAGES], "language") if language else ""


def _record_audit(actor: Actor, operation: str, subscription: Subscription) -> None:
    audit.record(
        operation,
        subject=f"subscription {subscription.pk} of {subscription.user}",
        actor=actor,
        channel=subscription.channel,
        events=list(subscription.events),
        host=subscription.url.partition("://")[2].partition("/")[0],
    )


def counted(subscriptions: Many[Subscription]) -> dict[int, dict[str, int]]:
    """How many notices of each subscription wait and were given up."""
    rows = (
        Notification.objects.filter(
            state__in=["waiting", "sending", "collected", "dead"],
            subscription__in=[one.pk for one in subscriptions],
        )
        .order_by()
        .values_list("subscription", "state")
        .annotate(number=Count("pk"))
    )
    found: dict[int, dict[str, int]] = {one.pk: {"waiting": 0, "dead": 0} for one in subscriptions}
    for subscription, state, number in rows:
        found[subscription]["dead" if state == NotificationState.DEAD else "waiting"] += number
    return found
