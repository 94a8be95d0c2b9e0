"""Connections are shared out among the processes of the web server."""

import collections
import socket

from server.balance import ConnectionCounts, Turns
from tests.support.gunicorn_server import gunicorn_server


def test_whoever_has_more_lets_the_other_go_first_and_not_for_ever() -> None:
    counts = ConnectionCounts()
    mine, other = Turns(counts, 1), Turns(counts, 2)
    assert mine.is_mine(5)
    other.tell(5)
    assert mine.is_mine(5)
    assert not mine.is_mine(6)
    other.tell(6)
    assert mine.is_mine(6)
    while not mine.is_mine(7):
        pass
    assert not mine.is_mine(8)


def test_a_process_that_has_ended_is_waited_for_by_nobody() -> None:
    counts = ConnectionCounts()
    Turns(counts, 1).tell(0)
    mine = Turns(counts, 2)
    assert not mine.is_mine(1)
    counts.forget(1)
    assert mine.is_mine(1)


def test_sixteen_connections_come_to_both_processes() -> None:
    with gunicorn_server("tests.server.who:application", WEB_WORKERS="2") as port:
        answers: collections.Counter[bytes] = collections.Counter()
        while len(answers) < 2:  # until both are up
            with socket.create_connection(("127.0.0.1", port)) as connection:
                answers[asked(connection)] += 1
        connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(16)]
        found = collections.Counter(asked(connection) for connection in connections)
        for connection in connections:
            connection.close()
    assert set(found) == set(answers)
    assert min(found.values()) >= 4


def asked(connection: socket.socket) -> bytes:
    """The process that answers."""
    connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    return connection.recv(65536).rpartition(b"\r\n")[2]
