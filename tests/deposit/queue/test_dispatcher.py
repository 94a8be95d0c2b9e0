"""What waits is sent, in turns, and again when it is lost; what died is taken back; one dispatcher leads."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any

import psycopg2
import pytest
from django.db import DataError, connection, transaction
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from deposit.lifecycle import Work, fire
from deposit.models import AdvisoryLock, Deposit, Event, EventName, Finding, Status, WorkItem
from deposit.queue import dispatcher
from deposit.queue.dispatcher import round_of_work, send_due
from deposit.queue.items import give_back
from deposit.queue.lanes import OUTSTANDING
from deposit.queue.leases import kept
from deposit.queue.registry import Kind
from deposit.queue.sessions import end_session
from tests.support.factories import new_client, new_collection, new_deposit
from tests.support.lifecycle_fixtures import claimed, in_status, pass_lease, work_of

Sent = list[tuple[Work, int]]


class Broker:
    """Takes messages, and remembers them; refuses after so many."""

    def __init__(self, refuses_after: int = 10**9) -> None:
        self.sent: Sent = []
        self._left = refuses_after

    def send(self, kind: Kind, key: str) -> None:
        if not self._left:
            raise ConnectionRefusedError
        self._left -= 1
        self.sent.append((Work(kind.name), int(key)))

    def take(self) -> Sent:
        taken, self.sent = self.sent, []
        return taken


@pytest.fixture
def broker() -> Broker:
    return Broker()


def waiting(count: int, client: Any = None) -> list[int]:
    """So many deposits that wait to be checked."""
    collection = new_collection()
    client = client or new_client(collection)
    return [in_status(Status.DEPOSITED, new_deposit(client, collection)).pk for _ in range(count)]


def sent_before(deposit_id: int, seconds: float) -> None:
    WorkItem.objects.filter(deposit=deposit_id).update(sent_at=Now() - timedelta(seconds=seconds))


# --- Sending -------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_what_waits_is_sent_once(broker: Broker) -> None:
    to_check, to_load = in_status(Status.DEPOSITED), in_status(Status.VERIFIED)
    for status in (
        Status.PARTIAL,
        Status.LOADING,
        Status.DONE,
        Status.REJECTED,
        Status.FAILED,
        Status.EXPIRED,
    ):
        in_status(status)
    assert round_of_work(broker.send) is False
    assert broker.take() == [(Work.CHECK, to_check.pk), (Work.LOAD, to_load.pk)]
    round_of_work(broker.send)
    assert broker.take() == []


@pytest.mark.django_db
def test_what_is_not_claimed_is_sent_again_later_and_later(broker: Broker, settings: Any) -> None:
    settings.RESEND_SECONDS = 60
    (deposit,) = waiting(1)
    round_of_work(broker.send)
    for pause in (60, 120, 240, 480, 480, 480):
        sent_before(deposit, pause - 5)
        broker.take()
        round_of_work(broker.send)
        assert broker.take() == []
        sent_before(deposit, pause + 1)
        round_of_work(broker.send)
        assert broker.take() == [(Work.CHECK, deposit)]


@pytest.mark.django_db
def test_what_a_dead_checker_left_is_sent_at_once(broker: Broker) -> None:
    (number,) = waiting(1)
    round_of_work(broker.send)
    deposit = Deposit.objects.get()
    claimed(Work.CHECK, deposit)
    broker.take()
    round_of_work(broker.send)
    assert broker.take() == []
    sent_before(number, 10)
    pass_lease(deposit)
    round_of_work(broker.send)
    assert broker.take() == [(Work.CHECK, number)]
    round_of_work(broker.send)
    assert broker.take() == []


@pytest.mark.django_db
def test_a_task_that_ran_before_it_was_noted_as_sent_is_not_held_up(broker: Broker) -> None:
    """The worker may be quicker than the dispatcher's pen."""
    (number,) = waiting(1)

    def send(kind: Kind, key: str) -> None:
        broker.send(kind, key)
        fire(
            EventName.VERIFY, number, actor="checker", token=claimed(Work.CHECK, Deposit.objects.get()).token
        )

    send_due(send)
    assert WorkItem.objects.get().sent_at is None
    round_of_work(broker.send)
    assert broker.take() == [(Work.CHECK, number), (Work.LOAD, number)]


