"""At most so many slow hashes at once, so that a flood of passwords takes neither all memory nor all threads.

And guessers wait a little for their answer: whoever guesses in turn guesses slowly, and the service has its breath.
"""

import threading
import time
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Generic, TypeVar

from deposit.refusals import Kind, Refusal

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Those who ask the same at the same moment share one answer.

    A client that opens fifty connections at once costs one hash, and none of them waits in a line of fifty.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: dict[Hashable, Future[T]] = {}

    def answer(self, question: Hashable, find: Callable[[], T]) -> T:
        """What ``find`` of whoever asked first returns or raises."""
        with self._lock:
            under_way = self._asked.get(question)
            mine = self._asked.setdefault(question, Future())
        if under_way is not None:
            return under_way.result()
        try:
            mine.set_result(find())
        except BaseException as error:
            mine.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._asked[question]
        return mine.result()


class HashLimiter:
    """``running`` at once, ``waiting`` in line for at most ``seconds``; all others are sent away at once.

    The line is for strangers. Regulars, who are few and known, wait beside it and four times as long: a flood of
    strangers must not keep them out.
    """

    def __init__(self, *, running: int, waiting: int, seconds: float) -> None:
        self._seconds = seconds
        self._running = threading.BoundedSemaphore(running)
        self._line = threading.BoundedSemaphore(running + waiting)

    @contextmanager
    def one(self, *, regular: bool = False) -> Iterator[None]:
        """Hold a slot. Raises `Refusal` when the line is too long or too slow."""
        if regular:
            with self._run(4 * self._seconds):
                yield
            return
        if not self._line.acquire(blocking=False):
            raise _busy()
        try:
            with self._run(self._seconds):
                yield
        finally:
            self._line.release()

    @contextmanager
    def _run(self, seconds: float) -> Iterator[None]:
        if not self._running.acquire(timeout=seconds):
            raise _busy()
        try:
            yield
        finally:
            self._running.release()


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
