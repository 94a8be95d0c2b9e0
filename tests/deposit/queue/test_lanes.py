"""Small work is not held up by large: lanes for what is heavy, no further ahead than the workers' pace."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.db.models.functions import Now

from deposit.lifecycle import Work, fire
from deposit.models import Deposit, Event, EventName, Heartbeat, Part, Status, WorkItem
from deposit.queue import lanes, registry
from deposit.queue.claims import LeaseLost
from deposit.queue.dispatcher import round_of_work
from deposit.queue.items import claim
from deposit.queue.lanes import Lane, Load, Pace
from deposit.queue.leases import Lease, kept
from deposit.queue.registry import Kind
from deposit.services import work
from tests.support.factories import new_client, new_collection, new_deposit
from tests.support.lifecycle_fixtures import IDENTIFIERS, claimed, in_status, work_of

HEAVY = Lane("check", heavy=True)
LIGHT = Lane("check")


@pytest.fixture(autouse=True)
def _new_pace(settings: Any) -> Iterator[None]:
    settings.CHECK_TOGETHER = 1
    lanes.pace.forget()
    yield
    lanes.pace.forget()


def waiting(count: int, *, heavy: bool = False) -> list[int]:
    """So many deposits of one client that wait to be checked."""
    collection = new_collection()
    client = new_client(collection)
    numbers = [in_status(Status.DEPOSITED, new_deposit(client, collection)).pk for _ in range(count)]
    WorkItem.objects.filter(deposit__in=numbers).update(heavy=heavy)
    return numbers


def workers(slots: int) -> None:
    Heartbeat.objects.create(name="checker@here", queues="check,housekeeping", slots=slots)


def sent() -> list[int]:
    """The deposits whose messages a round of the dispatcher sends."""
    found: list[int] = []
    round_of_work(lambda kind, key: found.append(int(key)))
    return found


# --- How much of each ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("slots", "light", "heavy", "most"),
    [
        (0, Load(), Load(), 1),
        (1, Load(), Load(), 1),
        (2, Load(), Load(), 1),
        (8, Load(), Load(), 7),
        (8, Load(out=1), Load(), 4),
        (8, Load(leased=1), Load(), 4),
        (8, Load(leased=1), Load(out=1, leased=2), 1),
        (1, Load(), Load(leased=1), 0),
        (8, Load(leased=1), Load(leased=7), -3),
    ],
)
def test_heavy_work_never_fills_all_workers(slots: int, light: Load, heavy: Load, most: int) -> None:
    assert lanes.rooms({"check"}, {LIGHT: light, HEAVY: heavy}, {"check": slots})[HEAVY] == most


def test_light_work_is_sent_as_far_ahead_as_workers_take_it() -> None:
    pace = Pace()
    assert pace.ahead("check", 0, now=0) == 0
    pace.sent("check", 10)
    assert pace.ahead("check", 0, now=0.5) == 10 * lanes.AHEAD_SECONDS
    pace.sent("check", 40)
    # Nothing was taken in a second, nor in the next four: the pace is forgotten.
    assert pace.ahead("check", 40, now=1.5) == pytest.approx(3.68, abs=0.01)
    assert pace.ahead("check", 40, now=5.5) == pytest.approx(0.07, abs=0.01)
    assert pace.ahead("load", 0, now=6) == 0


def test_without_a_word_of_the_workers_much_is_sent() -> None:
    assert lanes.rooms({"check"}, {}, {})[LIGHT] == lanes.OUTSTANDING


@pytest.mark.django_db
def test_only_living_workers_count_with_what_they_have_told() -> None:
    workers(4)
    Heartbeat.objects.create(name="old version@here", queues="check")
    Heartbeat.objects.create(name="dead@here", queues="check,load", slots=8)
    Heartbeat.objects.filter(name="dead@here").update(beat_at="2020-01-01T00:00:00Z")
    assert lanes.slots() == {"check": 4, "housekeeping": 4}


# --- In the dispatcher's rounds --------------------------------------------------------------------------
@pytest.mark.django_db
def test_a_small_deposit_is_sent_beside_sixty_four_large_ones() -> None:
    workers(4)
    large = waiting(64, heavy=True)
    assert sent() == large[:3]
    (small,) = waiting(1)
    assert sent() == [small]
    for number in large[:3]:
        claimed(Work.CHECK, Deposit.objects.get(pk=number))
    (another,) = waiting(1)
    assert sent() == [another]


@pytest.mark.django_db
def test_whoever_has_less_under_way_comes_first() -> None:
    workers(2)
    many = waiting(10)
    assert sent() == many[:1]
    claimed(Work.CHECK, Deposit.objects.get(pk=many[0]))
    (one,) = waiting(1)
    lanes.pace.forget()
    assert sent() == [one]


@pytest.mark.django_db
def test_what_was_sent_too_far_ahead_is_taken_back_and_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = waiting(20)
    assert sent() == numbers  # the workers have not told yet
    workers(2)
    assert sent() == []
    kept_out = WorkItem.objects.filter(sent_at__isnull=False).values_list("deposit_id", flat=True)
    assert list(kept_out) == numbers[:1]
    # Its message still comes, in vain: another may go first.
    assert claim(Work.CHECK, numbers[5], worker="worker") is None
    assert claimed(Work.CHECK, Deposit.objects.get(pk=numbers[0])).attempt == 1
    monkeypatch.setattr(lanes.Pace, "ahead", lambda *args, **kwargs: 100)
    assert sent() == numbers[1:]
    assert claimed(Work.CHECK, Deposit.objects.get(pk=numbers[5])).attempt == 1


# --- What turns out to be heavy ---------------------------------------------------------------------------
@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch, transactional_db: None, settings: Any) -> Kind:
    """Checks that count as heavy at once."""
    settings.LEASE_SECONDS = 1
    kind = replace(work.CHECK, light_seconds=0.1)
    monkeypatch.setitem(registry._kinds, "check", kind)
    return kind


def works_until(lease: Lease, seconds: float = 5) -> bool:
    """Whether the lease ends the work before the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(0.02)
        lease.check()
    return False


