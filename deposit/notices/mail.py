"""Sending notices by mail, through Django's mail backend: plain text and simple HTML, in the user's language.

A mail is never sent twice by itself. Whether the server has it is certain when it answered; where the line was lost
while it had the whole message, nobody knows, and the notice says so instead of being sent again.
"""

import logging
import smtplib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from deposit.models import NoticeType, Notification, Subscription
from deposit.notices import unsubscribing
from deposit.notices.content import link
from deposit.notices.webhooks import Result, masked

logger = logging.getLogger(__name__)

SUBJECTS: dict[str, Callable[[], str]] = {
    NoticeType.DONE: lambda: _("Deposit %(number)s is archived"),
    NoticeType.REJECTED: lambda: _("Deposit %(number)s was rejected"),
    NoticeType.FAILED: lambda: _("Deposit %(number)s could not be archived yet"),
    NoticeType.HELD: lambda: _("Deposit %(number)s waits for your confirmation"),
    NoticeType.EXPIRING: lambda: _("Deposit %(number)s will expire"),
    NoticeType.EXPIRED: lambda: _("Deposit %(number)s has expired"),
    NoticeType.WITHDRAWN: lambda: _("Deposit %(number)s was withdrawn"),
    NoticeType.ASKING: lambda: _("Deposit %(number)s needs a decision"),
    NoticeType.TEST: lambda: _("A test of your notices"),
}
_TITLE_LENGTH = 80


@dataclass(frozen=True, kw_only=True, slots=True)
class _Item:
    """One notice as a mail shows it."""

    subject: str
    type: str
    data: dict[str, Any]


def _subject(notification: Notification) -> str:
    data = notification.body.get("data", {})
    if notification.type.startswith("alert."):
        is_over = data.get("state") == "cleared"
        return str((_("Cleared: %(alert)s") if is_over else _("Alert: %(alert)s")) % data)
    deposit = data.get("deposit", {})
    subject = SUBJECTS[notification.type]() % {"number": deposit.get("id", "")}
    title = " ".join(str(deposit.get("title") or "").split())
    return f"{subject}: {title[:_TITLE_LENGTH]}" if title else subject


def message_for(notifications: Sequence[Notification]) -> EmailMultiAlternatives:
    """The mail of one notification, or of several as a digest; all of one subscription."""
    first = notifications[0]
    subscription = first.subscription
    with translation.override(subscription.language or settings.LANGUAGE_CODE):
        shown = [_Item(subject=_subject(one), type=one.type, data=one.body["data"]) for one in notifications]
        context = {
            "items": shown,
            "service": settings.SERVICE_TITLE,
            "account_url": link("/account/notices/"),
            "unsubscribe_url": unsubscribing.url_for(subscription),
            "language": translation.get_language(),
        }
        if subscription.digest:
            subject = _("%(service)s: %(number)d notices") % {
                "service": settings.SERVICE_TITLE,
                "number": len(shown),
            }
        else:
            subject = shown[0].subject
        text = render_to_string("notices/mail.txt", context)
        html = render_to_string("notices/mail.html", context)
    return _message(subscription, first, subject, text.strip() + "\n", html)


def _message(
    subscription: Subscription, first: Notification, subject: str, text: str, html: str
) -> EmailMultiAlternatives:
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    headers = {
        # Found again in what a mail server sends back (`manage.py notice bounce`).
        "Message-ID": f"<{first.message_id}.{unsubscribing.mark(first)}@{domain}>",
        # RFC 3834: nobody's holiday answer is wanted.
        "Auto-Submitted": "auto-generated",
        "Precedence": "bulk",
    }
    unsubscribe = unsubscribing.url_for(subscription)
    if unsubscribe:
        # RFC 8058.
        headers |= {
            "List-Unsubscribe": f"<{unsubscribe}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
    message = EmailMultiAlternatives(
        " ".join(subject.split()), text, None, [subscription.user.email], headers=headers
    )
    message.attach_alternative(html, "text/html")
    return message


def send(notifications: Sequence[Notification], remember: Callable[[], None]) -> Result:
    """Send one mail. ``remember`` is called when the server is reached and before it is given anything."""
    begun = time.monotonic()
    message = message_for(notifications)
    connection = get_connection(fail_silently=False)
    try:
        connection.open()
    except (OSError, smtplib.SMTPException) as error:
        return _failed(error, begun, receiver=True)
    handed_over = _watch(connection)
    try:
        remember()
        connection.send_messages([message])
    except smtplib.SMTPResponseException as error:
        return _refused(error.smtp_code, error.smtp_error, begun)
    except smtplib.SMTPRecipientsRefused as error:
        code, reason = next(iter(error.recipients.values()))
        return _refused(code, reason, begun)
    except (OSError, smtplib.SMTPException, ValueError) as error:
        return _failed(error, begun, receiver=True, unknown=handed_over())
    finally:
        _close(connection)
    return Result(delivered=True, answer="250", status=250, seconds=time.monotonic() - begun)


def _watch(connection: BaseEmailBackend) -> Callable[[], bool]:
    """Whether the message itself has been begun to be sent. Of a backend that is not SMTP: always taken to be so."""
    smtp = getattr(connection, "connection", None)
    if not isinstance(smtp, smtplib.SMTP):
        return lambda: True
    begun: list[bool] = []
    original = smtp.data

    def data(message: Any) -> Any:
        begun.append(True)
        return original(message)

    smtp.data = data  # type: ignore[method-assign,assignment]
    return lambda: bool(begun)


def _close(connection: BaseEmailBackend) -> None:
    try:
        connection.close()
    except (OSError, smtplib.SMTPException) as error:
        # The mail is with the server or not; how the line ends changes nothing.
        logger.info("mail connection not closed in order: %s", type(error).__name__)


def _failed(error: BaseException, begun: float, *, receiver: bool, unknown: bool = False) -> Result:
    return Result(
        delivered=False,
        answer=masked(f"{type(error).__name__}: {error}"),
        seconds=time.monotonic() - begun,
        receiver=receiver,
        unknown=unknown,
    )


def _refused(code: int, reason: Any, begun: float) -> Result:
    """The server said no: for now (4xx) or for good (5xx); it has not taken the message."""
    text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
    return Result(
        delivered=False,
        answer=masked(f"{code} {text}"),
        status=code,
        seconds=time.monotonic() - begun,
        receiver=code < 500,
        final=code >= 500,
    )
