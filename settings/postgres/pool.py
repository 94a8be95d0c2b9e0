"""The database sessions of one web process: few, lent to whoever needs one, and given back when it does not.

A thread that kept a session of its own would hold one for each of its fellow threads that ever worked at the same time:
processes that have many threads would take all that PostgreSQL gives, and never let go of it.
"""

import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

import psycopg2

from settings.postgres.rest import is_at_rest

# Who was refused a session by the server asks it again after so many seconds.
_TRY_AGAIN = 0.25
# A session that nobody needed for so long is ended, in seconds.
IDLE_SECONDS = 60.0

Connection = Any


class PoolExhausted(psycopg2.OperationalError):
    """All sessions of this process were at work for as long as somebody waited."""


class _Waiter:
    """A thread that waits: for a session, or for the place of one that is gone."""

    def __init__(self) -> None:
        self.told = threading.Event()
        self.connection: Connection | None = None

    def tell(self, connection: Connection | None) -> None:
        """Hand a session over, or say that there is room for another."""
        self.connection = connection
        self.told.set()


class Pool:
    """At most ``size`` sessions; who finds all of them lent waits, the first come first, up to ``patience`` seconds."""

    def __init__(self, size: int, *, patience: float) -> None:
        self.size = size
        self._patience = patience
        self._lock = threading.Lock()
        # Those that nobody has, with the moment at which they were given back; the newest are lent first.
        self._idle: deque[tuple[Connection, float]] = deque()
        # A thread that ends without giving its session back takes it along, and its place is free.
        self._lent: weakref.WeakSet[Connection] = weakref.WeakSet()
        self._connecting = 0
        self._waiters: deque[_Waiter] = deque()

    @property
    def open(self) -> int:
        """How many sessions there are, idle ones and those that are being made included."""
        return len(self._idle) + len(self._lent) + self._connecting

    @property
    def lent(self) -> int:
        """How many are at work."""
        return len(self._lent)

    def take(self, connect: Callable[[], Connection]) -> Connection:
        """Borrow a session, a new one by ``connect`` while there is room for it.

        When ``connect`` fails while there are others, the server has no more to give, and one of them is waited for.
        Raises what ``connect`` raises, or `PoolExhausted`.
        """
        until = time.monotonic() + self._patience
        failure: psycopg2.OperationalError | None = None
        while True:
            found, may_connect = self._find()
            if may_connect:
                try:
                    found = self._connected(connect)
                except psycopg2.OperationalError as error:
                    failure = error
                    if not self.open or time.monotonic() >= until:
                        raise
            if found is None:
                found = self._wait(until, _TRY_AGAIN if failure else self._patience)
            if found is not None:
                return found
            if time.monotonic() >= until:
                self._tell_next()
                raise failure or PoolExhausted(
                    f"All {self.size} database sessions of this process were at work for {self._patience:g} s."
                )

    def give_back(self, connection: Connection) -> None:
        """Return a session; one that is broken, or in a transaction, is ended."""
        old = []
        if not is_at_rest(connection):
            old.append(connection)
        with self._lock:
            self._lent.discard(connection)
            if old:
                self._tell(None)
            elif self._waiters:
                self._lent.add(connection)
                self._tell(connection)
            else:
                now = time.monotonic()
                self._idle.append((connection, now))
                if self._idle[0][1] < now - IDLE_SECONDS:
                    old.append(self._idle.popleft()[0])
        for one in old:
            one.close()

    def _find(self) -> tuple[Connection | None, bool]:
        """An idle session, or None and whether a new one may be made."""
        broken = []
        try:
            with self._lock:
                while self._idle:
                    connection, _ = self._idle.pop()
                    if is_at_rest(connection):
                        self._lent.add(connection)
                        return connection, False
                    broken.append(connection)
                may_connect = self.open < self.size
                self._connecting += may_connect
                return None, may_connect
        finally:
            for connection in broken:
                connection.close()

    def _connected(self, connect: Callable[[], Connection]) -> Connection:
        connection = None
        try:
            connection = connect()
            return connection
        finally:
            with self._lock:
                self._connecting -= 1
                if connection is not None:
                    self._lent.add(connection)
                else:
                    self._tell(None)

    def _wait(self, until: float, longest: float) -> Connection | None:
        """The session that is handed over; None when there may be room now, or nothing came in time."""
        waiter = _Waiter()
        with self._lock:
            self._waiters.append(waiter)
        waiter.told.wait(max(0.0, min(longest, until - time.monotonic())))
        with self._lock:
            if not waiter.told.is_set():
                self._waiters.remove(waiter)
        return waiter.connection

    def _tell_next(self) -> None:
        """Whoever gives up may have been told of room: the next in the row is."""
        with self._lock:
            if self.open < self.size:
                self._tell(None)

    def _tell(self, connection: Connection | None) -> None:
        if self._waiters:
            self._waiters.popleft().tell(connection)
