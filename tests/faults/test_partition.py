"""Two hosts, and the line between them cut for longer than a lease, again and again."""

import os
import time

import pytest

from tests.faults.depositing import Depositors
from tests.faults.hosts import NoNamespaces, OtherHost
from tests.faults.oracle import judge
from tests.faults.service import Service

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif("TEST_FAULTS" not in os.environ, reason="takes a minute: set TEST_FAULTS=1"),
]
CUTS = 4


def test_workers_that_are_cut_off_for_longer_than_their_leases_cost_nothing(service: Service) -> None:
    """A checker and a loader on either host; database, broker and web server on one of them."""
    try:
        with OtherHost() as other:
            elsewhere = {
                "DATABASE_URL": other.database(service.postgres.url()),
                "CELERY_BROKER_URL": other.broker(service.broker.url),
            }
            for role in ("checker", "loader"):
                service.start(role, 7, run=other.runs, **elsewhere)
            try:
                _work_there(service)
                before = len(service.statuses())
                depositors = Depositors(service, count=150, threads=4, pause=0.2)
                for _ in range(CUTS):
                    time.sleep(2)
                    with other.cut():
                        time.sleep(5)
                verdict = judge(service, depositors.join(), settled_within=120, before=before)
            finally:
                for role in ("checker", "loader"):
                    service.members.pop(f"{role}7").stop()
    except NoNamespaces as reason:
        pytest.skip(str(reason))
    assert verdict.broken == []
    assert verdict.statuses["failed"] == 0


def _work_there(service: Service) -> None:
    """Deposit until the workers on the other host have both done something: else there would be no test."""
    done = (
        "SELECT count(DISTINCT name) FROM deposit_event WHERE actor LIKE %s AND name IN ('verify', 'finish')"
    )
    deadline = time.monotonic() + 60
    while service.query(done, "%er7%") != [(2,)]:
        assert time.monotonic() < deadline, "the other host does no work"
        Depositors(service, count=10, threads=2).join()
