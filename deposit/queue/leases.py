"""Keeping a lease alive while a worker works, in a thread with a database connection of its own.

The thread renews only while the work goes forward: a worker that hangs (on a dead network file system, say) lets
its lease pass, and another takes over.
"""

import errno
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.conf import settings
from django.db import Error, InterfaceError, OperationalError, connection

from archive.errors import Unreadable
from deposit.queue import registry
from deposit.queue.claims import Claim, LeaseLost, PutOff
from deposit.queue.items import give_back, holds_up_others, put_off, renew_all, weigh
from deposit.queue.policies import Policy
from deposit.queue.sessions import name_session, unname_session
from deposit.staging.interface import StagingAway

logger = logging.getLogger(__name__)

# How often work that takes long looks whether others wait, in seconds.
_LOOK_SECONDS = 1.0

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EROFS}
# PostgreSQL's classes of errors that pass: connection, rollback (deadlock), resources (disk full), locks, operators.
_PASSING = ("08", "40", "53", "55", "57")


class Busy(Exception):
    """Another has what this work needs; it is to be tried again later."""


class Lease:
    """A lease that renews itself; ``check`` it wherever work moves on, and before what cannot be undone."""

    def __init__(self, claim: Claim, companions: Sequence[Claim] = ()) -> None:
        self.claim = claim
        # What is done together with it, under the same token.
        self._all = [claim, *companions]
        self._lost = threading.Event()
        self._done = threading.Event()
        self._kind = registry.get(claim.kind)
        self._policy = self._kind.policy
        self._is_heavy = claim.heavy or self._kind.light_seconds is None
        self._in_the_way = threading.Event()
        self._began_at = self._moved_at = time.monotonic()
        self._thread = threading.Thread(target=self._keep, name=f"lease of {claim}", daemon=True)

    def check(self) -> None:
        """The work moves on. Raises `LeaseLost` when it has gone to another."""
        self._moved_at = time.monotonic()
        if self._lost.is_set():
            raise LeaseLost(f"The lease on {self.claim} was lost.")
        if self._in_the_way.is_set():
            raise PutOff(f"{self.claim} takes long, and others wait.")

    def start(self) -> None:
        """Begin to renew."""
        self._thread.start()

    def stop(self) -> None:
        """Stop renewing; the lease itself runs on until it passes or an event ends it."""
        self._done.set()
        self._thread.join()

    def _keep(self) -> None:
        try:
            while not self._done.wait(self._pause()):
                if self._hangs():
                    logger.error("work=%s hangs, lease let go", self.claim)
                    self._lost.set()
                    return
                self._renew()
                self._weigh()
        finally:
            connection.close()

    def _pause(self) -> float:
        usual = settings.LEASE_SECONDS / 3
        if self.claim.heavy or self._kind.light_seconds is None:
            return usual
        return min(usual, _LOOK_SECONDS if self._is_heavy else self._kind.light_seconds)

    def _weigh(self) -> None:
        """Work that takes long goes to the lane for it: once others wait, or what follows it."""
        if self.claim.heavy or self._kind.light_seconds is None or self._lost.is_set():
            return
        if len(self._all) > 1:
            # Whose fault it is shows when each is done by itself.
            if time.monotonic() - self._began_at >= self._kind.light_seconds:
                self._in_the_way.set()
            return
        try:
            if not self._is_heavy and time.monotonic() - self._began_at >= self._kind.light_seconds:
                weigh(self.claim)
                self._is_heavy = True
            if self._is_heavy and self._kind.yields and holds_up_others(self.claim):
                self._in_the_way.set()
        except Error as error:
            logger.warning("work=%s not weighed: %s", self.claim, str(error).strip())
            connection.close()

    def _hangs(self) -> bool:
        now, limit = time.monotonic(), self._policy.limit_seconds
        return now - self._moved_at > self._policy.stall_seconds or (
            limit is not None and now - self._began_at > limit
        )

    def _renew(self) -> None:
        try:
            if not renew_all(self._all):
                self._lost.set()
        except Error as error:
            # A database that is away may come back before the lease passes; the token guards the rest.
            logger.warning("work=%s lease not renewed: %s", self.claim, str(error).strip())
            connection.close()


def is_outage(error: BaseException) -> bool:
    """Whether a fault is of the surroundings and will pass, whatever the work is about."""
    if isinstance(error, OperationalError | InterfaceError):
        code = getattr(error.__cause__, "pgcode", None)
        return code is None or code.startswith(_PASSING)
    if isinstance(error, Unreadable | Busy | StagingAway):
        return True
    return isinstance(error, OSError) and error.errno in _FULL


@contextmanager
def kept_together(claim: Claim, companions: Sequence[Claim]) -> Iterator[Lease]:
    """Hold the leases of work that is done together for the block; what follows from a fault is the caller's."""
    lease = Lease(claim, companions)
    lease.start()
    try:
        name_session(claim.token)
        yield lease
    finally:
        lease.stop()
        unname_session()


@contextmanager
def kept(claim: Claim) -> Iterator[Lease]:
    """Hold a lease for the block. After a fault the work waits a little before its next attempt."""
    lease = Lease(claim)
    lease.start()
    try:
        name_session(claim.token)
        yield lease
    except PutOff:
        lease.stop()
        put_off(claim)
        raise
    except LeaseLost:
        raise
    except Exception as error:
        lease.stop()
        _give_back(claim, error)
        raise
    finally:
        lease.stop()
        unname_session()


def _give_back(claim: Claim, error: Exception) -> None:
    policy = _policy(claim)
    outage = is_outage(error)
    wait = policy.outage_seconds if outage else policy.wait_after(claim.attempt)
    reason = f"{type(error).__name__}: {error}"[:500].strip()
    try:
        if isinstance(error, OperationalError | InterfaceError):
            connection.close()
        give_back(claim, reason=reason, after_seconds=wait, counts=not outage)
    except Error as away:
        # The lease passes by itself; the next attempt begins then.
        logger.warning("work=%s not given back: %s", claim, str(away).strip())


def _policy(claim: Claim) -> Policy:
    return registry.get(claim.kind).policy
