"""The real HTTP server on the tests' database, to be killed and started again in the middle of a journey."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings

from tests.support.gunicorn_server import REPOSITORY


class RestartingServer:
    """A server at one address that dies and comes back."""

    def __init__(self, **environment: str) -> None:
        self._own = environment
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Serve, and wait until it does."""
        database = urlsplit(os.environ["DATABASE_URL"])
        name = settings.DATABASES["default"]["NAME"]
        environment = {
            **os.environ,
            "DATABASE_URL": urlunsplit(database._replace(path=f"/{name}")),
            "STAGING_ROOT": settings.STAGING_ROOT,
            "PORT": str(self.port),
            "WEB_WORKERS": "1",
            **self._own,
        }
        self._server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-c", "server/gunicorn.py", "settings.wsgi"],
            cwd=REPOSITORY,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for _ in range(400):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise TimeoutError("gunicorn did not start")

    def kill(self) -> None:
        """End it with all its processes, in the middle of whatever it does."""
        if self._server:
            os.killpg(self._server.pid, signal.SIGKILL)
            self._server.wait()
            self._server = None


@contextmanager
def restarting_server(**environment: str) -> Iterator[RestartingServer]:
    """A running one with these settings; gone afterwards."""
    server = RestartingServer(**environment)
    server.start()
    try:
        yield server
    finally:
        server.kill()
