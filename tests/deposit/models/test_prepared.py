"""A statement is planned once for a session, and gives what it would give otherwise."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.db import NotSupportedError, connection, transaction

from deposit.models.prepared import Prepared

pytestmark = pytest.mark.django_db(transaction=True)

SUM = Prepared("SELECT %s::int + %s::int, '50 %%'")


@pytest.fixture(autouse=True)
def a_new_connection_afterwards(transactional_db: None) -> Iterator[None]:
    yield
    connection.close()


def prepared() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements")
        return int(cursor.fetchone()[0])


def test_it_is_prepared_once_for_a_session() -> None:
    connection.close()
    assert SUM.rows(1, 2) == [(3, "50 %")]
    assert SUM.first(3, 4) == (7, "50 %")
    assert prepared() == 1
    connection.close()
    assert SUM.first(5, 6) == (11, "50 %")
    assert prepared() == 1


def test_where_a_pooler_stands_between_nothing_is_prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "PREPARES_STATEMENTS", False)
    connection.close()
    assert SUM.rows(1, 2, before="SELECT %s; ", given=[9]) == [(3, "50 %")]
    assert prepared() == 0


def test_what_goes_before_is_of_the_same_transaction() -> None:
    mine = Prepared("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
    assert mine.rows(before="SELECT pg_advisory_xact_lock(%s); ", given=[20]) == [(1,)]
    assert mine.rows() == [(0,)]


def test_it_stays_prepared_when_a_transaction_is_rolled_back() -> None:
    one = Prepared("SELECT %s::int")
    with transaction.atomic():
        assert one.first(1) == (1,)
        transaction.set_rollback(True)
    assert one.first(2) == (2,)


def test_one_whose_table_has_changed_is_prepared_anew() -> None:
    User.objects.create_user("ada")
    names = Prepared("SELECT username FROM auth_user WHERE username = %s")
    assert names.first("ada") == ("ada",)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE auth_user ALTER username TYPE text")
    try:
        with pytest.raises(NotSupportedError), transaction.atomic():
            names.first("ada")
        assert names.first("ada") == ("ada",)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE auth_user ALTER username TYPE varchar(150)")
    assert names.first("ada") == ("ada",)
