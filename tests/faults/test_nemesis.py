"""The short form of the long run: harms at random while deposits arrive. ``FAULTS_SEED`` repeats a run."""

import os
import time

import pytest

from tests.faults.depositing import Depositors
from tests.faults.nemesis import Nemesis
from tests.faults.oracle import judge
from tests.faults.service import Service


@pytest.mark.timeout(300)
@pytest.mark.skipif("TEST_FAULTS" not in os.environ, reason="takes a minute: set TEST_FAULTS=1")
def test_nothing_is_lost_doubled_or_stuck_whatever_is_killed(service: Service) -> None:
    seed = int(os.environ.get("FAULTS_SEED", time.time()))
    depositors = Depositors(service, count=60, threads=3, pause=0.1)
    nemesis = Nemesis(service, seed=seed, pause=0.4)
    for _ in range(15):
        nemesis.harm()
    nemesis.rest()
    verdict = judge(service, depositors.join(), settled_within=120)
    assert verdict.broken == [], f"seed {seed}: {dict(nemesis.done)}"
    assert sum(verdict.statuses.values()) >= 60
