"""A loader that is killed at any commit of a delivery: one transfer, the place given back, no bundle left.

First the commits of a delivery are counted; then a delivery is begun for each of some of them (all, with TEST_FAULTS=1)
in a process of its own, which ends there without a word, and another worker takes over.
"""

import os
import random
from pathlib import Path

import pytest
from django.db import connection

from deposit.models import Deposit
from deposit.queue.dispatcher import release_passed_leases
from tests.faults.instants import watched
from tests.loader.destinations.archivematica.delivering import Delivering, transfer_of
from tests.support.archivematica import Archivematica
from tests.support.archivematica_state import COMPLETE, DONE, NOT_YET, Script
from tests.support.lifecycle_fixtures import pass_lease

pytestmark = pytest.mark.django_db(transaction=True)
KILLED = 9
SOME = 10


class Commits:
    """Counts commits, before and after they take effect, and ends the process at the one that is wanted."""

    def __init__(self, last: int | None = None) -> None:
        self.number, self._last = 0, last

    def __call__(self, name: str) -> None:
        if name in ("commit", "committed"):
            self.number += 1
            if self.number == self._last:
                os._exit(KILLED)


def deliver_in_child(delivering: Delivering, deposit: Deposit, last: int) -> int:
    """Deliver in a process that ends at a commit; with what exit code it ended."""
    connection.close()
    child = os.fork()
    if child == 0:
        try:
            with watched(Commits(last)):
                delivering.to_its_end(deposit)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("version", ["1.17.0", "1.19.0"])
def test_killed_anywhere_there_is_one_transfer(double: Archivematica, tmp_path: Path, version: str) -> None:
    double.version = version
    double.state.default = Script(transfer=(NOT_YET, DONE), ingest=(NOT_YET, COMPLETE))
    delivering = Delivering(double, tmp_path, capacity=1)
    counted = Commits()
    with watched(counted):
        delivering.to_its_end(delivering.deposit())
    wanted = range(1, counted.number + 1)
    chosen = wanted if os.environ.get("TEST_FAULTS") else sorted(random.Random(17).sample(wanted, SOME))

    for last in chosen:
        deposit = delivering.deposit()
        # The checks' commits were counted, too: towards the end a delivery may be over before it is killed.
        assert deliver_in_child(delivering, deposit, last) in (0, KILLED)
        pass_lease(deposit)
        release_passed_leases()
        deposit.refresh_from_db()
        if deposit.status != "done":
            assert delivering.to_its_end(deposit).state == "done", last
        names = [one.name for one in double.transfers]
        assert names.count(transfer_of(deposit).name) == 1, last
        assert transfer_of(deposit).left_at is not None, last
        assert list(double.state.source.iterdir()) == [], last
    assert len(double.transfers) == 1 + len(chosen)
    assert len(double.state.store.packages) == 1 + len(chosen)
