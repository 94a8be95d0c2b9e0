"""Clients that are slow, and that others are served all the same; over real sockets.

Five hundred at a time, where the server has thirty-two threads: how quickly the others are served is measured by
``tests/bench/bench_slow_clients.py``.
"""

import http.client
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from settings.bodies import SMALL_BODY_BYTES
from tests.support.gunicorn_server import gunicorn_server

MANY = 500
# A stranger comes from another address than our own proxies, which are on 127.0.0.1.
STRANGER = "127.0.0.2"
# Long before any of the slow ones is given up.
SOON = 5.0
LONG_BODY = b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n" + b"x" * 100

SLOW = {
    "that say nothing": b"",
    "that send half a line": b"GET / HT",
    "that send half a header": b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: aaaa",
    "with half a small body": b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc",
    "with a little of a large body": LONG_BODY,
    "with half a chunk": b"POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc",
    "that wait to be invited": b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n",
    "that were refused and send on slowly": LONG_BODY.replace(b"/read", b"/refuse"),
    "that come back later": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "that do not hang up": b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "that do not read their answer": b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with gunicorn_server("tests.server.slow:application", SILENT_CLIENT_SECONDS="30") as number:
        yield number


@pytest.fixture
def fresh() -> Iterator[int]:
    """A server that has served nobody."""
    with gunicorn_server("tests.server.slow:application", SILENT_CLIENT_SECONDS="30") as number:
        yield number


@pytest.fixture(scope="module")
def hasty() -> Iterator[int]:
    """A server that gives up slow clients after two seconds, and has room for thirty connections."""
    with gunicorn_server(
        "tests.server.slow:application", GUNICORN_CMD_ARGS="--worker-connections 30"
    ) as number:
        yield number


def opened(port: int, data: bytes, address: str = STRANGER) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=SOON, source_address=(address, 0))
    connection.sendall(data)
    return connection


@contextmanager
def crowd(port: int, data: bytes, many: int = MANY) -> Iterator[list[socket.socket]]:
    """So many connections on which so much was sent, and nothing is read."""
    with ExitStack() as stack:
        yield [stack.enter_context(opened(port, data)) for _ in range(many)]


def answer_on(connection: socket.socket) -> tuple[int, bytes]:
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response.status, response.read()


def asked(port: int, data: bytes, address: str = "127.0.0.1") -> tuple[int, bytes]:
    with opened(port, data, address) as connection:
        return answer_on(connection)


def when_there_is_room(port: int, data: bytes) -> tuple[int, bytes]:
    """The answer, asked again while it is 503: five hundred that just came are refused one after the other."""
    deadline = time.monotonic() + SOON
    while (answer := asked(port, data))[0] == 503 and time.monotonic() < deadline:
        time.sleep(0.05)
    return answer


GET = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize("data", SLOW.values(), ids=SLOW)
def test_others_are_served_while_five_hundred_are_there(data: bytes, port: int) -> None:
    with crowd(port, data):
        for _ in range(5):
            assert asked(port, GET) == (200, b"ok")


def test_five_hundred_that_do_not_read_from_as_many_addresses_leave_threads_for_others(port: int) -> None:
    with ExitStack() as stack:
        for number in range(MANY):
            address = f"127.1.{number // 250}.{1 + number % 250}"
            stack.enter_context(opened(port, SLOW["that do not read their answer"], address))
        for _ in range(5):
            assert asked(port, GET) == (200, b"ok")
            assert len(asked(port, b"GET /large/16 HTTP/1.1\r\nHost: x\r\n\r\n")[1]) == 16 * 1024 * 1024


def test_readers_make_room_for_uploads(fresh: int) -> None:
    with ExitStack() as stack:
        for number in range(40):
            data = SLOW["that do not read their answer"]
            stack.enter_context(opened(fresh, data, f"127.1.0.{1 + number}"))
        with crowd(fresh, LONG_BODY, many=24) as uploads:
            assert asked(fresh, GET) == (200, b"ok")
            uploads[0].sendall(b"x" * (10_000_000 - 100))
            assert answer_on(uploads[0]) == (200, b"10000000")


def test_a_reader_that_takes_its_time_is_served_to_the_end_where_nobody_else_wants_the_thread(
    port: int,
) -> None:
    with opened(port, b"GET /large/16 HTTP/1.1\r\nHost: x\r\n\r\n") as connection:
        taken = 0
        while taken < 16 * 1024 * 1024:
            taken += len(connection.recv(1024 * 1024))
            time.sleep(0.005)


