"""Values that take a while to compute, computed now and then for all who look."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class TTLCache(Generic[T]):
    """A value that is computed again when it is older than ``seconds``; by one thread, while the others wait."""

    def __init__(self, compute: Callable[[], T], seconds: float) -> None:
        self._compute = compute
        self._seconds = seconds
        self._lock = threading.Lock()
        self._kept: tuple[float, T] | None = None

    def get(self) -> T:
        """The value, at most ``seconds`` old."""
        with self._lock:
            if self._kept is None or time.monotonic() - self._kept[0] > self._seconds:
                self._kept = time.monotonic(), self._compute()
            return self._kept[1]

    def forget(self) -> None:
        """Compute it anew the next time."""
        with self._lock:
            self._kept = None
