"""Keeping a lease alive while a worker works, in a thread with a database connection of its own."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import Error, connection

from deposit.lifecycle import Claim, LeaseLost, give_back, renew

logger = logging.getLogger(__name__)

# After a fault of ours the next attempt waits this long, doubled with every attempt that failed, in seconds.
RETRY_SECONDS = 5


class Lease:
    """A lease that renews itself; ``check`` it before anything that cannot be undone."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self._lost = threading.Event()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"lease-{claim.deposit_id}", daemon=True)

    def check(self) -> None:
        """Raises `LeaseLost` when the work has gone to another."""
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


@contextmanager
def kept(claim: Claim) -> Iterator[Lease]:
    """Hold a lease for the block. After a fault the deposit waits a little before its next attempt."""
    lease = Lease(claim)
    lease.start()
    try:
        yield lease
    except LeaseLost:
        logger.warning("deposit=%s lease lost, work dropped", claim.deposit_id)
        raise
    except Exception:
        lease.stop()
        give_back(claim, after_seconds=RETRY_SECONDS * 2 ** (claim.attempt - 1))
        raise
    finally:
        lease.stop()
