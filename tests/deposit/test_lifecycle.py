"""Every event on every status, one winner among many, and tokens that open nothing once a lease has passed."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from django.conf import settings
from django.db import connection, transaction

from deposit import lifecycle
from deposit.lifecycle import TABLE, Lease, TransitionRefused, Work, fire
from deposit.models import (
    Deposit,
    Event,
    EventName,
    Identifier,
    Status,
    WorkItem,
)
from deposit.queue import items
from deposit.queue.claims import LeaseLost
from deposit.queue.items import CHANNEL, claim
from tests.support.factories import new_deposit
from tests.support.lifecycle_fixtures import (
    IDENTIFIERS,
    claimed,
    fall_silent,
    in_status,
    pass_lease,
    withdrawn,
    work_of,
)

EVENTS = sorted(TABLE)
CLAIMS = {Work.CHECK: EventName.CHECK, Work.LOAD: EventName.START}
TAKEN = [event for event in EVENTS if TABLE[event].lease is Lease.TAKES]
FIRED = [event for event in EVENTS if event not in TAKEN]


def history(deposit: Deposit) -> list[str]:
    return list(Event.objects.filter(deposit=deposit).order_by("id").values_list("name", flat=True))


def ready_for(event: EventName, status: Status) -> tuple[Deposit, int | None]:
    """A deposit in a status, with all that the event needs besides; and the token that opens it."""
    deposit = in_status(status)
    lease = TABLE[event].lease
    token = None
    if lease is Lease.NEEDS:
        if status is Status.DEPOSITED:
            token = claimed(Work.CHECK, deposit).token
        else:
            token = WorkItem.objects.filter(deposit=deposit).values_list("lease_token", flat=True).first()
    if event == "accept":
        Deposit.objects.filter(pk=deposit.pk).update(type="meta")
    if event == "quarantine":
        WorkItem.objects.filter(deposit=deposit).update(attempts=settings.MAX_ATTEMPTS)
    if event == "restore" and status is Status.DONE:
        withdrawn(deposit)
    if lease is Lease.PASSED and status is Status.LOADING:
        pass_lease(deposit)
    return deposit, token


# --- The table -----------------------------------------------------------------------------------------
@pytest.mark.django_db
@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("event", FIRED)
def test_an_event_leads_where_the_table_says_or_nowhere(event: EventName, status: Status) -> None:
    deposit, token = ready_for(event, status)
    before, told = Deposit.objects.values().get(pk=deposit.pk), history(deposit)
    changes = IDENTIFIERS if event == "finish" else {}
    if status in TABLE[event].sources:
        fired = fire(event, deposit.pk, actor="test", token=token, changes=changes)
        deposit.refresh_from_db()
        assert deposit.status == fired.status == (TABLE[event].target or status)
        assert history(deposit) == [*told, event]
        newest = Event.objects.filter(deposit=deposit).latest("id")
        assert (newest.from_status, newest.to_status, newest.actor) == (status, deposit.status, "test")
        assert deposit.revision == before["revision"] + 1
        opened = list(WorkItem.objects.filter(deposit=deposit).values_list("kind", flat=True))
        assert opened == [TABLE[event].asks] * bool(TABLE[event].asks)
    else:
        with pytest.raises((TransitionRefused, LeaseLost), match=f"has status '{status}'"):
            fire(event, deposit.pk, actor="test", token=token, changes=changes)
        assert Deposit.objects.values().get(pk=deposit.pk) == before
        assert history(deposit) == told


@pytest.mark.django_db
@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("work", list(Work))
def test_a_claim_is_had_in_the_waiting_status_alone(work: Work, status: Status) -> None:
    deposit = in_status(status)
    told = history(deposit)
    event = CLAIMS[work]
    held = claim(work, deposit.pk, worker="worker")
    deposit.refresh_from_db()
    if status not in TABLE[event].sources:
        assert held is None
        assert (deposit.status, history(deposit)) == (status, told)
        return
    item = work_of(deposit)
    assert held is not None
    assert (held.deposit_id, held.token, held.attempt, held.worker) == (
        deposit.pk,
        item.lease_token,
        1,
        "worker",
    )
    assert deposit.status == (TABLE[event].target or status)
    assert item.lease_owner == "worker"
    assert history(deposit) == [*told, event]


@pytest.mark.django_db
@pytest.mark.parametrize("event", TAKEN)
def test_what_takes_a_lease_cannot_be_fired(event: EventName) -> None:
    (source,) = TABLE[event].sources
    deposit = in_status(source)
    with pytest.raises(TransitionRefused, match="is claimed"):
        fire(event, deposit.pk, actor="test")


@pytest.mark.django_db
def test_the_table_names_every_status_and_no_way_out_of_expired() -> None:
    reached = {rule.target for rule in TABLE.values() if rule.target}
    assert reached == set(Status)
    left = {source for rule in TABLE.values() for source in rule.sources}
    assert left == set(Status) - {Status.EXPIRED}


@pytest.mark.django_db
def test_a_deposit_that_never_passed_its_checks_is_not_loaded_again() -> None:
    deposit = in_status(Status.DEPOSITED)
    WorkItem.objects.filter(deposit=deposit).update(attempts=settings.MAX_ATTEMPTS)
    fire(EventName.QUARANTINE, deposit.pk, actor="dispatcher")
    with pytest.raises(TransitionRefused, match="use recheck"):
        fire(EventName.RESCHEDULE, deposit.pk, actor="operator")
    assert fire(EventName.RECHECK, deposit.pk, actor="operator").status == Status.DEPOSITED


@pytest.mark.django_db
def test_metadata_alone_is_not_loaded_again() -> None:
    deposit = new_deposit(type="meta")
    fire(EventName.ACCEPT, deposit.pk, actor="client", changes={"verified_date": deposit.reception_date})
    with pytest.raises(TransitionRefused, match="metadata only"):
        fire(EventName.RESCHEDULE, deposit.pk, actor="operator")


@pytest.mark.django_db
@pytest.mark.parametrize("event", [EventName.RESCHEDULE, EventName.RECHECK])
def test_what_was_handed_out_stays_through_a_new_try(event: EventName) -> None:
    deposit = in_status(Status.DONE if event == "reschedule" else Status.FAILED)
    # As it was loaded before identifiers had rows of their own.
    Deposit.objects.filter(pk=deposit.pk).update(**IDENTIFIERS)
    Identifier.objects.all().delete()
    fire(event, deposit.pk, actor="operator")
    deposit.refresh_from_db()
    assert {name: getattr(deposit, name) for name in IDENTIFIERS} == IDENTIFIERS
    assert set(Identifier.objects.values_list("scheme", "value")) == {
        (scheme, IDENTIFIERS[column]) for column, scheme in lifecycle.IDENTIFIERS.items()
    }


@pytest.mark.django_db
def test_quarantine_needs_that_all_attempts_are_used() -> None:
    deposit = in_status(Status.DEPOSITED)
    with pytest.raises(TransitionRefused, match="has attempts left"):
        fire(EventName.QUARANTINE, deposit.pk, actor="dispatcher")


# --- One transaction -----------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_status_and_history_are_written_together_or_not_at_all() -> None:
    deposit = in_status(Status.DEPOSITED)
    held = claimed(Work.CHECK, deposit)
    told = history(deposit)
    with transaction.atomic():
        fire(EventName.VERIFY, deposit.pk, actor="test", token=held.token)
        transaction.set_rollback(True)
    deposit.refresh_from_db()
    assert (deposit.status, history(deposit)) == (Status.DEPOSITED, told)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE deposit_event ADD CONSTRAINT no_more CHECK (name <> 'verify')")
    try:
        with pytest.raises(Exception, match="no_more"):
            fire(EventName.VERIFY, deposit.pk, actor="test", token=held.token)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE deposit_event DROP CONSTRAINT no_more")
    deposit.refresh_from_db()
    assert (deposit.status, history(deposit)) == (Status.DEPOSITED, told)


@pytest.fixture
def ear(transactional_db: None) -> Iterator[Callable[[], list[str]]]:
    """What is announced, heard in a session of its own."""
    with closing(psycopg2.connect(**connection.get_connection_params())) as raw:
        raw.autocommit = True
        raw.cursor().execute(f"LISTEN {CHANNEL}")

        def heard() -> list[str]:
            raw.cursor().execute("SELECT 1")
            told, raw.notifies[:] = [notice.channel for notice in raw.notifies], []
            return told

        yield heard


def test_work_is_announced_when_the_transaction_commits_and_not_before(ear: Callable[[], list[str]]) -> None:
    deposit = new_deposit(origin_url="https://hal.example.org/x")
    with transaction.atomic():
        fire(EventName.COMPLETE, deposit.pk, actor="client")
        assert ear() == []
    assert ear() == [CHANNEL]
    with transaction.atomic():
        fire(EventName.COMPLETE, new_deposit().pk, actor="client")
        transaction.set_rollback(True)
    assert ear() == []


# --- Many at once --------------------------------------------------------------------------------------
def at_once(count: int, act: Callable[[int], Any]) -> list[Any]:
    """Do it in so many threads, each with a connection of its own, released together."""
    outcomes: list[Any] = [None] * count
    barrier = threading.Barrier(count)

    def run(number: int) -> None:
        try:
            connection.ensure_connection()
            barrier.wait()
            outcomes[number] = act(number)
        except Exception as error:  # noqa: BLE001 - an outcome like another
            outcomes[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("work", "status"), [(Work.CHECK, Status.DEPOSITED), (Work.LOAD, Status.VERIFIED)])
def test_of_eight_workers_one_gets_the_deposit(work: Work, status: Status) -> None:
    deposit = in_status(status)
    claims = at_once(8, lambda number: claim(work, deposit.pk, worker=f"worker-{number}"))
    (winner,) = [one for one in claims if one is not None]
    item = work_of(deposit)
    assert (item.lease_owner, item.lease_token, item.attempts) == (winner.worker, winner.token, 1)
    assert history(deposit).count(CLAIMS[work]) == 1


@pytest.mark.django_db(transaction=True)
def test_of_eight_who_fire_the_same_event_one_succeeds() -> None:
    deposit = in_status(Status.LOADING)
    token = work_of(deposit).lease_token
    outcomes = at_once(
        8,
        lambda number: fire(
            EventName.FINISH, deposit.pk, actor=str(number), token=token, changes=IDENTIFIERS
        ),
    )
    assert sum(isinstance(outcome, Deposit) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, LeaseLost) for outcome in outcomes) == 7
    assert history(deposit).count("finish") == 1


@pytest.mark.django_db(transaction=True)
def test_a_claim_waits_for_a_row_that_is_locked_for_a_moment() -> None:
    """The dispatcher notes what it sent while workers claim it: whoever passed over would leave it waiting."""
    deposit = in_status(Status.DEPOSITED)
    locked, outcome = threading.Event(), []

    def worker() -> None:
        locked.wait()
        outcome.append(claim(Work.CHECK, deposit.pk, worker="worker"))
        connection.close()

    thread = threading.Thread(target=worker)
    thread.start()
    with transaction.atomic():
        WorkItem.objects.filter(deposit=deposit).update(sends=1)
        locked.set()
        thread.join(0.3)
        assert outcome == []
    thread.join()
    assert outcome[0] is not None


# --- Leases --------------------------------------------------------------------------------------------
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("event", "status"), [(EventName.VERIFY, Status.DEPOSITED), (EventName.FINISH, Status.LOADING)]
)
def test_a_passed_lease_opens_nothing(event: EventName, status: Status) -> None:
    deposit, token = ready_for(event, status)
    pass_lease(deposit)
    with pytest.raises(LeaseLost):
        fire(event, deposit.pk, actor="slow", token=token, changes=IDENTIFIERS if event == "finish" else {})


@pytest.mark.django_db
def test_a_token_from_before_opens_nothing_while_another_works() -> None:
    deposit = in_status(Status.DEPOSITED)
    slow = claimed(Work.CHECK, deposit, "slow")
    fall_silent(deposit)
    quick = claimed(Work.CHECK, deposit, "quick")
    assert quick.token > slow.token
    assert items.renew(slow) is False
    assert items.give_back(slow, reason="", after_seconds=1, counts=True) is False
    with pytest.raises(LeaseLost):
        fire(EventName.REJECT, deposit.pk, actor="slow", token=slow.token)
    assert fire(EventName.VERIFY, deposit.pk, actor="quick", token=quick.token).status == Status.VERIFIED


@pytest.mark.django_db
@pytest.mark.parametrize("token", [None, 0, 10**6])
def test_no_token_and_a_wrong_token_open_nothing(token: int | None) -> None:
    deposit = in_status(Status.LOADING)
    with pytest.raises(LeaseLost):
        fire(EventName.FAIL, deposit.pk, actor="stranger", token=token)


@pytest.mark.django_db
@pytest.mark.parametrize("event", [EventName.RELEASE, EventName.QUARANTINE])
def test_a_deposit_that_is_being_worked_on_is_not_taken_away(event: EventName) -> None:
    """A slow dispatcher may act on what it saw before another worker claimed the deposit."""
    deposit = in_status(Status.LOADING)
    WorkItem.objects.filter(deposit=deposit).update(attempts=settings.MAX_ATTEMPTS)
    with pytest.raises(TransitionRefused, match="is being worked on by worker"):
        fire(event, deposit.pk, actor="dispatcher")


@pytest.mark.django_db
def test_a_renewed_lease_runs_anew() -> None:
    deposit = in_status(Status.DEPOSITED)
    held = claimed(Work.CHECK, deposit)
    before = work_of(deposit).lease_expires_at
    assert items.renew(held) is True
    after = work_of(deposit).lease_expires_at
    assert before is not None
    assert after is not None
    assert after > before


@pytest.mark.django_db
@pytest.mark.parametrize("counts", [True, False])
def test_work_that_is_given_back_waits_and_tells_why(counts: bool) -> None:
    deposit = in_status(Status.DEPOSITED)
    held = claimed(Work.CHECK, deposit)
    assert items.give_back(held, reason="OSError: disk", after_seconds=3600, counts=counts) is True
    deposit.refresh_from_db()
    assert (deposit.status, work_of(deposit).attempts) == (Status.DEPOSITED, int(counts))
    assert claim(Work.CHECK, deposit.pk, worker="other") is None
    newest = Event.objects.filter(deposit=deposit).latest("id")
    assert (newest.name, newest.actor) == ("give-back", "worker")
    assert newest.detail == {"reason": "OSError: disk", "wait_seconds": 3600}
    with pytest.raises(LeaseLost):
        fire(EventName.VERIFY, deposit.pk, actor="worker", token=held.token)
    pass_lease(deposit)
    assert claimed(Work.CHECK, deposit, "other").attempt == 1 + counts


@pytest.mark.django_db
def test_nobody_claims_what_used_up_its_attempts() -> None:
    deposit = in_status(Status.DEPOSITED)
    for attempt in range(1, settings.MAX_ATTEMPTS):
        assert claimed(Work.CHECK, deposit).attempt == attempt
        fall_silent(deposit)
    items.give_back(claimed(Work.CHECK, deposit), reason="x", after_seconds=0, counts=True)
    assert claim(Work.CHECK, deposit.pk, worker="brave") is None