def test_others_may_upload_while_five_hundred_refused_ones_send_on(port: int) -> None:
    body = b"x" * (SMALL_BODY_BYTES + 1)
    upload = b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    with crowd(port, SLOW["that were refused and send on slowly"]):
        assert when_there_is_room(port, upload) == (200, str(len(body)).encode())


def test_an_upload_too_many_is_told_when_to_come_again(fresh: int) -> None:
    with crowd(fresh, LONG_BODY, many=40) as connections, opened(fresh, LONG_BODY) as late:
        response = http.client.HTTPResponse(late)
        response.begin()
        assert (response.status, response.headers["Retry-After"]) == (503, "10")
        assert b"send yours again" in response.read()
        # The first are still being received.
        connections[0].sendall(b"x" * (10_000_000 - 100))
        assert answer_on(connections[0]) == (200, b"10000000")


def test_an_upload_finds_room_when_others_are_done(port: int) -> None:
    with crowd(port, LONG_BODY, many=40):
        pass
    assert when_there_is_room(port, LONG_BODY + b"x" * 9_999_900) == (200, b"10000000")


def test_requests_of_an_address_that_has_too_many_wait_their_turn(port: int) -> None:
    with crowd(port, SLOW["that do not read their answer"], many=30) as readers, opened(port, GET) as waiting:
        waiting.settimeout(0.5)
        with pytest.raises(TimeoutError):
            waiting.recv(1)
        for reader in readers:
            reader.close()
        waiting.settimeout(SOON)
        assert answer_on(waiting) == (200, b"ok")


def test_two_requests_at_once_are_answered_in_turn(port: int) -> None:
    body = b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
    with opened(port, body + GET) as connection:
        data = b"".join(iter(lambda: connection.recv(65536), b""))
    assert data.count(b"HTTP/1.1 200 OK") == 2
    assert data.endswith(b"ok")


def test_a_request_may_follow_a_body_that_was_refused_unread(port: int) -> None:
    body = b"x" * 1_000_000
    with opened(
        port, b"POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
    ) as connection:
        assert answer_on(connection) == (401, b"refused")
        connection.sendall(body + GET)
        assert answer_on(connection) == (200, b"ok")


def test_an_empty_line_before_a_request_is_passed_over(port: int) -> None:
    assert asked(port, b"\r\n" + GET) == (200, b"ok")


def test_a_request_in_single_bytes_is_understood(port: int) -> None:
    with opened(port, b"") as connection:
        for byte in b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab":
            connection.sendall(bytes([byte]))
        assert answer_on(connection) == (200, b"2")


@pytest.mark.parametrize("name", ["that send half a header", "with half a small body"])
def test_a_request_that_does_not_arrive_is_given_up_with_words(name: str, hasty: int) -> None:
    with opened(hasty, SLOW[name]) as connection:
        connection.settimeout(30)
        status, words = answer_on(connection)
    assert status == 408
    assert b"send it again" in words


def test_an_upload_that_trickles_is_given_up(hasty: int) -> None:
    with opened(hasty, LONG_BODY) as connection:
        connection.settimeout(0.2)
        for _ in range(100):
            connection.sendall(b"x")
            try:
                assert answer_on(connection) == (400, b"TimeoutError")
            except TimeoutError:
                continue
            return
    raise AssertionError("still read after twenty seconds")


def test_an_endless_header_is_refused(port: int) -> None:
    with opened(port, b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-Long: aaaa\r\n" * 6000) as connection:
        assert answer_on(connection)[0] == 431


def test_a_server_that_is_full_lets_the_oldest_of_the_largest_crowd_go(hasty: int) -> None:
    with opened(hasty, b"", address="127.0.0.3") as alone, crowd(hasty, b"", many=60) as connections:
        assert asked(hasty, GET, "127.0.0.4") == (200, b"ok")
        assert connections[0].recv(1) == b""
        alone.sendall(GET)
        assert answer_on(alone) == (200, b"ok")


@pytest.mark.parametrize("data", [b"", SLOW["that send half a header"]], ids=["silent", "half a header"])
@pytest.mark.parametrize("known", [True, False], ids=["known", "let in while it ends"])
def test_the_server_ends_though_clients_hang_on(known: bool, data: bytes) -> None:
    with ExitStack() as stack:
        with gunicorn_server("tests.server.slow:application", SILENT_CLIENT_SECONDS="30") as number:
            for _ in range(20):
                stack.enter_context(opened(number, data))
            if known:
                assert asked(number, GET) == (200, b"ok")
            began = time.monotonic()
        assert time.monotonic() - began < 15, "a slow client is waited for, as if nothing had happened"
