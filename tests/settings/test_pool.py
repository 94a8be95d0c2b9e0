"""The pool of database sessions, with real sessions of the tests' PostgreSQL."""

import gc
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg2
import pytest
from django.db import OperationalError, connection

from settings.postgres.base import DatabaseWrapper
from settings.postgres.pool import Pool, PoolExhausted

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def connect() -> Iterator[Callable[[], Any]]:
    """Makes sessions that end with the test."""
    made = []

    def make() -> Any:
        made.append(psycopg2.connect(**connection.get_connection_params()))
        made[-1].autocommit = True
        return made[-1]

    yield make
    for each in made:
        each.close()


def ask(session: Any, question: str = "SELECT 1") -> Any:
    with session.cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchone()[0]


def end(session: Any) -> None:
    """As a server that stops ends it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [session.info.backend_pid])


def test_what_is_given_back_is_lent_again(connect: Callable[[], Any]) -> None:
    pool = Pool(2, patience=0)
    first = pool.take(connect)
    pool.give_back(first)
    assert pool.take(connect) is first
    assert (pool.open, pool.lent) == (1, 1)


def test_more_threads_than_sessions_share_them_and_all_are_served(connect: Callable[[], Any]) -> None:
    pool = Pool(3, patience=30)
    seen, most = set(), 0
    lock = threading.Lock()

    def work(number: int) -> int:
        nonlocal most
        session = pool.take(connect)
        with lock:
            seen.add(session.info.backend_pid)
            most = max(most, pool.lent)
        answer: int = ask(session, f"SELECT {number}")
        pool.give_back(session)
        return answer

    with ThreadPoolExecutor(24) as threads:
        assert list(threads.map(work, range(300))) == list(range(300))
    assert most <= 3
    assert len(seen) == pool.open <= 3


def test_who_waits_in_vain_is_told(connect: Callable[[], Any]) -> None:
    pool = Pool(1, patience=0.1)
    kept = pool.take(connect)
    with pytest.raises(PoolExhausted, match="All 1 database sessions"):
        pool.take(connect)
    pool.give_back(kept)
    assert pool.take(connect) is kept


def test_who_waits_gets_what_is_given_back(connect: Callable[[], Any]) -> None:
    pool = Pool(1, patience=30)
    kept = pool.take(connect)
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(pool.take, connect)
        time.sleep(0.1)
        pool.give_back(kept)
        assert waiting.result(10) is kept


def test_a_session_that_ended_is_replaced(connect: Callable[[], Any]) -> None:
    pool = Pool(1, patience=0)
    first = pool.take(connect)
    pool.give_back(first)
    end(first)
    second = pool.take(connect)
    assert ask(second) == 1
    end(second)
    pool.give_back(second)
    assert pool.open == 0
    assert ask(pool.take(connect)) == 1


def test_who_waits_for_a_session_that_breaks_makes_another(connect: Callable[[], Any]) -> None:
    pool = Pool(1, patience=30)
    kept = pool.take(connect)
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(pool.take, connect)
        time.sleep(0.1)
        end(kept)
        pool.give_back(kept)
        assert ask(waiting.result(10)) == 1


def test_a_session_in_a_transaction_is_not_lent_again(connect: Callable[[], Any]) -> None:
    pool = Pool(1, patience=0)
    session = pool.take(connect)
    session.autocommit = False
    ask(session)
    pool.give_back(session)
    assert session.closed
    assert pool.open == 0


def test_a_server_that_gives_no_more_makes_threads_wait_for_each_other(connect: Callable[[], Any]) -> None:
    pool = Pool(2, patience=30)
    kept = pool.take(connect)

    def refused() -> Any:
        raise psycopg2.OperationalError("FATAL: sorry, too many clients already")

    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(pool.take, refused)
        time.sleep(0.1)
        pool.give_back(kept)
        assert waiting.result(10) is kept


def test_a_server_that_is_away_is_not_waited_for(connect: Callable[[], Any]) -> None:
    pool = Pool(2, patience=3600)

    def away() -> Any:
        raise psycopg2.OperationalError("Connection refused")

    with ThreadPoolExecutor(8) as threads:
        failed = [threads.submit(pool.take, away) for _ in range(8)]
        assert {type(each.exception(20)) for each in failed} == {psycopg2.OperationalError}
    assert pool.open == 0


def test_a_thread_that_takes_its_session_along_leaves_its_place(connect: Callable[[], Any]) -> None:
    pool = Pool(1, patience=0)
    pool.take(lambda: psycopg2.connect(**connection.get_connection_params()))
    gc.collect()
    assert pool.open == 0
    assert ask(pool.take(connect)) == 1


def test_what_nobody_needed_for_long_is_ended(
    connect: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("settings.postgres.pool.IDLE_SECONDS", 0.0)
    pool = Pool(2, patience=0)
    first, second = pool.take(connect), pool.take(connect)
    pool.give_back(first)
    time.sleep(0.01)
    pool.give_back(second)
    assert first.closed
    assert not second.closed


def as_the_web_has_it() -> DatabaseWrapper:
    """Django's connection of one thread; those of all threads share the pool of their alias."""
    given = {"CONN_MAX_AGE": 0, "POOL_SIZE": 1, "POOL_PATIENCE": 0.1}
    return DatabaseWrapper({**connection.settings_dict, **given}, "pooled")


@pytest.fixture
def pooled() -> Iterator[DatabaseWrapper]:
    """One of them."""
    database = as_the_web_has_it()
    yield database
    database.close()
    DatabaseWrapper._lending.pop("pooled").take(lambda: None).close()


def pid(database: Any) -> int:
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        number: int = cursor.fetchone()[0]
    return number


def test_django_borrows_and_gives_back(pooled: DatabaseWrapper) -> None:
    first = pid(pooled)
    pooled.release()
    assert pooled.connection is None
    other = as_the_web_has_it()
    assert pid(other) == first
    other.close()


def test_a_transaction_keeps_its_session(pooled: DatabaseWrapper) -> None:
    first = pid(pooled)
    pooled.in_atomic_block = True
    pooled.release()
    pooled.in_atomic_block = False
    assert pid(pooled) == first


def test_who_finds_the_session_taken_is_told_in_djangos_words(pooled: DatabaseWrapper) -> None:
    pid(pooled)
    with pytest.raises(OperationalError, match="at work"):
        pid(as_the_web_has_it())


def test_a_connection_of_its_own_is_kept() -> None:
    own = DatabaseWrapper(connection.settings_dict, "own")
    first = pid(own)
    own.release()
    assert pid(own) == first
    own.close()