@pytest.mark.django_db
def test_a_broker_that_fails_in_the_middle_gets_the_rest_next_time(broker: Broker) -> None:
    numbers = waiting(5)
    failing = Broker(refuses_after=2)
    with pytest.raises(ConnectionRefusedError):
        round_of_work(failing.send)
    assert failing.take() == [(Work.CHECK, number) for number in numbers[:2]]
    round_of_work(broker.send)
    assert broker.take() == [(Work.CHECK, number) for number in numbers[2:]]


@pytest.mark.django_db
def test_after_an_outage_everything_that_waits_is_sent_again_but_not_what_is_worked_on(
    broker: Broker,
) -> None:
    numbers = waiting(3)
    round_of_work(broker.send)
    claimed(Work.CHECK, Deposit.objects.get(pk=numbers[0]))
    broker.take()
    dispatcher.forget_what_was_sent()
    round_of_work(broker.send)
    assert broker.take() == [(Work.CHECK, number) for number in numbers[1:]]


@pytest.mark.django_db
def test_no_more_messages_are_out_than_the_limit(broker: Broker) -> None:
    numbers = waiting(OUTSTANDING + 5)
    assert round_of_work(broker.send) is True
    assert broker.take() == [(Work.CHECK, number) for number in numbers[:OUTSTANDING]]
    assert round_of_work(broker.send) is True
    assert broker.take() == []
    fire(
        EventName.REJECT,
        numbers[0],
        actor="t",
        token=claimed(Work.CHECK, Deposit.objects.get(pk=numbers[0])).token,
    )
    round_of_work(broker.send)
    assert broker.take() == [(Work.CHECK, numbers[OUTSTANDING])]


@pytest.mark.django_db
def test_messages_that_seem_lost_make_room_for_others(broker: Broker) -> None:
    waiting(OUTSTANDING)
    round_of_work(broker.send)
    broker.take()
    WorkItem.objects.update(sent_at=Now() - timedelta(hours=1))
    (newest,) = waiting(1)
    for _ in range(2):
        round_of_work(broker.send)
    assert (Work.CHECK, newest) in broker.take()


@pytest.mark.django_db
def test_clients_take_turns(broker: Broker) -> None:
    many = waiting(OUTSTANDING + 50)
    few = waiting(2)
    one = waiting(1)
    round_of_work(broker.send)
    order = [number for _, number in broker.take()]
    assert order[:5] == [many[0], few[0], one[0], many[1], few[1]]
    assert order[5:] == many[2 : OUTSTANDING - 3]


@pytest.mark.django_db
@pytest.mark.parametrize("count", [1, 30])
def test_a_round_costs_the_same_however_long_the_queue(
    count: int, broker: Broker, django_assert_num_queries: Any
) -> None:
    waiting(count)
    with django_assert_num_queries(8):  # two of them a savepoint, which is a transaction outside of tests
        round_of_work(broker.send)


# --- Taking back ---------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_what_a_dead_loader_held_is_loaded_by_another(broker: Broker) -> None:
    deposit = in_status(Status.LOADING)
    round_of_work(broker.send)
    assert broker.take() == []
    pass_lease(deposit)
    round_of_work(broker.send)
    deposit.refresh_from_db()
    assert (deposit.status, work_of(deposit).attempts) == (Status.VERIFIED, 1)
    assert broker.take() == [(Work.LOAD, deposit.pk)]
    assert Event.objects.latest("id").detail == {"reason": "worker fell silent"}
    assert claimed(Work.LOAD, deposit).attempt == 2


