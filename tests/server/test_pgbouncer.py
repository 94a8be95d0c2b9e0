"""The web behind PgBouncer in transaction mode, configured as the page says."""

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg2
import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection

from deposit.models import Client, Deposit, Event
from tests.support.factories import PASSWORD, new_client, new_collection
from tests.support.gunicorn_server import REPOSITORY, on_the_tests_database
from tests.support.pgbouncer import PGBOUNCER, REASON, pgbouncer
from tests.support.restarting_server import RestartingServer, restarting_server
from tests.support.samples import atom_entry, make_zip

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(PGBOUNCER is None, reason=REASON),
]
PAGE = (REPOSITORY / "docs" / "how-to" / "database-connections.md").read_text()
# The page's server; the rest of its lines stands as it is.
_SERVER = "host=db1.example.org port=5432 dbname=deposit"
_PLACES = re.compile(r"^(auth_file|listen_addr|listen_port) = .*\n", re.MULTILINE)
SESSIONS = 2


def lines_of_the_page() -> str:
    """The ``pgbouncer.ini`` of the page, before the PostgreSQL of the tests, with few sessions."""
    text = re.findall(r"```ini\n(.*?)```", PAGE, re.DOTALL)[0]
    own = connection.get_connection_params()
    server = f"host={own['host']} port={own.get('port', 5432)} dbname={own['dbname']}"
    assert text.count(_SERVER) == text.count("default_pool_size = 20") == 1
    text = text.replace(_SERVER, server).replace("default_pool_size = 20", f"default_pool_size = {SESSIONS}")
    return _PLACES.sub("", text)


@pytest.fixture
def pooler() -> Iterator[str]:
    with (
        tempfile.TemporaryDirectory(prefix="pgbouncer-", dir="/tmp") as folder,
        pgbouncer(Path(folder), lines_of_the_page(), connection.get_connection_params()) as url,
    ):
        yield url


@pytest.fixture
def client() -> Client:
    return new_client(new_collection("pooled"), username="pooled")


@pytest.fixture
def server(pooler: str, client: Client) -> Iterator[RestartingServer]:
    with on_the_tests_database():
        direct = os.environ["DATABASE_URL"]
        with restarting_server(DATABASE_URL=pooler, DATABASE_DIRECT_URL=direct, WEB_CONNECTIONS="16") as one:
            yield one


def post(url: str, number: int) -> httpx.Response:
    files = {
        "file": ("p.zip", make_zip({"a": b"%d" % number}), "application/zip"),
        "atom": ("a.xml", atom_entry(), "application/atom+xml;type=entry"),
    }
    return httpx.post(f"{url}/1/pooled/", files=files, auth=("pooled", PASSWORD), timeout=60)


def test_deposits_come_in_side_by_side_through_two_sessions(server: RestartingServer, client: Client) -> None:
    with ThreadPoolExecutor(24) as threads:
        answers = list(threads.map(lambda number: post(server.url, number), range(72)))
    assert Counter(answer.status_code for answer in answers) == {201: 72}
    assert Deposit.objects.filter(client=client).count() == 72
    assert Event.objects.filter(name="complete").count() == 72
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'deposit web'")
        assert cursor.fetchone()[0] <= SESSIONS


def test_pages_lists_searches_and_exports_are_answered(server: RestartingServer) -> None:
    operator = User.objects.create_user("operator", password=PASSWORD)
    operator.user_permissions.add(*Permission.objects.filter(codename__in=["operate", "audit"]))
    for number in range(3):
        assert post(server.url, number).status_code == 201
    newest = Deposit.objects.latest("pk").pk
    paths = [
        "/deposits/",
        "/deposits/?q=p+zip",
        "/deposits.csv",
        f"/deposits/{newest}/",
        "/overview/",
        "/figures/",
    ]
    with httpx.Client(base_url=server.url, headers={"Referer": server.url}, timeout=60) as browser:
        form = browser.get("/login/").text
        token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', form)[0]
        fields = {"csrfmiddlewaretoken": token, "username": "operator", "password": PASSWORD}
        assert browser.post("/login/", data=fields).status_code == 302
        assert {path: browser.get(path).status_code for path in paths} == dict.fromkeys(paths, 200)
        assert browser.get("/deposits.csv").text.count("\n") == 4
        assert httpx.get(f"{server.url}/1/pooled/", auth=("pooled", PASSWORD)).status_code == 200
        assert browser.get("/api/deposits/").status_code == 200


def test_nothing_is_left_in_the_sessions_that_are_shared(server: RestartingServer, pooler: str) -> None:
    for number in range(2):
        post(server.url, number)
    with psycopg2.connect(pooler) as shared, shared.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_settings WHERE source = 'session' ORDER BY name")
        named = {name for (name,) in cursor.fetchall()}
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        locks = cursor.fetchone()
        cursor.execute("SELECT count(*) FROM pg_prepared_statements")
        prepared = cursor.fetchone()
    # What PgBouncer itself keeps for each client, and the page's connect_query.
    own = {"client_encoding", "application_name", "DateStyle", "TimeZone", "standard_conforming_strings"}
    assert named - own == {"lock_timeout", "idle_in_transaction_session_timeout"}
    assert (locks, prepared) == ((0,), (0,))
    shared.close()


def check(pooler: str) -> list[str]:
    """What ``check --deploy`` says of the database."""
    with on_the_tests_database():
        done = subprocess.run(
            [sys.executable, "manage.py", "check", "--deploy", "--tag", "postgresql"],
            cwd=REPOSITORY,
            env={**os.environ, "DATABASE_DIRECT_URL": os.environ["DATABASE_URL"], "DATABASE_URL": pooler},
            check=False,
            capture_output=True,
            text=True,
        )
    assert "Traceback" not in done.stderr, done.stderr
    return [code for code in re.findall(r"settings\.[EW]\d+", done.stderr) if code != "settings.E023"]


def test_the_page_passes_the_check(pooler: str) -> None:
    assert check(pooler) == []


def test_a_pooler_without_limits_is_told_and_one_that_is_away_too() -> None:
    lines = re.sub(r" connect_query=.*", "", lines_of_the_page())
    with tempfile.TemporaryDirectory(prefix="pgbouncer-", dir="/tmp") as folder:
        with pgbouncer(Path(folder), lines, connection.get_connection_params()) as url:
            assert check(url) == ["settings.W028"]
        assert check(url) == ["settings.E027"]
