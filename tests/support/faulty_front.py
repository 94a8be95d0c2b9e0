"""A front before an HTTP server that passes every POST on, and lets a test step in before and after."""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class Moment(Enum):
    """Where a call stands."""

    BEFORE = "the server has not heard of it"
    DURING = "the server has all of it and works on it"
    AFTER = "the server has done it and its answer is not told yet"


class Lost(Exception):
    """Raised by who steps in: the client gets no answer."""


Step = Callable[[str, Moment], None]


class Front:
    """``url``: its address. ``step``: called with each method at all moments, from the threads of the requests."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.step: Step = lambda method, moment: None


@contextmanager
def front_of(behind: str) -> Iterator[Front]:
    """Stand before the server at an address. A server that is away is answered for with 503."""
    place = urlsplit(behind).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            method = self.path.strip("/")
            body = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                front.step(method, Moment.BEFORE)
                status, kind, answer = self._passed_on(method, body)
                front.step(method, Moment.AFTER)
            except Lost:
                self.close_connection = True
                return
            try:
                self._say(status, kind, answer)
            except OSError:
                self.close_connection = True  # who asked was killed

        def _passed_on(self, method: str, body: bytes) -> tuple[int, str, bytes]:
            server = http.client.HTTPConnection(place, timeout=60)
            try:
                kind = self.headers["Content-Type"]
                server.request("POST", self.path, body, {"Content-Type": kind, "Accept": kind})
                front.step(method, Moment.DURING)
                answer = server.getresponse()
                return answer.status, answer.headers.get("Content-Type", ""), answer.read()
            except (OSError, http.client.HTTPException):
                return 503, "text/plain", b""
            finally:
                server.close()

        def _say(self, status: int, kind: str, answer: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: object) -> None: ...

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    front = Front(f"http://127.0.0.1:{listener.server_port}/")
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    try:
        yield front
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()
