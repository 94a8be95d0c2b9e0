"""What steps may answer and raise, what people may ask for, and what becomes of the delivery and the deposit."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db.models.functions import Now

from deposit.actors import Channel, SystemActor
from deposit.models import Activity, Delivery, Deposit, Status, WorkItem
from deposit.queue.dispatcher import round_of_work
from deposit.services.operations import reschedule
from loader import workflow
from loader.cleanup import clean_up
from loader.steps import Again, Ask, Context, Destination, Done, Outcome, Permanent, Step, Transient
from loader.workflow import load
from tests.loader.conftest import Loaded
from tests.support.lifecycle_fixtures import depositor

Run = Callable[[Context], Outcome]


@pytest.fixture
def delivered(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Deposit]:
    """A deposit taken to a destination of the steps ``one``, ``two`` …, as far as that goes in one attempt."""

    def run(*steps: Run, clean_up: Any = None, destinations: tuple[str, ...] = ("shelf",)) -> Deposit:
        numbered = tuple(
            Step(name=name, run=one) for name, one in zip(("one", "two", "three"), steps, strict=False)
        )
        shelf = Destination(name="shelf", steps=numbered, clean_up=clean_up)
        real = workflow.destination_named
        monkeypatch.setattr(
            "loader.workflow.destination_named", lambda name: shelf if name == "shelf" else real(name)
        )
        monkeypatch.setattr("loader.cleanup.destination_named", lambda name: shelf)
        client, collection = depositor()
        collection.destinations = list(destinations)
        collection.save()
        return loaded(who=(client, collection))

    return run


def go_on(deposit: Deposit) -> Deposit:
    """The time that the deposit waits for has come."""
    WorkItem.objects.filter(kind="load", key=str(deposit.pk)).update(due_at=Now())
    load(deposit.pk, worker="another")
    deposit.refresh_from_db()
    return deposit


def states(deposit: Deposit) -> tuple[str, str, list[tuple[str, str]]]:
    delivery = Delivery.objects.get(deposit=deposit, current=True)
    steps = list(delivery.activities.values_list("name", "state"))
    return Deposit.objects.get(pk=deposit.pk).status, delivery.state, steps


def test_steps_pass_on_results_and_what_they_saved(delivered: Any) -> None:
    seen: list[Any] = []

    def one(context: Context) -> Outcome:
        context.save(number=7)
        return Done(result={"name": "a"})

    def two(context: Context) -> Outcome:
        seen.append((context.results, context.memory))
        return Done()

    deposit = delivered(one, two)
    assert states(deposit) == (Status.DONE, "done", [("one", "done"), ("two", "done")])
    assert seen == [({"one": {"name": "a"}}, {"number": 7})]


def test_a_step_that_is_done_is_not_done_again(delivered: Any) -> None:
    runs: list[str] = []

    def one(context: Context) -> Outcome:
        runs.append("one")
        return Done()

    def two(context: Context) -> Outcome:
        runs.append("two")
        if len(runs) == 2:
            raise RuntimeError("a fault of ours")
        return Done()

    with pytest.raises(RuntimeError):
        delivered(one, two)
    deposit = Deposit.objects.get()
    activity = Activity.objects.get(name="two")
    assert (activity.state, activity.attempts, activity.fault) == (
        "waiting",
        1,
        "RuntimeError: a fault of ours",
    )
    assert "RuntimeError" not in activity.error
    assert go_on(deposit).status == Status.DONE
    assert runs == ["one", "two", "two"]


def test_a_step_that_cannot_succeed_fails_the_deposit_with_its_code(delivered: Any) -> None:
    def one(context: Context) -> Outcome:
        raise Permanent("shelf.full", "The shelf is full.", fault="ENOSPC on /dev/shelf")

    deposit = delivered(one)
    assert states(deposit) == (Status.FAILED, "failed", [("one", "failed")])
    finding = deposit.findings.get(severity="error")
    assert (finding.code, finding.message) == ("shelf.full", "The shelf is full.")
    assert not WorkItem.objects.filter(deposit=deposit).exists()


def test_what_fails_for_now_is_tried_as_often_as_its_policy_says(delivered: Any) -> None:
    def one(context: Context) -> Outcome:
        raise Transient("The shelf does not answer.", fault="timeout")

    deposit = delivered(one)
    for attempt in range(2, 9):
        assert states(deposit) == (Status.LOADING, "waiting", [("one", "waiting")])
        go_on(deposit)
        assert Activity.objects.get().attempts == attempt
    assert states(deposit) == (Status.FAILED, "failed", [("one", "failed")])
    assert deposit.findings.get(severity="error").code == "delivery.attempts"


def test_an_outage_is_waited_for_as_long_as_it_takes(delivered: Any) -> None:
    outages = iter([True] * 20)

    def one(context: Context) -> Outcome:
        if next(outages, False):
            raise Transient("The shelf is shut.", counts=False, after_seconds=60)
        return Done()

    deposit = delivered(one)
    for _ in range(20):
        go_on(deposit)
    assert deposit.status == Status.DONE


def test_a_person_is_asked_and_answers(delivered: Any) -> None:
    def one(context: Context) -> Outcome:
        if context.answer is None:
            options = {"left": "The left one.", "right": "The right one."}
            return Ask(question="Which shelf?", options=options, after_seconds=60)
        return Done(result={"shelf": context.answer})

    deposit = delivered(one)
    assert states(deposit) == (Status.LOADING, "asking", [("one", "asking")])
    delivery = Delivery.objects.get()
    delivery.question["answer"] = "left"
    delivery.save()
    assert go_on(deposit).status == Status.DONE
    assert Activity.objects.get().result == {"shelf": "left"}


@pytest.mark.parametrize(("wish", "state"), [("cancel", "cancelled"), ("abandon", "abandoned")])
def test_who_cancels_or_abandons_ends_the_delivery_before_its_next_step(
    delivered: Any, wish: str, state: str
) -> None:
    deposit = delivered(lambda context: Again(after_seconds=60, note="Soon."))
    Delivery.objects.update(wish=wish, wished_by="ada")
    go_on(deposit)
    assert states(deposit) == (Status.FAILED, state, [("one", "failed")])
    assert deposit.findings.get(severity="error").code == f"delivery.{state}"


def test_a_deadline_ends_what_waits(delivered: Any) -> None:
    def one(context: Context) -> Outcome:
        context.set_deadline(0)
        return Again(after_seconds=60)

    deposit = delivered(one)
    go_on(deposit)
    assert states(deposit) == (Status.FAILED, "failed", [("one", "failed")])
    assert deposit.findings.get(severity="error").code == "delivery.deadline"


def test_a_retry_is_a_delivery_of_its_own_to_what_lacks_the_deposit(delivered: Any) -> None:
    faults = iter([True])

    def one(context: Context) -> Outcome:
        if next(faults, False):
            raise Permanent("shelf.full", "The shelf is full.")
        return Done()

    deposit = delivered(one, destinations=("archive", "shelf"))
    assert deposit.status == Status.FAILED
    reschedule(deposit_id=deposit.pk, actor=SystemActor(channel=Channel.COMMAND))
    load(deposit.pk, worker="another")
    deposit.refresh_from_db()
    assert (deposit.status, deposit.snapshot_swhid is not None) == (Status.DONE, True)
    rows = Delivery.objects.order_by("id").values_list("destination", "state", "current")
    assert list(rows) == [("archive", "done", True), ("shelf", "failed", False), ("shelf", "done", True)]


def test_what_is_done_and_loaded_again_goes_to_all_destinations(delivered: Any) -> None:
    deposit = delivered(lambda context: Done(), destinations=("archive", "shelf"))
    before = (deposit.swhid, deposit.release_swhid)
    reschedule(deposit_id=deposit.pk, actor=SystemActor(channel=Channel.COMMAND))
    load(deposit.pk, worker="another")
    deposit.refresh_from_db()
    assert (deposit.status, before) == (Status.DONE, (deposit.swhid, deposit.release_swhid))
    assert Delivery.objects.filter(current=True, state="done").count() == 2
    assert Delivery.objects.count() == 4


@pytest.mark.parametrize("fails", [False, True])
def test_cleanup_runs_however_a_delivery_ends_and_until_it_is_done(delivered: Any, fails: bool) -> None:
    cleaned: list[str] = []
    answers: Iterator[Outcome] = iter([Again(after_seconds=5), Done()])

    def tidy(context: Context) -> Outcome:
        cleaned.append(context.delivery.state)
        return next(answers)

    def one(context: Context) -> Outcome:
        if fails:
            raise Permanent("shelf.full", "The shelf is full.")
        return Done()

    deposit = delivered(one, clean_up=tidy)
    delivery = Delivery.objects.get(deposit=deposit)
    for _ in range(3):
        WorkItem.objects.filter(kind="cleanup").update(due_at=Now())
        clean_up(delivery.pk, worker="loader")
    assert cleaned == [delivery.state] * 2
    assert not WorkItem.objects.exists()


def test_a_destination_that_nobody_knows_fails_and_says_so(loaded: Loaded) -> None:
    client, collection = depositor()
    collection.destinations = ["moon"]
    collection.save()
    deposit = loaded(who=(client, collection))
    assert deposit.status == Status.FAILED
    assert deposit.findings.get(severity="error").code == "delivery.destination"


def test_a_difference_between_checker_and_loader_is_a_fault_that_shouts(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("loader.destinations.archive.loading.ingest_packages", lambda *_: b"\1" * 20)
    deposit = loaded()
    assert (deposit.status, deposit.swhid) == (Status.FAILED, None)
    assert deposit.findings.get(severity="error").code == "loading.directory"
    assert [record.levelname for record in caplog.records if "the checks saw" in record.message] == [
        "CRITICAL"
    ]


def test_deliveries_of_a_deposit_that_is_set_aside_have_failed(delivered: Any, settings: Any) -> None:
    deposit = delivered(lambda context: Again(after_seconds=60))
    WorkItem.objects.update(attempts=settings.MAX_ATTEMPTS, last_fault="SIGKILL", due_at=Now())
    round_of_work(lambda *message: None)
    assert states(deposit) == (Status.FAILED, "failed", [("one", "failed")])
