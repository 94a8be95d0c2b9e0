"""Who keeps whom waiting: PostgreSQL's advisory locks of this application, numbered in one place."""

import contextlib
from collections.abc import Iterator
from enum import IntEnum

from django.db import connection

# The first of the two numbers of each lock; the second says for what.
APPLICATION = 0x61726368


class Lock(IntEnum):
    """What is locked."""

    AUDIT = 1
    REPLICATE = 2
    # Held together by transactions that publish packs, alone by the one that says what is erased: so no pack becomes
    # visible by the rules of before.
    ERASED = 3
    # Packs are written anew (merged, erased in) by one process at a time.
    REWRITE = 4
    # Held together by backups, alone by who removes files of packs that were replaced.
    REMOVE = 5


@contextlib.contextmanager
def alone(what: Lock, *, wait: bool = False) -> Iterator[bool]:
    """Whether no other process does the same now; holds others off until it ends, or dies.

    With ``wait`` it waits until that is so.
    """
    with _held(what, "pg_advisory_lock" if wait else "pg_try_advisory_lock", "pg_advisory_unlock") as held:
        yield held


@contextlib.contextmanager
def together(what: Lock) -> Iterator[None]:
    """Hold off who wants to be alone, beside others who do the same."""
    with _held(what, "pg_advisory_lock_shared", "pg_advisory_unlock_shared"):
        yield


@contextlib.contextmanager
def _held(what: Lock, lock: str, unlock: str) -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {lock}(%s, %s)", [APPLICATION, what])
        (answer,) = cursor.fetchone()
        # Those that wait answer with nothing.
        held = answer is not False
        try:
            yield held
        finally:
            if held:
                cursor.execute(f"SELECT {unlock}(%s, %s)", [APPLICATION, what])
