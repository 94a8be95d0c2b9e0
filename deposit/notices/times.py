"""When something is sent: retries over days, receivers that fail, the digest of the day."""

import random
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

# A receiver that fails is tried with one notice at a time, at most so long apart. In seconds.
LONGEST_SILENCE = 1800.0


def wait_after(attempt: int) -> float | None:
    """Seconds from the ``attempt``-th failure (from 1) to the next try, or None: it is given up.

    A tenth more or less, so that what failed together does not come back together.
    """
    waits = settings.NOTICE_RETRY_SECONDS
    if attempt > len(waits):
        return None
    return float(waits[attempt - 1]) * random.uniform(0.9, 1.1)  # noqa: S311  nothing secret


def receiver_wait(failures: int) -> float:
    """Seconds for which a receiver that failed so often in a row is left alone."""
    waits = settings.NOTICE_RETRY_SECONDS or [0.0]
    return min(LONGEST_SILENCE, float(waits[min(failures, len(waits)) - 1]))


def seconds_to_digest(now: datetime | None = None) -> float:
    """Seconds until the next digest, at NOTICE_DIGEST_HOUR (UTC)."""
    now = now or timezone.now()
    at = now.replace(hour=settings.NOTICE_DIGEST_HOUR, minute=0, second=0, microsecond=0)
    if at <= now:
        at += timedelta(days=1)
    return (at - now).total_seconds()
