"""Every line that asks for a notice is read once, whenever its transaction commits, and after a restore too."""

from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest
from django.db import connection, transaction

from deposit.lifecycle import notice_of, record
from deposit.models import Deposit, Event, EventName, OutboxPosition, Status
from deposit.notices import outbox
from tests.support.factories import new_deposit
from tests.support.lifecycle_fixtures import in_status

pytestmark = pytest.mark.django_db(transaction=True)


def write(deposit: Deposit, name: EventName = EventName.FINISH) -> int:
    record(deposit, name, actor="test", source="loading", target="done")
    return Event.objects.latest("id").pk


def taken(limit: int = 100) -> list[int]:
    with transaction.atomic():
        return [line.id for line in outbox.take(limit)]


@pytest.fixture
def other() -> "Iterator[psycopg2.extensions.connection]":
    """Another session in the same database."""
    with closing(psycopg2.connect(**connection.get_connection_params())) as raw:
        yield raw


_INSERT = """
INSERT INTO deposit_event (deposit_id, name, from_status, to_status, actor, detail, xact)
VALUES (%s, 'finish', 'loading', 'done', 'test', '{}', pg_current_xact_id()::text::bigint) RETURNING id
"""


def insert(session: "psycopg2.extensions.connection", deposit: Deposit) -> int:
    with session.cursor() as cursor:
        cursor.execute(_INSERT, [deposit.pk])
        row = cursor.fetchone()
        assert row is not None
        return int(row[0])


def test_lines_are_taken_once_in_their_order() -> None:
    deposit = new_deposit()
    assert not outbox.waits()
    numbers = [write(deposit) for _ in range(5)]
    assert outbox.waits()
    assert (taken(2), taken(2), taken(2), taken(2)) == (numbers[:2], numbers[2:4], numbers[4:], [])
    assert not outbox.waits()


def test_only_events_of_the_table_ask_for_a_notice() -> None:
    deposit = new_deposit()
    for name in EventName:
        record(deposit, name, actor="test")
    asking = {name for name in EventName if notice_of(name)}
    assert asking == {
        "accept",
        "finish",
        "reject",
        "fail",
        "quarantine",
        "hold",
        "expire",
        "tell-of-expiry",
        "ask",
        "withdraw",
        "erase",
    }
    assert set(Event.objects.filter(xact__isnull=False).values_list("name", flat=True)) == asking
    assert len(taken()) == len(asking)


def test_a_transaction_that_commits_late_is_not_skipped(other: "psycopg2.extensions.connection") -> None:
    deposit = new_deposit()
    first = write(deposit)
    late = insert(other, deposit)
    after = write(deposit)
    assert first < late < after
    # What came after the open transaction waits for it.
    assert taken() == [first]
    assert taken() == []
    other.commit()
    assert taken() == [late, after]


def test_a_transaction_that_numbered_its_line_first_and_began_last_is_not_skipped(
    other: "psycopg2.extensions.connection",
) -> None:
    deposit = new_deposit()
    with other.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('deposit_event', 'id'))")
        row = cursor.fetchone()
    assert row is not None
    reserved = int(row[0])
    other.rollback()
    after = write(deposit)
    assert reserved < after
    assert taken() == [after]
    with other.cursor() as cursor:
        cursor.execute(
            _INSERT.replace("(deposit_id", "(id, deposit_id").replace("VALUES (", "VALUES (%s, "),
            [reserved, deposit.pk],
        )
    other.commit()
    assert taken() == [reserved]


def test_a_transaction_that_is_rolled_back_holds_nothing_up(other: "psycopg2.extensions.connection") -> None:
    deposit = new_deposit()
    insert(other, deposit)
    after = write(deposit)
    assert taken() == []
    other.rollback()
    assert taken() == [after]


def test_a_transaction_in_another_database_of_the_cluster_holds_nothing_up() -> None:
    parameters = {**connection.get_connection_params(), "dbname": "postgres"}
    parameters.pop("cursor_factory", None)
    number = write(new_deposit())
    with closing(psycopg2.connect(**parameters)) as elsewhere, elsewhere.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()")
        after = write(new_deposit())
        assert taken() == [number, after]


def test_what_was_taken_by_a_transaction_that_fails_is_taken_again() -> None:
    number = write(new_deposit())
    with transaction.atomic():
        assert [line.id for line in outbox.take(10)] == [number]
        transaction.set_rollback(True)
    assert taken() == [number]


def test_two_do_not_take_the_same(other: "psycopg2.extensions.connection") -> None:
    write(new_deposit())
    with transaction.atomic():
        outbox.take(0)
        with other.cursor() as cursor:
            cursor.execute("SELECT id FROM deposit_outboxposition FOR UPDATE SKIP LOCKED")
            assert cursor.fetchall() == []


def test_after_a_restore_into_another_cluster_nothing_is_lost_or_told_twice() -> None:
    deposit = new_deposit()
    told = write(deposit)
    assert taken() == [told]
    untold = write(deposit)
    # In the cluster that the dump came from transactions had far greater numbers.
    position = OutboxPosition.objects.get()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE deposit_event DISABLE TRIGGER deposit_event_append_only")
        cursor.execute("UPDATE deposit_event SET xact = xact + 1000000000")
        cursor.execute("ALTER TABLE deposit_event ENABLE TRIGGER deposit_event_append_only")
    OutboxPosition.objects.update(xact=position.xact + 1_000_000_000, cluster="another")
    new = write(deposit)
    assert taken() == [untold, new]
    assert taken() == []
    newer = write(deposit)
    assert taken() == [newer]


def test_the_position_needs_no_right_of_a_superuser() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT has_function_privilege('public', 'pg_control_system()', 'execute') IS NOT FALSE"
        )
        assert cursor.fetchone()[0]


def test_a_deposit_that_is_done_leaves_one_line() -> None:
    deposit = in_status(Status.DONE)
    with transaction.atomic():
        (line,) = outbox.take(10)
    assert (line.deposit_id, line.name, line.from_status, line.to_status) == (
        deposit.pk,
        "finish",
        "loading",
        "done",
    )
