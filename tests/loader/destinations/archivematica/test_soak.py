"""Many deposits, a small pipeline, random faults: all end, never too many inside, no AIP twice.

Thirty deposits; two hundred with TEST_FAULTS=1.
"""

import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from deposit.models import OPEN_DELIVERIES, Delivery
from loader.destinations.archivematica import after
from loader.destinations.archivematica.models import Pipeline, Transfer
from tests.loader.destinations.archivematica.delivering import Delivering, delivery_of, transfer_of
from tests.support.archivematica import Archivematica
from tests.support.archivematica_state import COMPLETE, DONE, NOT_YET, PROCESSING, Script

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(3000)]
CAPACITY = 5
DEPOSITS = 200 if os.environ.get("TEST_FAULTS") else 30
SCRIPTS = (
    Script(),
    Script(transfer=(NOT_YET, PROCESSING, PROCESSING, DONE), ingest=(COMPLETE,)),
    Script(transfer=(COMPLETE, DONE), ingest=(NOT_YET, "USER_INPUT", COMPLETE)),
    Script(transfer=("USER_INPUT", DONE), ingest=("FAILED",)),
    Script(transfer=("FAILED",)),
    Script(transfer=("REJECTED",)),
    Script(transfer=(DONE,), ingest=("FAILED",), stored=False),
    Script(transfer=("BACKLOG",)),
)
FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("POST /api/v2beta/package", {"drop_after": True}),
    ("POST /api/v2beta/package", {"status": 429}),
    ("POST /api/v2beta/package", {"status": 403}),
    ("GET /api/transfer/status", {"status": 500, "times": 3}),
    ("GET /api/ingest/status", {"status": 400, "times": 3}),
    ("GET /api/ingest/status", {"drop": True}),
    ("GET /api/v2/file", {"status": 503, "times": 2}),
    ("GET /api/v2beta/jobs", {"status": 500}),
    ("DELETE", {"status": 500}),
    ("browse", {"status": 500}),
)


@pytest.mark.parametrize("version", ["1.17.0", "1.19.0"])
def test_all_end_and_nothing_is_stored_twice(double: Archivematica, tmp_path: Path, version: str) -> None:
    chance = random.Random(f"soak {version}")
    double.version = version
    delivering = Delivering(double, tmp_path, capacity=CAPACITY)
    open_ = [delivering.deposit() for _ in range(DEPOSITS)]
    for deposit in open_:
        double.script(f"deposit-{deposit.pk}-", chance.choice(SCRIPTS))

    for _ in range(60 * DEPOSITS):
        if not open_:
            break
        if chance.random() < 0.1:
            where, fault = chance.choice(FAULTS)
            double.fail(where, **fault)
            # What was not met soon is taken back: rare requests would fail for ever.
            double.faults[:] = [one for one in double.faults if one.times > 0][-3:]
        deposit = chance.choice(open_[: 4 * CAPACITY])
        delivery = delivering.look(deposit)
        if delivery.state not in OPEN_DELIVERIES:
            open_.remove(deposit)
            after.look(transfer_of(deposit))  # as the delivery's cleanup does
        for transfer in Transfer.objects.filter(held_at__isnull=False, left_at=None)[:1]:
            after.look(transfer)

    double.faults.clear()
    for transfer in Transfer.objects.all():
        while after.look(transfer) is not None:
            transfer.refresh_from_db()
            Transfer.objects.filter(pk=transfer.pk).update(
                held_at="2026-01-01T00:00Z", entered_at="2026-01-01T00:00Z"
            )
            transfer.refresh_from_db()
    assert open_ == []
    assert not Delivery.objects.filter(state__in=OPEN_DELIVERIES).exists()
    assert double.state.most_inside <= CAPACITY
    assert not Transfer.objects.filter(left_at=None).exists()
    assert list(double.state.source.iterdir()) == []
    assert [
        name for name, number in Counter(one.name for one in double.transfers).items() if number > 1
    ] == []
    stored = Counter(folder.name.rpartition("-")[0] for folder in double.state.store.folders.values())
    assert len(double.state.store.packages) == len(stored)
    done = Delivery.objects.filter(state="done").count()
    assert 0 < done < DEPOSITS
    assert Pipeline.objects.get().transfers.count() == DEPOSITS
    assert delivery_of(Delivery.objects.filter(state="done")[0].deposit).state == "done"
