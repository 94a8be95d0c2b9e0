"""At most so many slow hashes at once, so that a flood of passwords takes neither all memory nor all threads."""

import threading
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


def _busy() -> Refusal:
    return Refusal(
        Kind.TOO_MANY_REQUESTS,
        "auth.busy",
        "The server is busy with other people's passwords.",
        "Try again in a few seconds. A client with an API token is not held up.",
        retry_after=5,
    )
