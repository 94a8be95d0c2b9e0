"""Clients that read their answers slowly, and how many threads they may hold.

A thread that sends waits as soon as the kernel's buffer is full. Whoever reads slowly is let be as long as there are
threads for others; when too many threads wait so, the connection of the slowest reader is cut, and its client can ask
for the rest with Range. So strangers who read nothing, from however many addresses, cost each other their answers and
nobody else theirs.
"""

import contextlib
import logging
import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, BinaryIO

logger = logging.getLogger("gunicorn.error")

# A reader is judged by its speed after so many seconds; before, it is cut only when no other can be.
_TRIAL_SECONDS = 1.0
_PIECE = 256 * 1024
# What the kernel takes beyond what the client has room for. Left to itself it takes megabytes, and copying them for
# hundreds of clients that read nothing keeps the others waiting. In bytes.
_UNSENT = 512 * 1024


class ResponseSocket:
    """The socket of one answer: sends like the socket itself, and says when it waits for its client."""

    def __init__(self, sock: socket.socket, limit: "SlowReaderLimit", *, patience: float) -> None:
        """``patience``: seconds that a piece of the answer may take, at most 256 KiB."""
        self._sock = sock
        self._limit = limit
        self._patience = patience
        with contextlib.suppress(OSError):  # no TCP
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT)
        self._room = select.poll()
        self._room.register(sock, select.POLLOUT)
        self._began, self._waited, self._taken = 0.0, 0.0, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def sendall(self, data: bytes) -> None:
        """Send all. Raises `TimeoutError` for a client that takes too little, `OSError` for one that has gone."""
        left = memoryview(data)
        # A socket with a timeout does not block where there is room; it takes what fits.
        while left and self._room.poll(0):
            left = left[self._sock.send(left) :]
        if left:
            self._wait_with(left)

    def _wait_with(self, left: memoryview) -> None:
        self._began = time.monotonic()
        deadline = self._began + self._patience
        self._limit.began_waiting(self)
        try:
            while left:
                rest = deadline - time.monotonic()
                if rest <= 0 or not self._room.poll(rest * 1000):
                    raise TimeoutError(f"a piece of the answer was not taken in {self._patience:.0f} seconds")
                sent = self._sock.send(left)
                self._taken += sent
                left = left[sent:]
        finally:
            self._limit.stopped_waiting(self)
            self._waited += time.monotonic() - self._began

    def sendfile(self, file: BinaryIO, offset: int = 0, count: int | None = None) -> int:
        """The same for a file; returns the number of bytes sent."""
        file.seek(offset)
        sent = 0
        while (wanted := _PIECE if count is None else min(_PIECE, count - sent)) and (
            data := file.read(wanted)
        ):
            self.sendall(data)
            sent += len(data)
        return sent

    def worth(self, now: float) -> tuple[bool, float]:
        """The least is cut first: who takes fewest bytes a second; among those on trial, who waits longest."""
        seconds = self._waited + now - self._began
        on_trial = seconds < _TRIAL_SECONDS
        return on_trial, self._began if on_trial else self._taken / seconds

    def cut(self) -> None:
        """End the connection; the thread that sends on it is told by the kernel."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)


class SlowReaderLimit:
    """The answers of one worker that wait for their readers."""

    def __init__(self, most: Callable[[], int]) -> None:
        """``most``: how many threads may wait at this moment."""
        self._most = most
        self._lock = threading.Lock()
        self._waiting: set[ResponseSocket] = set()

    def began_waiting(self, answer: ResponseSocket) -> None:
        """A thread begins to wait."""
        with self._lock:
            self._waiting.add(answer)
        self.trim()

    def stopped_waiting(self, answer: ResponseSocket) -> None:
        """It waits no longer."""
        with self._lock:
            self._waiting.discard(answer)

    def trim(self) -> None:
        """Cut the slowest until no more wait than may."""
        now = time.monotonic()
        with self._lock:
            while len(self._waiting) > max(1, self._most()):
                slowest = min(self._waiting, key=lambda answer: answer.worth(now))
                self._waiting.discard(slowest)
                slowest.cut()
                logger.info("cut off the slowest reader: too many threads wait for theirs")
