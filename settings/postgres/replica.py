"""Reads that a standby may answer, and never an answer that is older than its question.

Before a view reads from the standby, the primary is asked how far it has written what it confirmed, and the standby
waits for a moment until it has come as far. So nobody misses what he, or anybody, was told is done. A standby that does
not come as far in time, or does not answer, is left alone for some seconds, and the primary answers.
"""

import functools
import logging
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

from django.db import DEFAULT_DB_ALIAS, Error, InterfaceError, OperationalError, connections

logger = logging.getLogger(__name__)

ALIAS = "replica"
# How long a view waits for the standby, and how long one is left alone that was waited for in vain. In seconds.
WAIT_SECONDS = 0.2
AWAY_SECONDS = 5.0
_PAUSE = 0.005

_reads_there: ContextVar[bool] = ContextVar("reads_there", default=False)
P = ParamSpec("P")
R = TypeVar("R")


class Router:
    """Sends reads to the standby while a view may read there; named in the settings of the web."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        """Where to read."""
        return read_alias()

    def db_for_write(self, model: Any, **hints: Any) -> str:
        """Where to write."""
        return DEFAULT_DB_ALIAS

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        """Both have the same rows."""
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        """A standby gets its tables from the primary."""
        return db != ALIAS


def read_alias() -> str:
    """The name of the connection for what this thread reads now."""
    return ALIAS if _reads_there.get() else DEFAULT_DB_ALIAS


class Standby:
    """Whether the standby may be asked now."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._away_until = 0.0

    def has_caught_up(self) -> bool:
        """Whether it has all that the primary has confirmed at this moment; waits a little for it."""
        if ALIAS not in connections.settings or time.monotonic() < self._away_until:
            return False
        if connections[DEFAULT_DB_ALIAS].in_atomic_block:
            return False
        try:
            if self._catches_up():
                return True
            logger.warning("the standby is behind, or is none: it is not asked for %g s", AWAY_SECONDS)
        except Error as error:
            logger.warning("the standby is away: %s", str(error).strip())
            connections[ALIAS].close()
        self.leave_alone()
        return False

    def leave_alone(self) -> None:
        """Ask it no more for some seconds."""
        with self._lock:
            self._away_until = time.monotonic() + AWAY_SECONDS

    def _catches_up(self) -> bool:
        until = time.monotonic() + WAIT_SECONDS
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute("SELECT pg_current_wal_flush_lsn()")
            (confirmed,) = cursor.fetchone()
        with connections[ALIAS].cursor() as cursor:
            while True:
                cursor.execute(
                    "SELECT pg_is_in_recovery(), pg_last_wal_replay_lsn() >= %s::pg_lsn", [confirmed]
                )
                follows, has_it = cursor.fetchone()
                if not follows:
                    return False
                if has_it:
                    return True
                if time.monotonic() >= until:
                    return False
                time.sleep(_PAUSE)


standby = Standby()


def may_read_from_standby(view: Callable[P, R]) -> Callable[P, R]:
    """A view that changes nothing, which may read from the standby where there is one.

    Should the standby fail meanwhile, it runs again and reads from the primary.
    """

    @functools.wraps(view)
    def reading(*args: P.args, **kwargs: P.kwargs) -> R:
        if not standby.has_caught_up():
            return view(*args, **kwargs)
        token = _reads_there.set(True)
        try:
            return view(*args, **kwargs)
        except (OperationalError, InterfaceError) as error:
            logger.warning("the standby failed, the primary is asked: %s", str(error).strip())
            connections[ALIAS].close()
            standby.leave_alone()
        finally:
            _reads_there.reset(token)
        return view(*args, **kwargs)

    return reading
