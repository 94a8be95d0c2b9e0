"""The HTTP server as it is configured, with a tiny application behind it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings

REPOSITORY = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def gunicorn_server(application: str, **environment: str) -> Iterator[int]:
    """The port of a running server with one worker, that gives up on a client silent for two seconds."""
    number = free_port()
    command = [sys.executable, "-m", "gunicorn", "-c", "server/gunicorn.py", application]
    ours = {"PORT": str(number), "WEB_WORKERS": "1", "SILENT_CLIENT_SECONDS": "2"}
    variables = {**os.environ, **ours, **environment}
    with subprocess.Popen(command, cwd=REPOSITORY, env=variables, stderr=subprocess.DEVNULL) as server:
        try:
            wait_for(number)
            yield number
        finally:
            server.terminate()


@contextmanager
def on_the_tests_database() -> Iterator[None]:
    """What is started within has the database of the tests for its own."""
    before = os.environ["DATABASE_URL"]
    name = settings.DATABASES["default"]["NAME"]
    os.environ["DATABASE_URL"] = urlunsplit(urlsplit(before)._replace(path=f"/{name}"))
    try:
        yield
    finally:
        os.environ["DATABASE_URL"] = before


def wait_for(number: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", number)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError("gunicorn did not start")
