"""Keeping a lease alive while a worker works, in a thread with a database connection of its own.

The thread renews only while the work goes forward: a worker that hangs (on a dead network file system, say) lets
its lease pass, and another takes over.
"""

import errno
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import Error, InterfaceError, OperationalError, connection

from archive.errors import Unreadable
from deposit.lifecycle import Claim, LeaseLost, give_back, renew
from deposit.queue.sessions import name_session

logger = logging.getLogger(__name__)

# After a fault of ours the next attempt waits this long, doubled with every attempt that failed, in seconds.
RETRY_SECONDS = 5
# While the surroundings fail (disk full, database or storage away), attempts do not count and come this often.
OUTAGE_SECONDS = 15
# Work that has not moved for this long is taken to hang: syncing and publishing the largest pack take minutes.
STALL_SECONDS = 3600.0

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EROFS}
# PostgreSQL's classes of errors that pass: connection, rollback (deadlock), resources (disk full), locks, operators.
_PASSING = ("08", "40", "53", "55", "57")


class Busy(Exception):
    """Another has what this work needs; it is to be tried again later."""


class Lease:
    """A lease that renews itself; ``check`` it wherever work moves on, and before what cannot be undone."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self._lost = threading.Event()
        self._done = threading.Event()
        self._moved_at = time.monotonic()
        self._thread = threading.Thread(target=self._keep, name=f"lease-{claim.deposit_id}", daemon=True)

    def check(self) -> None:
        """The work moves on. Raises `LeaseLost` when it has gone to another."""
        self._moved_at = time.monotonic()
        if self._lost.is_set():
            raise LeaseLost(f"The lease on deposit {self.claim.deposit_id} was lost.")

    def start(self) -> None:
        """Begin to renew."""
        self._thread.start()

    def stop(self) -> None:
        """Stop renewing; the lease itself runs on until it passes or an event ends it."""
        self._done.set()
        self._thread.join()

    def _keep(self) -> None:
        try:
            while not self._done.wait(settings.LEASE_SECONDS / 3):
                if time.monotonic() - self._moved_at > STALL_SECONDS:
                    logger.error("deposit=%s work hangs, lease let go", self.claim.deposit_id)
                    self._lost.set()
                    return
                self._renew()
        finally:
            connection.close()

    def _renew(self) -> None:
        try:
            if not renew(self.claim):
                self._lost.set()
        except Error as error:
            # A database that is away may come back before the lease passes; the token guards the rest.
            logger.warning("deposit=%s lease not renewed: %s", self.claim.deposit_id, str(error).strip())
            connection.close()


def is_outage(error: BaseException) -> bool:
    """Whether a fault is of the surroundings and will pass, whatever the deposit is like."""
    if isinstance(error, OperationalError | InterfaceError):
        code = getattr(error.__cause__, "pgcode", None)
        return code is None or code.startswith(_PASSING)
    if isinstance(error, Unreadable | Busy):
        return True
    return isinstance(error, OSError) and error.errno in _FULL


@contextmanager
def kept(claim: Claim) -> Iterator[Lease]:
    """Hold a lease for the block. After a fault the deposit waits a little before its next attempt."""
    lease = Lease(claim)
    lease.start()
    try:
        name_session(claim.deposit_id, claim.token)
        yield lease
    except LeaseLost:
        raise
    except Exception as error:
        lease.stop()
        _give_back(claim, error)
        raise
    finally:
        lease.stop()


def _give_back(claim: Claim, error: Exception) -> None:
    outage = is_outage(error)
    wait = OUTAGE_SECONDS if outage else RETRY_SECONDS * 2 ** (claim.attempt - 1)
    reason = f"{type(error).__name__}: {error}"[:500].strip()
    try:
        if isinstance(error, OperationalError | InterfaceError):
            connection.close()
        give_back(claim, reason=reason, after_seconds=wait, counts=not outage)
    except Error as away:
        # The lease passes by itself; the next attempt begins then.
        logger.warning("deposit=%s not given back: %s", claim.deposit_id, str(away).strip())
