"""Sending one notification to a webhook, and what its answer means."""

import json
import re
import time
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from deposit.models import Notification, Subscription
from deposit.notices import signing
from deposit.notices.encryption import SecretUnreadable, decrypt
from deposit.notices.posting import NoAnswer, post
from deposit.refusals import Refusal

# An answer that takes longer comes from a slow receiver.
SLOW_SECONDS = 2.0
_LONGEST = 300
_SECRETS = re.compile(r"whsec_[A-Za-z0-9+/=]+|v1a?,[A-Za-z0-9+/=]+|(?i:bearer|basic)\s+\S+")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What came of one attempt. ``status``: of HTTP or SMTP, None without an answer.

    ``delivered``; else ``final``: another attempt cannot help; ``receiver``: the receiver as a whole fails, not this
    notice; ``gone``: it wants nothing any more; ``unknown``: it may have arrived.
    """

    delivered: bool
    answer: str
    status: int | None = None
    seconds: float = 0.0
    retry_after: float | None = None
    receiver: bool = False
    final: bool = False
    gone: bool = False
    unknown: bool = False


def body_bytes(body: Any) -> bytes:
    """A body as it is sent and signed: the same bytes in every attempt."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def send(notification: Notification) -> Result:
    """Post a notification once."""
    subscription, body = notification.subscription, body_bytes(notification.body)
    try:
        signed = signing.headers(notification.message_id, int(time.time()), body, _keys(subscription))
        answer = post(subscription.url, body, signed)
    except (SecretUnreadable, Refusal) as error:
        return Result(delivered=False, answer=str(error), receiver=True)
    except NoAnswer as error:
        return Result(delivered=False, answer=masked(str(error)), seconds=error.seconds, receiver=True)
    return Result(
        delivered=answer.is_success,
        answer=masked(f"{answer.status} {answer.text}"),
        status=answer.status,
        seconds=answer.seconds,
        retry_after=answer.retry_after,
        receiver=answer.status >= 500 or answer.status in (408, 425, 429),
        gone=answer.status == 410,
    )


def _keys(subscription: Subscription) -> list[str]:
    """The secret, and for a while after a change the one before: a receiver goes by either."""
    keys = [decrypt(subscription.secret)]
    until = subscription.previous_until
    if subscription.previous_secret and until is not None and until > timezone.now():
        keys.append(decrypt(subscription.previous_secret))
    return keys


def masked(text: str) -> str:
    """An answer for the log: short, printable, without what looks like a secret or a signature of ours."""
    return _SECRETS.sub("…", _UNPRINTABLE.sub(" ", text)).strip()[:_LONGEST]
