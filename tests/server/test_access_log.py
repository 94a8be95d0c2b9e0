"""Nothing that a client sends begins a line of a log, moves a cursor or hides what follows: from a real server."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from tests.support.gunicorn_server import REPOSITORY, free_port, wait_for

FORGED = (
    'ada "GET / HTTP/1.1" 200\r\n127.0.0.1 - root \x1b[2K\x9b2K\u2028\u202e\x00\x7f deposit=1 request=forged'
)


def logged(**environment: str) -> list[str]:
    """The lines that a server writes about a request whose user name, path and headers are meant to forge some."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "-c", "server/gunicorn.py", "tests.server.echo:application"]
    word = base64.b64encode(f"{FORGED}:x".encode()).decode()
    line = "GET /%0a%1b?x=%0aroot HTTP/1.1"
    head = f"{line}\r\nHost: a\r\nAuthorization: Basic {word}\r\nConnection: close\r\n\r\n"
    with subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env={**os.environ, "PORT": str(port), "WEB_WORKERS": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as server:
        wait_for(port)
        for sent in (
            head,
            head.replace("Host: a", "Host\x1b\x9b: a"),
            head.replace("%1b", "\x1b\x9b"),
            "\x1b]0;x\x07\x9b / \r\n\r\n",
        ):
            with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
                connection.sendall(sent.encode("latin-1"))
                while connection.recv(65536):
                    pass
        server.send_signal(signal.SIGTERM)
        said, _ = server.communicate(timeout=60)
    return said.decode().split("\n")


def test_a_line_for_people_is_one_line_and_shows_what_is_not_seen() -> None:
    lines = logged(LOG_TIMES="false")
    access = [line for line in lines if "HTTP/1.1" in line and not line.startswith("[")]
    assert [line for line in lines if "root" in line and line not in access and line[:1] != "["] == []
    assert all(line.isprintable() for line in lines)
    assert len(access) == 1
    assert access[0].startswith("127.0.0.1 ada%20%22GET")


def test_a_line_for_machines_is_one_object_with_fields_of_ours_only() -> None:
    lines = [line for line in logged(LOG_FORMAT="json") if line]
    assert all(line.isprintable() for line in lines)
    told = [json.loads(line) for line in lines]
    access = [line for line in told if line["logger"] == "gunicorn.access"]
    assert len(access) == 1
    assert ("deposit" in access[0], access[0]["request"]) == (False, "-")


@pytest.mark.parametrize(
    "text", ["\n", "\r", "\x1b[2K", "\x85", "\u2028", "\u202e", "\ud800", "\x00", "\x7f"]
)
def test_our_own_lines_and_tracebacks_show_it_too(text: str) -> None:
    code = f"""
import logging, sys
from deposit.monitoring.logs import JsonFormatter, LineFormatter
for formatter in (LineFormatter(), JsonFormatter()):
    try:
        raise ValueError("a" + {text!r} + "b")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "p", 1, "said %s", ("a" + {text!r} + "b",), sys.exc_info())
        sys.stdout.buffer.write((formatter.format(record) + "\\n").encode())
"""
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, check=True
    ).stdout
    lines = said.decode().split("\n")[:-1]
    assert all(line.isprintable() for line in lines)
    assert [line for line in lines[1:-1] if not line.startswith("    ")] == []
    assert json.loads(lines[-1])["message"] == f"said a{text}b"
