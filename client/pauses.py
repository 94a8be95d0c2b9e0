"""How long to wait before a request is sent again, and what to tell those who wait."""

import logging
import random
import time
from email.utils import parsedate_to_datetime

from client.errors import DepositError

logger = logging.getLogger(__name__)

LONGEST_WAIT = 30.0
# For how long altogether a request is tried again, in seconds, unless somebody says otherwise.
GIVE_UP_AFTER = 300.0
# From waits as long as this on, whoever waits is told.
NOTICED = 1.0


class Pauses:
    """The pauses between the tries of one request; whoever waits is told for what, and for how long."""

    def __init__(self, retries: int, first_wait: float, give_up_after: float) -> None:
        self._left, self._wait = retries, first_wait
        self._end = time.monotonic() + give_up_after
        self._last_summary = ""

    def take(self, reason: DepositError, retry_after: str | None = None) -> None:
        """Wait before the next try. Raises ``reason`` when there is to be none."""
        left = self._end - time.monotonic()
        if self._left <= 0 or left <= 0:
            raise reason
        asked = _seconds(retry_after)
        wait = min(max(self._wait * random.uniform(0.5, 1.0), asked), left)  # noqa: S311
        self._left, self._wait = self._left - 1, min(LONGEST_WAIT, self._wait * 1.7)
        # The server is away, full or busy: that is told at once; a line that broke once mends itself.
        if wait > NOTICED or (
            (reason.status or "reached" in reason.summary) and self._last_summary != reason.summary
        ):
            self._last_summary = reason.summary
            pause = f"in {_span(wait)}" + (", as the server asks" if asked >= wait > NOTICED else "")
            logger.warning(
                "%s%s Trying again %s, giving up after %s more; Ctrl-C ends it.",
                f"{reason.status}: " if reason.status else "",
                _sentence(reason),
                pause,
                _span(left),
            )
        time.sleep(wait)


def _sentence(reason: DepositError) -> str:
    text = f"{reason.summary} {reason.hint}".strip()
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _span(seconds: float) -> str:
    """A length of time in words."""
    return f"{max(1, round(seconds))} s" if seconds < 120 else f"{round(seconds / 60)} min"


def _seconds(retry_after: str | None) -> float:
    """How long a server asks to wait (RFC 9110 section 10.2.3): seconds, or a date."""
    text = (retry_after or "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError):
        return 0.0
