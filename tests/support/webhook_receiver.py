"""An HTTP server that takes webhooks as it is told to: well, badly, slowly, or not at all."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Received:
    """One request that arrived."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Answer:
    """What is answered. ``hang``: seconds before it; ``drip``: between its bytes; ``drop``: the line is cut instead."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    hang: float = 0.0
    drip: float = 0.0
    drop: bool = False


class Receiver:
    """Requests that came, in order, and what the next ones are answered."""

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self.answer: Callable[[Received], Answer] = lambda request: Answer()
        self.url = ""
        self.port = 0

    def bodies(self) -> list[bytes]:
        """The bodies that came."""
        return [one.body for one in self.requests]

    def ids(self) -> list[str]:
        """The webhook-id of each request that came."""
        return [one.headers["webhook-id"] for one in self.requests]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver on a port of its own, on this machine."""
    held = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = Received(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            held.requests.append(request)
            answer = held.answer(request)
            time.sleep(answer.hang)
            if answer.drop:
                self.connection.close()
                return
            if answer.drip:
                self._drip(answer.drip)
                return
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def _drip(self, pause: float) -> None:
            """A status line without end, byte by byte."""
            for byte in b"HTTP/1.1 200 " + b"x" * 200:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                time.sleep(pause)

        def log_message(self, *args: object) -> None:
            """Nothing is printed."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A line that the other side cut is what some tests want."""

    server = Server(("127.0.0.1", 0), Handler)
    held.port = server.server_address[1]
    held.url = f"http://127.0.0.1:{held.port}/hook"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield held
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
