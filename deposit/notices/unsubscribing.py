"""Ending a subscription from a mail, without logging in (RFC 8058), and knowing a mail that came back.

The address holds the subscription's number, signed. It opens one thing: ending that subscription.
"""

import hmac
from email.message import Message
from email.parser import BytesParser
from email.policy import default as modern

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse

from deposit import audit
from deposit.actors import Channel, system_actor
from deposit.models import OPEN_NOTIFICATIONS, Notification, NotificationState, Subscription
from deposit.notices.content import link
from deposit.refusals import Kind, Refusal

_SALT = "deposit.notices.unsubscribe"


def url_for(subscription: Subscription) -> str:
    """Where a mail's reader ends its subscription; "" where the service does not know its own address."""
    token = signing.Signer(salt=_SALT).sign(str(subscription.pk)) if subscription.pk else ""
    return link(reverse("dashboard:unsubscribe", args=[token])) if settings.PUBLIC_URL and token else ""


def subscription_of(token: str) -> Subscription:
    """The subscription that an address means. Raises a 404 `Refusal`."""
    try:
        number = int(signing.Signer(salt=_SALT).unsign(token))
    except (signing.BadSignature, ValueError):
        raise _unknown() from None
    found = Subscription.objects.select_related("user", "collection").filter(pk=number).first()
    if found is None:
        raise _unknown()
    return found


def _unknown() -> Refusal:
    return Refusal(
        Kind.NOT_FOUND,
        "subscription.unsubscribe",
        "This address ends no subscription.",
        "Log in and look at the notices of your account.",
    )


def unsubscribe(token: str) -> Subscription:
    """End a subscription; twice is well. What was not sent yet is not sent any more. Raises `Refusal`."""
    subscription = subscription_of(token)
    with transaction.atomic():
        if Subscription.objects.filter(pk=subscription.pk, active=True).update(active=False):
            drop_open(subscription)
            audit.record(
                "subscription.unsubscribe",
                subject=f"subscription {subscription.pk}",
                actor=system_actor(Channel.DASHBOARD),
                user=subscription.user.get_username(),
            )
    subscription.active = False
    return subscription


def drop_open(subscription: Subscription) -> None:
    """Send nothing any more of what waits for a subscription."""
    waiting = Notification.objects.filter(subscription=subscription)
    waiting.filter(state__in=[NotificationState.WAITING, NotificationState.COLLECTED]).update(
        state=NotificationState.DROPPED
    )


# --- Mails that come back -------------------------------------------------------------------------------
def mark(notification: Notification) -> str:
    """What shows that a Message-ID is of ours."""
    return signing.Signer(salt="deposit.notices.bounce").signature(notification.message_id)[:16]


def bounced(raw: bytes) -> Notification | None:
    """Take in what a mail server sent back (RFC 3464): the notice is marked as bounced; None: it is not about one.

    A report without the mark of a notice of ours changes nothing.
    """
    report = BytesParser(policy=modern).parsebytes(raw)
    notification = next((found for text in _message_ids(report) if (found := _by_message_id(text))), None)
    if notification is None or not _is_failure(report):
        return None
    reason = _diagnosis(report)
    with transaction.atomic():
        Notification.objects.filter(pk=notification.pk).exclude(state__in=OPEN_NOTIFICATIONS).update(
            state=NotificationState.BOUNCED, answer=reason
        )
        Subscription.objects.filter(pk=notification.subscription_id).update(
            last_fault=f"Bounced: {reason}"[:500]
        )
    notification.refresh_from_db()
    return notification


def _message_ids(report: Message) -> list[str]:
    found: list[str] = []
    for part in report.walk():
        if part.get_content_type() == "text/rfc822-headers":
            text = str(part.get_payload(decode=False))
            found += [
                line.partition(":")[2] for line in text.splitlines() if line.lower().startswith("message-id:")
            ]
        found += [str(value) for value in (part.get_all("Message-ID") or [])]
        found += [str(value) for value in (part.get_all("In-Reply-To") or [])]
    return found


def _by_message_id(text: str) -> Notification | None:
    name = text.strip().strip("<>").partition("@")[0]
    message_id, _, signature = name.rpartition(".")
    pieces = message_id.split("_")
    if len(pieces) != 3 or not pieces[1].isdecimal() or not pieces[2][1:].isdecimal():
        return None
    column = {"e": "event", "n": "pk"}.get(pieces[2][:1])
    numbers = (int(pieces[1]), int(pieces[2][1:]))
    if column is None or max(numbers) >= 2**63:
        return None
    found = Notification.objects.filter(subscription=numbers[0], **{column: numbers[1]}).first()
    if found is None or not hmac.compare_digest(mark(found).encode(), signature.encode()):
        return None
    return found


def _is_failure(report: Message) -> bool:
    """Whether the report says that the mail did not arrive; a delay or a success is none."""
    actions = [part.get("Action", "") for part in report.walk()]
    return any(str(action).strip().lower() == "failed" for action in actions)


def _diagnosis(report: Message) -> str:
    for part in report.walk():
        text = part.get("Diagnostic-Code") or part.get("Status")
        if text:
            return " ".join(str(text).split())[:300]
    return "The mail came back."
