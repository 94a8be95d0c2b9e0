"""The version before keeps leases in the deposits themselves: its work is respected, and what it leaves is taken up."""

from collections.abc import Iterator

import pytest
from django.db import connection

from deposit.lifecycle import Work, fire
from deposit.models import Deposit, EventName, Status, WorkItem
from deposit.queue import items
from deposit.queue.claims import LeaseLost
from deposit.queue.dispatcher import heal
from deposit.services import work
from tests.support.factories import new_deposit
from tests.support.lifecycle_fixtures import IDENTIFIERS, claimed, in_status, pass_lease, work_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _from_the_beginning() -> Iterator[None]:
    work._place = work._Place()
    yield
    work._place = work._Place()


def before(deposit: Deposit, status: str, lease_seconds: float | None = None) -> None:
    """What a process of the version before writes: a status, and a lease that passes after so many seconds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE deposit_deposit SET status = %s, lease_token = lease_token + 1, lease_owner = 'old', attempts = 1,"
            " lease_expires_at = statement_timestamp() + make_interval(secs => %s),"
            " complete_date = coalesce(complete_date, now()) WHERE id = %s",
            [status, lease_seconds, deposit.pk],
        )


def asked() -> list[tuple[str, int | None]]:
    return list(WorkItem.objects.order_by("deposit_id", "kind").values_list("kind", "deposit_id"))


def new(status: str, lease_seconds: float | None = None) -> int:
    deposit = new_deposit(origin_url="https://hal.example.org/x")
    before(deposit, status, lease_seconds)
    return deposit.pk


def test_deposits_of_the_version_before_get_their_work_and_those_at_work_do_not() -> None:
    waiting = [("check", new("deposited")), ("load", new("verified")), ("load", new("loading", -1))]
    waiting.append(("check", new("deposited", -1)))
    at_work = [new("deposited", 60), new("loading", 60)]
    for status in ("rejected", "failed"):
        new(status)
    new_deposit()
    assert heal() == 4
    assert asked() == waiting
    assert heal() == 0
    for number in at_work:
        before(Deposit.objects.get(pk=number), Deposit.objects.get(pk=number).status, -1)
    assert heal() == 2
    assert len(asked()) == 6


def test_what_was_healed_is_worked_on_to_its_end() -> None:
    deposit = Deposit.objects.get(pk=new("deposited"))
    heal()
    fire(EventName.VERIFY, deposit.pk, actor="new", token=claimed(Work.CHECK, deposit).token)
    fire(
        EventName.FINISH,
        deposit.pk,
        actor="new",
        token=claimed(Work.LOAD, deposit).token,
        changes=IDENTIFIERS,
    )
    assert not WorkItem.objects.exists()


@pytest.mark.parametrize(("status", "kind"), [(Status.DEPOSITED, Work.CHECK), (Status.LOADING, Work.LOAD)])
def test_work_that_a_worker_of_the_version_before_has_is_put_off(status: Status, kind: Work) -> None:
    deposit = in_status(Status.DEPOSITED if kind is Work.CHECK else Status.VERIFIED)
    before(deposit, status, 60)
    assert items.claim(kind, deposit.pk, worker="new") is None
    assert work_of(deposit).attempts == 0
    before(deposit, status, -1)
    pass_lease(deposit)
    assert claimed(kind, deposit).attempt == 1


@pytest.mark.parametrize("status", [Status.DONE, Status.REJECTED, Status.FAILED])
def test_work_that_a_worker_of_the_version_before_has_ended_goes(status: Status) -> None:
    deposit = in_status(Status.VERIFIED)
    Deposit.objects.filter(pk=deposit.pk).update(status=status, **IDENTIFIERS)
    assert items.claim(Work.LOAD, deposit.pk, worker="new") is None
    assert not WorkItem.objects.exists()


def test_of_two_versions_that_work_on_one_deposit_one_ends_it() -> None:
    deposit = in_status(Status.DEPOSITED)
    held = claimed(Work.CHECK, deposit)
    before(deposit, "verified")
    with pytest.raises(LeaseLost):
        fire(EventName.VERIFY, deposit.pk, actor="new", token=held.token)
    assert heal() == 1
    assert asked() == [("check", deposit.pk), ("load", deposit.pk)]


def test_a_long_queue_is_healed_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "_WINDOW", 2)
    numbers = [new("deposited") for _ in range(3)] + [new("verified") for _ in range(2)]
    assert [work.heal() for _ in range(4)] == [2, 2, 1, 0]
    assert sorted(number for _, number in asked() if number) == numbers
