"""systemd's watchdog: a service says in time that its main loop turns, or is started again.

Nothing happens where nobody watches (``WatchdogSec=`` in the unit sets ``WATCHDOG_USEC``). Each process speaks from the
loop that does its work, so that one whose loop hangs falls silent. See sd_notify(3).
"""

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from gunicorn.systemd import sd_notify

logger = logging.getLogger(__name__)

# How often it is said within the time that systemd allows.
TIMES = 4
# One process, one watchdog.
_said = 0.0


def seconds() -> float:
    """How far apart the signs of life are to be; 0.0 when nobody watches."""
    return int(os.environ.get("WATCHDOG_USEC") or 0) / 1_000_000 / TIMES


def alive() -> None:
    """Say that this process lives, unless that was said a moment ago."""
    global _said
    between = seconds()
    if between and time.monotonic() - _said >= between * 0.9:
        _said = time.monotonic()
        sd_notify("WATCHDOG=1", logger)


@contextmanager
def waiting() -> Iterator[None]:
    """Go on saying so during a wait that is allowed to be long: for a broker that is away."""
    between = seconds()
    if not between:
        yield
        return
    over = threading.Event()

    def say() -> None:
        while not over.is_set():
            alive()
            over.wait(between)

    thread = threading.Thread(target=say, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
