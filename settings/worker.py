"""gunicorn's threaded worker, taught to refuse politely.

Two things a deposit server needs and the stock worker lacks: ``100 Continue`` is sent when the application begins to
read the body, not before it has looked at the headers (RFC 9110 section 10.1.1); and a client that sends its whole
body before it reads the answer gets to read a refusal, because what it sends is discarded for a while before the
connection is closed. Bound to the gunicorn that requirements.txt pins; ``tests/settings/test_worker.py`` watches it.
"""

import socket
import time
from typing import Any

from gunicorn.http.body import Body
from gunicorn.http.errors import ParseException
from gunicorn.workers.gthread import ThreadWorker

# What is read and thrown away after a refusal, at most.
DISCARD_SECONDS = 10.0
DISCARD_BYTES = 512 * 1024 * 1024


class WireBody(Body):  # type: ignore[misc]  # gunicorn is not typed
    """A body whose chunks may be nonsense: to the application, a connection that broke."""

    def _read_reader(self, size: int) -> bytes:
        try:
            data: bytes = super()._read_reader(size)
        except ParseException as error:
            raise ConnectionError(f"malformed chunks: {error}") from error
        return data


class InvitedBody(WireBody):
    """A body that the client sends when it is told to go on."""

    def __init__(self, body: Body, sock: socket.socket) -> None:
        super().__init__(body.reader)
        self._sock: socket.socket | None = sock
        # As long as nobody has read, nobody knows whether a body follows: the connection ends with the answer.
        self.failed = True

    def _read_reader(self, size: int) -> bytes:
        if self._sock is not None:
            sock, self._sock = self._sock, None
            self.failed = False
            sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        return super()._read_reader(size)


class Worker(ThreadWorker):  # type: ignore[misc]
    """The worker class of ``settings/gunicorn.py``."""

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Serve one request; the invitation to send the body waits until it is read."""
        if req._expected_100_continue:
            req._expected_100_continue = False
            req.body = InvitedBody(req.body, conn.sock)
        else:
            req.body = WireBody(req.body.reader)
        return super().handle_request(req, conn)

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:
        """Discard what is left of a refused body, within bounds, so that the client comes to read the answer."""
        if not keepalive:
            return False
        deadline = time.monotonic() + DISCARD_SECONDS
        return bool(conn.parser.finish_body(deadline=deadline, max_bytes=DISCARD_BYTES))
