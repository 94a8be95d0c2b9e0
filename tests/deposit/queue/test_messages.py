"""Work that is due together is named in one message, in the order of turns; nothing waits for a group."""

import time
from typing import Any

import pytest
from django.db.models.functions import Now

from deposit.lifecycle import Work
from deposit.models import Deposit, Heartbeat, Part, Status, WorkItem
from deposit.queue import groups, lanes
from deposit.queue.dispatcher import round_of_work
from deposit.queue.messages import SMALL_BYTES
from deposit.queue.registry import Kind
from tests.support.factories import new_client, new_collection, new_deposit
from tests.support.lifecycle_fixtures import claimed, in_status

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _two_workers() -> None:
    lanes.pace.forget()
    Heartbeat.objects.create(name="checker@here", queues="check", slots=2)


def waiting(number: int) -> list[int]:
    collection = new_collection()
    client = new_client(collection)
    return [in_status(Status.DEPOSITED, new_deposit(client, collection)).pk for _ in range(number)]


def messages() -> list[list[int]]:
    """What one round sends."""
    sent: list[list[int]] = []

    def send(kind: Kind, key: str, /, *further: str) -> None:
        sent.append([int(one) for one in (key, *further)])

    round_of_work(send)
    return sent


def test_one_that_waits_alone_goes_alone_at_once() -> None:
    (one,) = waiting(1)
    assert messages() == [[one]]
    (another,) = waiting(1)
    assert messages() == [[another]]


def test_those_that_wait_together_make_one_message() -> None:
    numbers = waiting(5)
    assert messages() == [numbers]
    assert WorkItem.objects.filter(sent_at__isnull=False).count() == 5


def test_a_group_grows_while_all_workers_have_enough(settings: Any) -> None:
    settings.CHECK_TOGETHER = 4
    first = waiting(3)
    assert messages() == [first]
    later = waiting(3)
    assert messages() == []
    for number in first:
        claimed(Work.CHECK, Deposit.objects.get(pk=number))
    # Those of another client take turns with them.
    others = waiting(3)
    assert messages() == [[later[0], others[0], later[1], others[1]]]
    assert messages() == []


def test_what_was_sent_before_goes_alone() -> None:
    numbers = waiting(3)
    assert messages() == [numbers]
    groups.pass_over(Work.CHECK, [str(number) for number in numbers])
    assert messages() == [[number] for number in numbers]


def test_a_message_that_nobody_took_is_sent_again_for_each(settings: Any) -> None:
    settings.RESEND_SECONDS = 0
    first, second = waiting(2)
    assert messages() == [[first, second]]
    assert messages() == [[first], [second]]


def test_with_groups_of_one_all_is_as_without(settings: Any) -> None:
    settings.CHECK_TOGETHER = 1
    numbers = waiting(3)
    assert messages() == [[numbers[0]]]


def test_a_group_that_is_out_is_not_taken_back() -> None:
    numbers = waiting(10)
    assert messages() == [numbers]
    for _ in range(3):
        assert messages() == []
    assert WorkItem.objects.filter(sent_at__isnull=False, recalled=False).count() == 10


def test_work_on_large_packages_goes_alone_no_further_ahead_than_workers_take_it() -> None:
    numbers = waiting(5)
    for number in numbers[1:4]:
        Part.objects.create(
            deposit_id=number,
            kind="package",
            size=SMALL_BYTES + 1,
            sha256="0" * 64,
            stored_as=f"{number}",
            name="a",
        )
    assert messages() == [[numbers[0], numbers[4]], [numbers[1]]]


def test_what_comes_after_a_group_in_turn_does_not_overtake_it() -> None:
    large = waiting(6)
    for number in large:
        Part.objects.create(
            deposit_id=number,
            kind="package",
            size=SMALL_BYTES + 1,
            sha256="0" * 64,
            stored_as=f"{number}",
            name="a",
        )
    WorkItem.objects.filter(deposit__in=large[:3]).update(sent_at=Now())
    # As if workers had taken many a moment ago.
    lanes.pace.ahead("check", 60, now=time.monotonic())
    (small,) = waiting(1)
    assert messages() == []
    for number in large[:2]:
        claimed(Work.CHECK, Deposit.objects.get(pk=number))
    assert messages()[0] == [small]
