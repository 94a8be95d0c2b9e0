"""The HTTP server as it is configured, over a real socket, with a tiny application behind it."""

import http.client
import json
import os
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.gunicorn_server import gunicorn_server


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with gunicorn_server("tests.server.echo:application") as number:
        yield number


def _answer(connection: socket.socket) -> dict[str, Any]:
    response = http.client.HTTPResponse(connection)
    response.begin()
    answer: dict[str, Any] = json.loads(response.read())
    return answer


def _send(port: int, *pieces: bytes, pause: float = 0, end: bool = False) -> dict[str, Any]:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(pause)
        if end:
            connection.shutdown(socket.SHUT_WR)
        return _answer(connection)


def _head(*lines: str) -> bytes:
    return "\r\n".join(["PUT / HTTP/1.1", "Host: x", "Connection: close", *lines, "", ""]).encode()


def test_the_two_headers_with_underscores_arrive(port: int) -> None:
    answer = _send(port, _head("X_CHECK_SWHID: swh:1:dir:0", "CONTENT_MD5: abc", "Content-Length: 0"))
    assert answer["headers"]["HTTP_X_CHECK_SWHID"] == "swh:1:dir:0"
    assert answer["headers"]["HTTP_CONTENT_MD5"] == "abc"


@pytest.mark.parametrize("name", ["X_FORWARDED_PROTO", "ON_BEHALF_OF", "PATH_INFO", "SCRIPT_NAME", "X_OTHER"])
def test_any_other_header_with_an_underscore_is_dropped(port: int, name: str) -> None:
    answer = _send(port, _head(f"{name}: forged", "Content-Length: 0"))
    assert answer["headers"] == {"HTTP_HOST": "x", "HTTP_CONNECTION": "close", "CONTENT_LENGTH": "0"}


def test_a_slow_body_arrives_whole(port: int) -> None:
    answer = _send(port, _head("Content-Length: 12"), *[b"abc"] * 4, pause=0.25)
    assert (answer["received"], answer["failure"]) == (12, "")


def test_a_client_silent_in_its_body_is_given_up(port: int) -> None:
    begun = time.monotonic()
    answer = _send(port, _head("Content-Length: 1200000"), b"abc")
    assert answer["failure"] == "TimeoutError"
    assert time.monotonic() - begun < 10


def test_a_body_cut_short_looks_complete_so_that_the_application_must_count(port: int) -> None:
    answer = _send(port, _head("Content-Length: 1000"), b"x" * 500, end=True)
    assert (answer["received"], answer["failure"]) == (500, "")


def test_a_chunked_body_arrives_whole(port: int) -> None:
    answer = _send(port, _head("Transfer-Encoding: chunked"), b"3\r\nabc\r\n", b"2\r\nde\r\n0\r\n\r\n")
    assert answer["received"] == 5


def test_a_length_with_a_chunked_body_is_refused(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(
            _head("Content-Length: 3", "Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\n\r\n"
        )
        assert connection.recv(12) == b"HTTP/1.1 400"


def test_a_header_beyond_the_limit_is_refused(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(_head("X-Long: " + "x" * 9000))
        assert connection.recv(12) == b"HTTP/1.1 431"


def test_a_large_body_does_not_grow_the_server(port: int) -> None:
    before = _send(port, _head("Content-Length: 0"))["peak_kib"]
    size = int(os.environ.get("LARGE_BODY_BYTES", 256 * 1024**2))
    piece = bytes(1024**2)
    answer = _send(port, _head(f"Content-Length: {size}"), *[piece] * (size // len(piece)))
    assert answer["received"] == size
    assert answer["peak_kib"] - before < 32 * 1024
