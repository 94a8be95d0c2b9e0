"""How many connections to MuseumPlus are open at once: a few, over all processes and machines.

A connection is an advisory lock in the database, which all share; the database lets go of it when the session that took
it ends, however it ends. The locks have a session of their own, for the threads of a client ask side by side.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

from django.db import Error, connection

logger = logging.getLogger(__name__)

CONNECTIONS = 3
# The class of the advisory locks ("mupl").
_CLASS = 0x6D75706C
_PAUSE_SECONDS = 0.05


class Slots:
    """``count`` places; whoever holds one may connect."""

    def __init__(self, count: int = CONNECTIONS) -> None:
        self._count = count
        self._mutex = threading.Lock()
        # A session may take a lock that it has again: so what it has is known here.
        self._taken: set[int] = set()
        self._session: Any = None

    @contextlib.contextmanager
    def slot(self) -> Iterator[None]:
        """Hold a place; wait while all are taken. Raises `django.db.Error`."""
        while (place := self._take()) is None:
            time.sleep(_PAUSE_SECONDS)
        try:
            yield
        finally:
            self._give_back(place)

    def close(self) -> None:
        """End the session, and let go of every place."""
        with self._mutex:
            self._end_session()

    def _take(self) -> int | None:
        with self._mutex:
            for place in range(self._count):
                if place not in self._taken and self._ask("pg_try_advisory_lock", place):
                    self._taken.add(place)
                    return place
        return None

    def _give_back(self, place: int) -> None:
        with self._mutex:
            if place in self._taken:
                self._taken.remove(place)
                try:
                    self._ask("pg_advisory_unlock", place)
                except Error as error:  # the session ended, and its locks with it
                    logger.warning("A connection to MuseumPlus was given back late: %s", error)

    def _ask(self, function: str, place: int) -> bool:
        if self._session is None:
            self._session = connection.copy()
            self._session.inc_thread_sharing()  # one thread at a time: the mutex is held
        try:
            with self._session.cursor() as cursor:
                cursor.execute(f"SELECT {function}(%s, %s)", [_CLASS, place])
                return bool(cursor.fetchone()[0])
        except Error:
            self._end_session()
            raise

    def _end_session(self) -> None:
        self._taken.clear()
        session, self._session = self._session, None
        if session is not None:
            with contextlib.suppress(Error):
                session.close()
