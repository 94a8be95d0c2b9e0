"""A tiny WSGI application for slow clients: reads bodies below ``/read``, sends much from ``/large``, else says ok.

To be exact, 64 MiB, or 16 from ``/large/16``.
"""

from collections.abc import Iterable
from typing import Any

LARGE = 64 * 1024 * 1024
_PIECE = bytes(256 * 1024)


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer by the path."""
    path = environ["PATH_INFO"]
    if path.startswith("/large"):
        size = LARGE // 4 if path == "/large/16" else LARGE
        start_response("200 OK", [("Content-Length", str(size))])
        return (_PIECE for _ in range(size // len(_PIECE)))
    answer, status = b"ok", "200 OK"
    if path == "/read":
        try:
            answer = str(sum(map(len, iter(lambda: environ["wsgi.input"].read(65536), b"")))).encode()
        except OSError as error:
            answer, status = type(error).__name__.encode(), "400 Bad Request"
    elif path == "/refuse":
        answer, status = b"refused", "401 Unauthorized"
    start_response(status, [("Content-Length", str(len(answer)))])
    return [answer]
