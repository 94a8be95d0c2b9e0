"""The application as a server calls it, within a test: our own requests, the test's database connection."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from settings.wsgi import application


def asked(
    method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"", **changed: str | None
) -> int:
    """The status of an answer. ``headers`` have WSGI names; ``changed`` variables replace others, None takes away."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "wsgi.url_scheme": "http",
        **(headers or {}),
        **changed,
    }
    environ = {name: value for name, value in environ.items() if value is not None}
    told: list[str] = []

    def start(line: str, *_: Any) -> Any:
        told.append(line)

    with connection_kept():
        answer: Any = application(environ, start)
        b"".join(answer)
        answer.close()
    return int(told[0][:3])


@contextmanager
def connection_kept() -> Iterator[None]:
    """Django would close the connection around a request, and the test's transaction with it."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)
