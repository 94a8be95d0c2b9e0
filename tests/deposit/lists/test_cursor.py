"""Days of the list of deposits: those that are over are found by their index, and the list is the same."""

from datetime import UTC, datetime, timedelta

import pytest

from deposit.lists.cursor import DepositFilter, slice_of
from deposit.models import Deposit
from tests.support.factories import new_client, new_collection

pytestmark = pytest.mark.django_db

MIDNIGHT = datetime(2026, 3, 10, tzinfo=UTC)
A_MOMENT = timedelta(microseconds=1)


@pytest.fixture
def deposits() -> list[int]:
    """One at the last moment of a day, three on the next, one after it; the newest row is not the last in time."""
    collection = new_collection()
    client = new_client(collection)
    moments = [
        MIDNIGHT - A_MOMENT,
        MIDNIGHT,
        MIDNIGHT + timedelta(hours=5),
        MIDNIGHT + timedelta(days=1),
        MIDNIGHT + timedelta(days=1) - A_MOMENT,
    ]
    return [
        Deposit.objects.create(client=client, collection=collection, reception_date=at).pk for at in moments
    ]


def listed(**asked: str) -> list[int]:
    chosen = DepositFilter(asked, queryset=Deposit.objects.all())
    assert chosen.is_valid()
    return [deposit.pk for deposit in slice_of(chosen.qs).items]


def test_a_day_that_is_over_has_its_first_and_its_last_moment(deposits: list[int]) -> None:
    assert listed(since="2026-03-10", until="2026-03-10") == [deposits[4], deposits[2], deposits[1]]


def test_a_long_time_is_walked_and_has_the_same(deposits: list[int]) -> None:
    assert listed(since="2026-03-10", until="2026-03-11") == [deposits[n] for n in (4, 3, 2, 1)]
    assert listed(since="2025-03-10", until="2026-03-10") == [deposits[n] for n in (4, 2, 1, 0)]


def test_days_and_other_wishes_hold_together(deposits: list[int]) -> None:
    Deposit.objects.filter(pk=deposits[2]).update(title="Jacquard")
    assert listed(since="2026-03-10", until="2026-03-10", q="jacquard") == [deposits[2]]
    assert listed(since="2026-03-10", until="2026-03-10", client="nobody") == []


def test_a_span_that_ends_before_it_begins_has_nothing(deposits: list[int]) -> None:
    assert listed(since="2026-03-11", until="2026-03-10") == []
