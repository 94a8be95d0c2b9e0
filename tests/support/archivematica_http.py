"""What the two servers of the Archivematica double have in common: routes, keys, faults, a record of requests."""

import json
import re
import socket
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from tests.support.archivematica import Archivematica

UUID = "([0-9a-f-]{36})"


@dataclass(kw_only=True)
class Fault:
    """What goes wrong with the next ``times`` requests whose ``METHOD /path`` matches.

    ``status``: answered instead. ``drop``: the connection is cut before anything happens; ``drop_after``: after it
    did. ``seconds``: how long the answer takes. ``body``: answered as it is, with 200 unless ``status`` says else.
    """

    where: str
    times: int = 1
    status: int = 0
    drop: bool = False
    drop_after: bool = False
    seconds: float = 0.0
    body: bytes | None = None


@dataclass(kw_only=True)
class Request:
    """What was asked, for tests to look at."""

    server: str
    method: str
    path: str
    headers: dict[str, str]
    query: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Handler(BaseHTTPRequestHandler):
    """What both servers have in common."""

    protocol_version = "HTTP/1.1"
    double: "Archivematica"
    server_name_: str
    routes: list[tuple[str, str, str]] = []

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: tests look at ``requests``."""

    def do_GET(self) -> None:
        """Any method comes this way."""
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.asked = Request(
            server=self.server_name_,
            method=self.command,
            path=parts.path,
            headers={name.lower(): value for name, value in self.headers.items()},
            query=query,
            body=body,
        )
        self.double.requests.append(self.asked)
        before, self.double.before = self.double.before, None
        if before is not None:
            before()
        self.fault = self.double.fault_for(f"{self.command} {parts.path}")
        if self.fault is None or not self._fail(self.fault):
            self._route()

    do_POST = do_DELETE = do_PUT = do_GET

    def _fail(self, fault: Fault) -> bool:
        time.sleep(fault.seconds)
        if fault.drop:
            self._cut()
        elif fault.status or fault.body is not None:
            self.answer(fault.status or 200, fault.body if fault.body is not None else b"", signed=False)
        return fault.drop or bool(fault.status) or fault.body is not None

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _route(self) -> None:
        if not self.may_enter():
            self.refuse_entry()
            return
        for method, pattern, name in self.routes:
            match = re.fullmatch(pattern, self.asked.path)
            if match and method == self.command:
                with self.double.state.lock:
                    getattr(self, name)(*match.groups())
                return
        known = any(re.fullmatch(pattern, self.asked.path) for _, pattern, _ in self.routes)
        self.answer(405 if known else 404, b"")

    def may_enter(self) -> bool:
        """Whether user and key are right: in the header, or as a query pair."""
        user, key = self.double.keys[self.server_name_]
        query = self.asked.query
        return self.headers.get("Authorization") == f"ApiKey {user}:{key}" or (
            (query.get("username"), query.get("api_key")) == (user, key)
        )

    def refuse_entry(self) -> None:
        """Answer a bad key."""
        raise NotImplementedError

    def answer(self, status: int, body: Any, *, signed: bool = True, **headers: str) -> None:
        """Send an answer: bytes as they are, anything else as JSON."""
        if self.fault is not None and self.fault.drop_after:
            self._cut()
            return
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if not isinstance(body, bytes) else "text/plain")
        self.send_header("Content-Length", str(len(data)))
        for name, value in ((self.signature() if signed else {}) | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def signature(self) -> dict[str, str]:
        """Headers of every authenticated answer."""
        return {}
