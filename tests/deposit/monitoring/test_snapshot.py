"""Deposits by their status: counted while there are few, and but for those that are done also when there are many."""

import pytest
from django.db import connection

from deposit.models import Status
from deposit.monitoring import snapshot
from deposit.monitoring.snapshot import counted, deposits_by_status, read_snapshot
from tests.support.lifecycle_fixtures import in_status


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("limit", [100_000, 2], ids=["counted", "estimated"])
def test_the_numbers_are_right(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for status in (Status.DONE, Status.DONE, Status.DONE, Status.REJECTED, Status.VERIFIED, Status.FAILED):
        in_status(status)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE deposit_deposit")
    monkeypatch.setattr(snapshot, "_COUNTED", limit)
    counted.forget()
    numbers = deposits_by_status(read_snapshot())
    counted.forget()
    assert {name: number for name, number in numbers.items() if number} == {
        "done": 3,
        "rejected": 1,
        "verified": 1,
        "failed": 1,
    }
