"""A lease that keeps itself alive, lets go of work that hangs, and tells why work was given back."""

import errno
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.db import OperationalError, connection

from archive.errors import PackMissing
from deposit.lifecycle import Work
from deposit.models import Deposit, Event, Status, WorkItem
from deposit.queue import registry
from deposit.queue.claims import Claim, LeaseLost
from deposit.queue.leases import Busy, Lease, is_outage, kept
from deposit.queue.policies import LOCAL
from deposit.services import work
from tests.support.lifecycle_fixtures import claimed, in_status, pass_lease

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def claim(settings: Any, transactional_db: None) -> Claim:
    settings.LEASE_SECONDS = 1
    return claimed(Work.CHECK, in_status(Status.DEPOSITED))


def is_leased(claim: Claim) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT lease_expires_at > clock_timestamp() FROM deposit_workitem WHERE id = %s",
            [claim.id],
        )
        return bool(cursor.fetchone()[0])


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def is_lost(lease: Lease) -> bool:
    try:
        lease.check()
    except LeaseLost:
        return True
    return False


def test_a_lease_outlives_its_seconds_while_work_goes_on(claim: Claim) -> None:
    with kept(claim) as lease:
        time.sleep(1.5)
        lease.check()
        assert is_leased(claim)


def test_a_lease_that_another_took_is_noticed(claim: Claim) -> None:
    with kept(claim) as lease:
        WorkItem.objects.filter(pk=claim.id).update(lease_token=claim.token + 1)
        assert within(2, lambda: is_lost(lease))
    assert not Event.objects.filter(name="give-back").exists()


def test_work_that_hangs_loses_its_lease(claim: Claim, monkeypatch: pytest.MonkeyPatch) -> None:
    hasty = replace(work.CHECK, policy=replace(LOCAL, stall_seconds=0.1))
    monkeypatch.setitem(registry._kinds, "check", hasty)
    with kept(claim) as lease:
        assert within(3, lambda: not is_leased(claim))
        assert is_lost(lease)


def test_work_whose_lease_is_lost_is_not_given_back(claim: Claim) -> None:
    with pytest.raises(LeaseLost), kept(claim):
        raise LeaseLost
    assert is_leased(claim)
    assert not Event.objects.filter(name="give-back").exists()


def test_a_database_that_is_away_for_a_moment_does_not_end_a_lease(claim: Claim) -> None:
    def end_the_keepers_session() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            return bool(cursor.fetchone()[0])

    with kept(claim) as lease:
        assert within(2, end_the_keepers_session)
        time.sleep(1.2)
        lease.check()
        assert is_leased(claim)


FAULTS = [
    (OSError(errno.ENOSPC, "No space left on device"), True),
    (OSError(errno.EDQUOT, "Quota exceeded"), True),
    (FileNotFoundError(errno.ENOENT, "No such file"), False),
    (OSError(errno.EIO, "Input/output error"), False),
    (PackMissing("gone"), True),
    (Busy("another"), True),
    (ZeroDivisionError("a fault of the program"), False),
    (OperationalError("server closed the connection"), True),
]


@pytest.mark.parametrize(("fault", "passes"), FAULTS, ids=lambda value: repr(value)[:40])
def test_a_fault_of_ours_gives_the_work_back_with_its_reason(
    claim: Claim, fault: Exception, passes: bool
) -> None:
    with pytest.raises(type(fault)), kept(claim):
        raise fault
    assert Deposit.objects.get().status == Status.DEPOSITED
    item = WorkItem.objects.get()
    assert (item.attempts, item.lease_expires_at) == (0 if passes else 1, None)
    event = Event.objects.latest("id")
    wait = LOCAL.outage_seconds if passes else LOCAL.first_wait_seconds
    assert event.detail == {"reason": f"{type(fault).__name__}: {fault}", "wait_seconds": wait}


def test_the_wait_doubles_with_every_attempt() -> None:
    deposit = in_status(Status.VERIFIED)
    waits = []
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), kept(claimed(Work.LOAD, deposit)):
            raise ZeroDivisionError
        waits.append(Event.objects.latest("id").detail["wait_seconds"])
        pass_lease(deposit)
    assert waits == [5, 10, 20]


@pytest.mark.parametrize(
    ("sqlstate", "passes"),
    [("53100", True), ("40P01", True), ("55P03", True), ("57P01", True), ("54000", False)],
    ids=["disk full", "deadlock", "lock not available", "shutdown", "index row too large"],
)
def test_only_faults_of_the_database_that_pass_are_outages(sqlstate: str, passes: bool) -> None:
    with pytest.raises(OperationalError) as caught, connection.cursor() as cursor:
        cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{sqlstate}'; END $$")
    assert is_outage(caught.value) is passes


def test_a_program_that_ends_lets_its_lease_run_out(claim: Claim) -> None:
    with pytest.raises(SystemExit), kept(claim):
        raise SystemExit
    assert within(3, lambda: not is_leased(claim))
