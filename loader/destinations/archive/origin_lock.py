"""One load at a time settles what an origin looks like: a snapshot names the releases of all deposits of its origin."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import Error, connection

from deposit.models import AdvisoryLock
from deposit.queue.leases import Busy, Lease

# A load that holds the lock has only to make its last pack durable and to publish it. In seconds.
PATIENCE_SECONDS = 300.0
_POLL_SECONDS = 0.1


@contextmanager
def alone_on_origin(url: str, lease: Lease) -> Iterator[None]:
    """Hold the lock for the block; it ends with the database session at the latest.

    Raises `Busy` when it is not to be had (whoever holds it is frozen), `LeaseLost`.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not _ask("pg_try_advisory_lock", url):
        lease.check()
        if time.monotonic() > deadline:
            raise Busy(f"Another load of {url} does not end.")
        time.sleep(_POLL_SECONDS)
    try:
        yield
    finally:
        with suppress(Error):
            _ask("pg_advisory_unlock", url)


def _ask(function: str, url: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, hashtext(%s))", [AdvisoryLock.ORIGIN, url])
        row = cursor.fetchone()
    return bool(row and row[0])