@pytest.mark.django_db
def test_what_kills_every_worker_is_set_aside_with_the_reason(broker: Broker, settings: Any) -> None:
    settings.MAX_ATTEMPTS = 3
    deposit = in_status(Status.DEPOSITED)
    for _ in range(3):
        round_of_work(broker.send)
        claimed(Work.CHECK, deposit)
        pass_lease(deposit)
    round_of_work(broker.send)
    deposit.refresh_from_db()
    assert deposit.status == Status.FAILED
    assert not WorkItem.objects.exists()
    event = Event.objects.latest("id")
    assert (event.name, event.actor) == ("quarantine", "dispatcher")
    assert event.detail["reason"] == (
        "Set aside after 3 attempts that did not finish. Its workers died without a word."
    )
    finding = Finding.objects.get()
    assert (finding.area, finding.code, finding.severity) == ("loading", "loading.quarantined", "error")
    broker.take()
    round_of_work(broker.send)
    assert broker.take() == []


@pytest.mark.django_db
def test_the_last_fault_is_told_when_a_deposit_is_set_aside(broker: Broker, settings: Any) -> None:
    settings.MAX_ATTEMPTS = 1
    deposit = in_status(Status.DEPOSITED)
    held = claimed(Work.CHECK, deposit)
    give_back(held, reason="ZeroDivisionError: division by zero", after_seconds=0, counts=True)
    pass_lease(deposit)
    round_of_work(broker.send)
    assert (
        Event.objects.latest("id")
        .detail["reason"]
        .endswith("The last fault: ZeroDivisionError: division by zero")
    )


@pytest.mark.django_db(transaction=True)
def test_a_row_that_is_locked_while_it_is_sent_is_sent_all_the_same(broker: Broker) -> None:
    locked, other = waiting(2)
    with session() as claiming:
        claiming.autocommit = False
        claiming.cursor().execute("SELECT * FROM deposit_workitem WHERE deposit_id = %s FOR UPDATE", [locked])
        round_of_work(broker.send)
        dispatcher.forget_what_was_sent()
    assert broker.take() == [(Work.CHECK, locked), (Work.CHECK, other)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "lock",
    [
        "SELECT * FROM deposit_deposit WHERE id = %s FOR UPDATE",
        "SELECT * FROM deposit_workitem WHERE deposit_id = %s FOR UPDATE",
    ],
    ids=["deposit", "work"],
)
def test_a_row_that_somebody_holds_locked_holds_up_nobody_else(lock: str, broker: Broker) -> None:
    stuck, other = in_status(Status.LOADING), in_status(Status.LOADING)
    pass_lease(stuck)
    pass_lease(other)
    with session() as frozen:
        frozen.autocommit = False
        frozen.cursor().execute(lock, [stuck.pk])
        begun = time.monotonic()
        round_of_work(broker.send)
        # Far less than the ten seconds that others wait for a lock.
        assert time.monotonic() - begun < 5
    assert broker.take() == [(Work.LOAD, other.pk)]
    round_of_work(broker.send)
    assert broker.take() == [(Work.LOAD, stuck.pk)]


@pytest.mark.django_db(transaction=True)
def test_the_session_of_a_worker_that_fell_silent_ends_with_all_that_it_holds(broker: Broker) -> None:
    silent, working = in_status(Status.LOADING), in_status(Status.LOADING)
    pass_lease(silent)
    WorkItem.objects.filter(deposit=working).update(lease_expires_at=Now() + timedelta(minutes=1))
    with session() as frozen, session() as lively:
        for raw, deposit in ((frozen, silent), (lively, working)):
            name = f"claim {work_of(deposit).lease_token}"
            raw.cursor().execute("SELECT set_config('application_name', %s, false)", [name])
        frozen.cursor().execute("SELECT pg_advisory_lock(7)")
        frozen.autocommit = False
        frozen.cursor().execute("SELECT * FROM deposit_deposit WHERE id = %s FOR UPDATE", [silent.pk])
        round_of_work(broker.send)
        assert broker.take() == [(Work.LOAD, silent.pk)]
        lively.cursor().execute("SELECT pg_advisory_lock(7)")
        with pytest.raises(psycopg2.OperationalError):
            frozen.cursor().execute("SELECT 1")


