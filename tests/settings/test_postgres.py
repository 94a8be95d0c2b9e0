"""The connection to PostgreSQL between two requests: kept when it is well, and made anew when it has ended."""

from collections.abc import Iterator

import pytest
from django.db import close_old_connections, connection, connections, transaction

from settings.postgres.rest import is_at_rest

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def a_new_connection_afterwards(transactional_db: None) -> Iterator[None]:
    yield
    connection.close()


def asked(statement: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def end_our_session() -> None:
    """As an operator, or a server that is stopped, would."""
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])
        assert cursor.fetchone() == (True,)
    other.close()


def test_a_connection_that_is_well_is_kept_without_a_question() -> None:
    asked("SELECT 1")
    assert is_at_rest(connection.connection)
    assert connection.is_usable()


def test_a_connection_that_the_server_has_ended_is_not_used_again() -> None:
    asked("SELECT 1")
    end_our_session()
    assert not is_at_rest(connection.connection)
    assert not connection.is_usable()


def test_the_next_request_gets_a_new_connection() -> None:
    before = asked("SELECT pg_backend_pid()")
    end_our_session()
    close_old_connections()  # what Django does between two requests
    assert asked("SELECT pg_backend_pid()") != before


def test_a_connection_in_a_transaction_is_asked() -> None:
    with transaction.atomic():
        asked("SELECT 1")
        assert not is_at_rest(connection.connection)
        assert connection.is_usable()
