"""Whose sessions of the database there are, and how many it gives."""

import psycopg2
import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from deposit.monitoring import heartbeats
from deposit.monitoring.sessions import read_sessions

pytestmark = pytest.mark.django_db


# Within a transaction the server's view of its sessions stands still.
@pytest.mark.django_db(transaction=True)
def test_sessions_are_counted_by_what_they_say_of_themselves() -> None:
    before = read_sessions()
    parameters = connection.get_connection_params()
    others = [
        psycopg2.connect(**parameters | {"application_name": name})
        for name in ("deposit web", "claim 17", "deposit dispatch", "psql")
    ]
    after = read_sessions()
    for other in others:
        other.close()
    names = ("web", "worker", "dispatch", "others")
    assert [after.used.get(name, 0) - before.used.get(name, 0) for name in names] == [1, 1, 1, 1]
    assert after.all_used == before.all_used + 4


def test_the_limit_is_what_the_server_gives_to_those_who_are_no_superusers() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT setting::int FROM pg_settings WHERE name = 'max_connections'")
        (most,) = cursor.fetchone()
    assert 0 < read_sessions().limit < most


def test_living_workers_are_added_to_what_the_service_may_ask_for(settings: Settings) -> None:
    settings.WEB_WORKERS, settings.WEB_CONNECTIONS, settings.DATABASE_CONNECTIONS = 3, 5, 40
    heartbeats.beat("loader@here", "load", slots=4)
    assert read_sessions().wanted == 40
    heartbeats.beat("loader@there", "load", slots=20)
    assert read_sessions().wanted == 3 * 5 + 2 * 24 + 10
