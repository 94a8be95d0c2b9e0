"""How long another client's GET takes while five hundred slow ones are there; the limit is one second.

    python -m tests.bench.bench_slow_clients

The whole service as ``make run`` starts it, without a proxy. Slow uploads are those of a depositor with a password, so
that the service does read them; the others come from strangers. The measuring client runs on the same machine.
"""

import base64
import os
import re
import socket
import sys
import time
from contextlib import ExitStack

from tests.bench.bench_http import Connection
from tests.bench.service import Service, running
from tests.support.samples import make_zip

MANY = int(os.environ.get("BENCH_CLIENTS", "500"))
LIMIT = 1.0
TIMES = 100


def kinds(credentials: str) -> dict[str, bytes]:
    """What the slow ones send before they fall silent."""
    upload = (
        "POST /1/demo/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/zip\r\nContent-Length: 10000000\r\n"
        "Content-Disposition: attachment; filename=a.zip\r\n"
    )
    allowed = f"Authorization: Basic {credentials}\r\n"
    return {
        "nothing": b"",
        "half a header": b"GET /login/ HTTP/1.1\r\nHost: localhost\r\nX-Long: aaa",
        "half a form": b"POST /login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc",
        "a little of an upload": f"{upload}{allowed}\r\nPK".encode(),
        "a little of an upload, no password": f"{upload}\r\nPK".encode(),
        "a request, and another later": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "a last request, and does not hang up": (
            b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        ),
    }


def reading(service: Service, credentials: str) -> dict[str, bytes]:
    """Who asks for a package of 20 million bytes, and reads nothing of it."""
    allowed = f"Host: localhost\r\nAuthorization: Basic {credentials}\r\n"
    package = make_zip({"noise": os.urandom(20_000_000)})
    headers = f"{allowed}Content-Type: application/zip\r\nContent-Disposition: attachment; filename=a.zip\r\n"
    begin = f"POST /1/demo/ HTTP/1.1\r\n{headers}In-Progress: true\r\nContent-Length: {len(package)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.sendall(begin.encode() + package)
        answer = connection.recv(65536).decode()
    found = re.search(r"(/1/demo/\d+/)atom/", answer)
    assert found, answer
    return {"for a package, and read nothing": f"GET {found[1]}media/ HTTP/1.1\r\n{allowed}\r\n".encode()}


def slowest(service: Service, credentials: str) -> float:
    """Of so many GETs of a page for everybody and one for depositors, each on a new connection, in seconds."""
    worst = 0.0
    for number in range(TIMES):
        path = ("/login/", "/1/servicedocument/")[number % 2]
        request = (
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {credentials}\r\n\r\n".encode()
        )
        began = time.perf_counter()
        connection = Connection(service.port)
        status = connection.ask(request)
        worst = max(worst, time.perf_counter() - began)
        connection.socket.close()
        assert status == 200, status
    return worst


def main() -> int:
    """How many kinds are over the limit."""
    with running() as service:
        name, word = service.demo["DEPOSIT_USER"], service.demo["DEPOSIT_PASSWORD"]
        credentials = base64.b64encode(f"{name}:{word}".encode()).decode()
        slowest(service, credentials)
        print(
            f"slowest of {TIMES} GETs, nobody else there: {slowest(service, credentials) * 1000:.0f} ms",
            flush=True,
        )
        over = 0
        for kind, data in (kinds(credentials) | reading(service, credentials)).items():
            with ExitStack() as stack:
                for _ in range(MANY):
                    slow = stack.enter_context(socket.create_connection(("127.0.0.1", service.port)))
                    slow.sendall(data)
                seconds = slowest(service, credentials)
            over += seconds > LIMIT
            print(
                f"{MANY} that send {kind}: {seconds * 1000:.0f} ms, {seconds / LIMIT:.2f} of the limit",
                flush=True,
            )
    return over


if __name__ == "__main__":
    sys.exit(main())