@pytest.mark.django_db(transaction=True)
def test_a_worker_names_its_session_by_its_claim() -> None:
    deposit = in_status(Status.VERIFIED)
    claim = claimed(Work.LOAD, deposit)
    with kept(claim), session() as other:
        cursor = other.cursor()
        cursor.execute(
            "SELECT application_name FROM pg_stat_activity WHERE pid = %s",
            [connection.connection.info.backend_pid],
        )
        assert cursor.fetchone() == (f"claim {claim.token}",)
        assert end_session(claim.token) is False
    assert application_name() == ""


@pytest.mark.django_db(transaction=True)
def test_a_session_is_nobodys_after_work_that_failed() -> None:
    claim = claimed(Work.LOAD, in_status(Status.VERIFIED))
    with pytest.raises(DataError), kept(claim), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")
    assert application_name() == ""


def application_name() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW application_name")
        return str(cursor.fetchone()[0])


# --- Leading -------------------------------------------------------------------------------------------
@contextmanager
def session() -> Iterator[psycopg2.extensions.connection]:
    """A database session of somebody else."""
    with closing(psycopg2.connect(**connection.get_connection_params())) as raw:
        raw.autocommit = True
        yield raw


def leads(raw: psycopg2.extensions.connection) -> bool:
    cursor = raw.cursor()
    cursor.execute("SELECT pg_try_advisory_lock(%s)", [AdvisoryLock.DISPATCHER])
    row = cursor.fetchone()
    return bool(row and row[0])


@pytest.fixture
def no_leader(transactional_db: None) -> Iterator[None]:
    yield
    connection.close()


def test_one_leads_and_the_next_when_its_session_ends(no_leader: None) -> None:
    with session() as other:
        assert leads(other) is True
        assert dispatcher.lead() is False
    deadline = time.monotonic() + 5
    while not dispatcher.lead():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_frozen_leader_is_deposed_and_a_lively_one_is_not(
    no_leader: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with session() as other:
        assert leads(other) is True
        assert dispatcher.depose_a_frozen_leader() is False
        monkeypatch.setattr(dispatcher, "FROZEN_SECONDS", 0.2)
        time.sleep(0.3)
        assert dispatcher.depose_a_frozen_leader() is True
        deadline = time.monotonic() + 5
        while not dispatcher.lead():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        with pytest.raises(psycopg2.OperationalError):
            other.cursor().execute("SELECT 1")


def test_an_announcement_wakes_the_dispatcher(no_leader: None) -> None:
    dispatcher.listen()
    deposit = new_deposit(origin_url="https://hal.example.org/x")
    connection.commit()

    def complete() -> None:
        time.sleep(0.2)
        fire(EventName.COMPLETE, deposit.pk, actor="client")
        connection.close()

    thread = threading.Thread(target=complete)
    thread.start()
    begun = time.monotonic()
    dispatcher.wait(10)
    assert time.monotonic() - begun < 5
    thread.join()


def test_what_was_announced_during_a_round_is_not_slept_over(no_leader: None) -> None:
    dispatcher.listen()
    with session() as other:
        other.cursor().execute("NOTIFY deposit_work")
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    begun = time.monotonic()
    dispatcher.wait(10)
    assert time.monotonic() - begun < 5


def test_without_an_announcement_it_sleeps_no_longer_than_told(no_leader: None) -> None:
    dispatcher.listen()
    begun = time.monotonic()
    dispatcher.wait(0.2)
    assert 0.2 <= time.monotonic() - begun < 5


@pytest.mark.django_db
def test_the_queue_is_found_through_its_indexes(broker: Broker) -> None:
    waiting(3)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    with (
        CaptureQueriesContext(
            connection,
        ) as captured,
        transaction.atomic(),
    ):
        round_of_work(broker.send)
    plans = []
    for query in captured.captured_queries:
        if query["sql"].lstrip().startswith(("SELECT", "WITH")):
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN {query['sql']}")
                plans.append("\n".join(line for (line,) in cursor.fetchall()))
    assert len(plans) == 5
    assert [plan for plan in plans if "Seq Scan on deposit_workitem" in plan] == []
