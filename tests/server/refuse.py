"""A tiny WSGI application that refuses without reading, unless the path asks it to read first."""

from collections.abc import Iterable
from typing import Any


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """413 for everything but ``/read``, which answers with the number of bytes it read."""
    if environ["PATH_INFO"] == "/read":
        answer = str(len(environ["wsgi.input"].read())).encode()
        start_response("200 OK", [("Content-Length", str(len(answer)))])
        return [answer]
    start_response("413 Content Too Large", [("Content-Length", "7")])
    return [b"refused"]