def test_a_check_that_takes_long_yields_to_others_and_begins_anew_as_heavy_work(hasty: Kind) -> None:
    slow = in_status(Status.DEPOSITED)
    in_status(Status.DEPOSITED, new_deposit(origin_url="https://hal.example.org/x"))
    with pytest.raises(LeaseLost, match="others wait"), kept(claimed(Work.CHECK, slow)) as lease:
        works_until(lease)
    item = work_of(slow)
    assert (item.heavy, item.attempts, item.lease_expires_at) == (True, 0, None)
    assert not Event.objects.filter(name="give-back").exists()
    with kept(claimed(Work.CHECK, slow)) as lease:
        works_until(lease, 1)


def test_a_load_that_takes_long_yields_too_and_goes_on_later(
    monkeypatch: pytest.MonkeyPatch, transactional_db: None, settings: Any
) -> None:
    settings.LEASE_SECONDS = 1
    monkeypatch.setitem(registry._kinds, "load", replace(work.LOAD, light_seconds=0.1))
    slow = in_status(Status.VERIFIED)
    in_status(Status.VERIFIED, new_deposit(origin_url="https://hal.example.org/x"))
    with pytest.raises(LeaseLost, match="others wait"), kept(claimed(Work.LOAD, slow)) as lease:
        works_until(lease)
    slow.refresh_from_db()
    assert (slow.status, work_of(slow).heavy, work_of(slow).attempts) == (Status.LOADING, True, 0)
    token = claimed(Work.LOAD, slow).token
    fired = fire(EventName.FINISH, slow.pk, actor="test", token=token, changes=IDENTIFIERS)
    assert fired.status == Status.DONE
    assert list(Event.objects.filter(deposit=slow, name="start").values_list("name", flat=True)) == ["start"]


def test_a_check_that_is_in_nobodys_way_goes_on_and_what_follows_is_heavy(hasty: Kind) -> None:
    slow = in_status(Status.DEPOSITED)
    with kept(claimed(Work.CHECK, slow)) as lease:
        works_until(lease, 1)
        assert work_of(slow).heavy is True


@pytest.mark.django_db
@pytest.mark.parametrize(("size", "heavy"), [(99, False), (100, True)])
def test_large_packages_are_heavy_from_the_beginning(size: int, heavy: bool, settings: Any) -> None:
    settings.HEAVY_BYTES = 100
    deposit = new_deposit(origin_url="https://hal.example.org/x")
    for stored_as, part_size in (("packages/1", 50), ("packages/2", size - 50)):
        Part.objects.create(
            deposit=deposit,
            kind="package",
            name="p.zip",
            stored_as=stored_as,
            size=part_size,
            sha256="0" * 64,
        )
    in_status(Status.DEPOSITED, deposit)
    assert work_of(deposit).heavy is heavy
    WorkItem.objects.all().delete()
    assert (work.heal(), work_of(deposit).heavy) == (1, heavy)


@pytest.mark.django_db
def test_the_load_after_a_heavy_check_is_heavy() -> None:
    deposit = in_status(Status.DEPOSITED)
    WorkItem.objects.update(heavy=True, due_at=Now())
    in_status_verified = in_status(Status.VERIFIED)
    token = claimed(Work.CHECK, deposit).token
    fire(EventName.VERIFY, deposit.pk, actor="test", token=token)
    assert (work_of(deposit).heavy, work_of(in_status_verified).heavy) == (True, False)
