"""The web server where PostgreSQL has few sessions to give: requests wait for each other, and none is lost."""

import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import psycopg2
import pytest
from django.db import connection

from deposit.models import Client, Deposit
from tests.support.factories import PASSWORD, basic, new_client, new_collection
from tests.support.restarting_server import restarting_server
from tests.support.samples import atom_entry

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client() -> Client:
    return new_client(new_collection("few"), username="few")


def run(statement: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone() if cursor.description else None


@contextmanager
def room_for(sessions: int) -> Iterator[None]:
    """Let the database give so many sessions more than it has given, as one with a low ``max_connections`` would."""
    name = connection.settings_dict["NAME"]
    run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    run(f'ALTER DATABASE "{name}" CONNECTION LIMIT {1 + sessions}')
    try:
        yield
    finally:
        run(f'ALTER DATABASE "{name}" CONNECTION LIMIT -1')


def post(url: str) -> httpx.Response:
    return httpx.post(
        f"{url}/1/few/",
        content=atom_entry(),
        headers={"Content-Type": "application/atom+xml;type=entry", "In-Progress": "true"},
        auth=("few", PASSWORD),
        timeout=60,
    )


def test_many_requests_share_few_sessions(client: Client) -> None:
    with restarting_server(WEB_CONNECTIONS="8", WEB_THREADS="32") as server, room_for(3):
        assert post(server.url).status_code == 201
        with ThreadPoolExecutor(32) as threads:
            answers = list(threads.map(lambda _: post(server.url), range(96)))
    assert Counter(answer.status_code for answer in answers) == {201: 96}
    assert Deposit.objects.filter(client=client).count() == 97


def test_without_any_session_it_says_come_again_and_recovers_within_seconds(client: Client) -> None:
    parameters = {**connection.get_connection_params()}
    parameters.pop("cursor_factory")
    with restarting_server(WEB_CONNECTIONS="4") as server, room_for(2):
        assert post(server.url).status_code == 201
        run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid()"
        )
        taken = [psycopg2.connect(**parameters) for _ in range(2)]
        with ThreadPoolExecutor(16) as threads:
            refused = list(threads.map(lambda _: post(server.url), range(32)))
        for each in taken:
            each.close()
        freed = time.monotonic()
        while post(server.url).status_code != 201:
            assert time.monotonic() - freed < 10
            time.sleep(0.1)
    assert {answer.status_code for answer in refused} == {503}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)
    assert Deposit.objects.filter(client=client).count() == 2


def test_a_client_that_does_not_read_its_answer_holds_no_session(client: Client) -> None:
    place = client.collections.get()
    Deposit.objects.bulk_create(
        Deposit(
            client=client, collection=place, title="x" * 500, origin_url="https://example.org/" + "y" * 4000
        )
        for _ in range(1000)
    )
    with (
        restarting_server(WEB_CONNECTIONS="1", WEB_CONNECTION_SECONDS="2") as server,
        socket.socket() as slow,
    ):
        # A window so small that the server cannot be done with its answer.
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", server.port))
        lines = [
            "GET /1/few/?page_size=1000 HTTP/1.1",
            "Host: 127.0.0.1",
            f"Authorization: {basic('few')}",
            "",
            "",
        ]
        slow.sendall("\r\n".join(lines).encode())
        assert slow.recv(12) == b"HTTP/1.1 200"
        assert post(server.url).status_code == 201
        left = 0
        while chunk := slow.recv(1 << 20):
            left += len(chunk)
            if chunk.endswith(b"</feed>") or b"</swhdeposit" in chunk[-100:]:
                break
    assert left > 4_000_000
