"""At most so many slow hashes at once, so that a flood of passwords takes neither all memory nor all threads.

And guessers wait a little for their answer: whoever guesses in turn guesses slowly, and the service has its breath.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from deposit.refusals import Kind, Refusal


class Slots:
    """``running`` at once, ``waiting`` in line for at most ``seconds``; all others are sent away at once."""

    def __init__(self, *, running: int, waiting: int, seconds: float) -> None:
        self._seconds = seconds
        self._running = threading.BoundedSemaphore(running)
        self._line = threading.BoundedSemaphore(running + waiting)

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold a slot. Raises `Refusal` when the line is too long or too slow."""
        if not self._line.acquire(blocking=False):
            raise _busy()
        try:
            if not self._running.acquire(timeout=self._seconds):
                raise _busy()
            try:
                yield
            finally:
                self._running.release()
        finally:
            self._line.release()


class Tarpit:
    """Hold up an answer for ``seconds``, but never more than so many answers (``places``) at once."""

    def __init__(self, *, places: int, seconds: float) -> None:
        self.seconds = seconds
        self._places = threading.BoundedSemaphore(places)

    def wait(self) -> None:
        """Wait, unless others take up all the places."""
        if self.seconds and self._places.acquire(blocking=False):
            try:
                time.sleep(self.seconds)
            finally:
                self._places.release()


def _busy() -> Refusal:
    return Refusal(
        Kind.TOO_MANY_REQUESTS,
        "auth.busy",
        "The server is busy with other people's passwords.",
        "Try again in a few seconds. A client with an API token is not held up.",
        retry_after=5,
    )
