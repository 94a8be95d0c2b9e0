"""How the server refuses: early, and so that the client comes to know why."""

import http.client
import socket
from collections.abc import Iterator

import pytest

from tests.support.gunicorn_server import gunicorn_server


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with gunicorn_server("tests.server.refuse:application") as number:
        yield number


def _body(connection: socket.socket) -> bytes:
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response.read()


def test_a_client_that_asks_first_is_refused_without_sending_its_body(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(
            b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1000000\r\n\r\n"
        )
        answer = b""
        while data := connection.recv(4096):
            answer += data
    assert answer.startswith(b"HTTP/1.1 413")
    assert answer.endswith(b"refused")


def test_a_client_that_asks_first_is_invited_when_its_body_is_read(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(
            b"POST /read HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
        )
        assert connection.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"12345")
        assert _body(connection) == b"5"
        connection.sendall(b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n12")
        assert _body(connection) == b"2"


def test_a_client_that_sends_all_before_it_listens_reads_the_refusal(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", "/", body=b"x" * 100_000_000)
    response = connection.getresponse()
    assert (response.status, response.read()) == (413, b"refused")
    connection.close()
