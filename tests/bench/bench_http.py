"""Requests per second of the SWORD face, and the rate and memory of a large upload.

    python -m tests.bench.bench_http

Stated limits, as measured for swh-deposit 3.0.1 on a machine of this kind (2 cores; both rows because most of its
cost is one password hash per request): POST 7.2 (39 without hashing), status GET 8 (124) requests per second at 16
connections; 1 GB upload 279 MB/s without any digest. The client runs on the same two cores.
"""

import base64
import hashlib
import os
import socket
import statistics
import sys
import threading
import time
from collections.abc import Callable

from tests.bench.service import Service, rss, running
from tests.samples import atom_entry, make_zip

SECONDS = float(os.environ.get("BENCH_SECONDS", "10"))
PEER = {"POST": (7.2, 39.1), "status": (8.0, 124.0), "servicedocument": (8.2, 114.0)}
PEER_UPLOAD = 279.0


class Connection:
    """A kept-alive connection that costs the measuring side as little as can be."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb", 65536)

    def ask(self, request: bytes) -> int:
        """Send a request, read the whole answer, return its status."""
        self.socket.sendall(request)
        status = int(self.file.readline().split()[1])
        length = 0
        while (line := self.file.readline()) not in (b"\r\n", b""):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        self.file.read(length)
        return status


def head(service: Service, method: str, path: str, **headers: str) -> bytes:
    user, password = service.demo["DEPOSIT_USER"], service.demo["DEPOSIT_PASSWORD"]
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Basic {token}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def multipart_request(service: Service) -> bytes:
    package = make_zip({"pad": os.urandom(10 * 1024)})
    body = (
        b"--B\r\nContent-Disposition: form-data; name=file; filename=p.zip\r\nContent-Type: application/zip\r\n\r\n"
        + package
        + b"\r\n--B\r\nContent-Disposition: form-data; name=atom; filename=a.xml\r\n"
        + b"Content-Type: application/atom+xml\r\n\r\n"
        + atom_entry()
        + b"\r\n--B--\r\n"
    )
    path = f"/1/{service.demo['DEPOSIT_COLLECTION']}/"
    kind = "multipart/form-data; boundary=B"
    # In progress: the measure is the web server's, not that of workers competing for the same two cores.
    return (
        head(service, "POST", path, Content_Type=kind, Content_Length=str(len(body)), In_Progress="true")
        + body
    )


def rate(service: Service, request: bytes, connections: int, expected: int) -> tuple[float, float, float]:
    """(requests per second, median ms, 95th percentile ms) over SECONDS."""
    times: list[float] = []
    stop = time.perf_counter() + SECONDS

    def run() -> None:
        connection = Connection(service.port)
        while (start := time.perf_counter()) < stop:
            status = connection.ask(request)
            if status != expected:
                raise SystemExit(f"answered {status}")
            times.append(time.perf_counter() - start)

    begin = time.perf_counter()
    threads = [threading.Thread(target=run) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - begin
    cuts = statistics.quantiles(times, n=20)
    return len(times) / elapsed, statistics.median(times) * 1000, cuts[18] * 1000


def upload(service: Service, size: int, block: bytes, **headers: str) -> float:
    """MB/s of one upload of ``size`` bytes."""
    path = f"/1/{service.demo['DEPOSIT_COLLECTION']}/"
    start_line = head(
        service,
        "POST",
        path,
        Content_Type="application/zip",
        Content_Length=str(size),
        Content_Disposition="attachment; filename=big.zip",
        In_Progress="true",
        **headers,
    )
    connection = Connection(service.port)
    start = time.perf_counter()
    connection.socket.sendall(start_line)
    for _ in range(size // len(block)):
        connection.socket.sendall(block)
    status = connection.ask(b"")
    if status != 201:
        raise SystemExit(f"answered {status}")
    return size / 1e6 / (time.perf_counter() - start)


def report_rates(service: Service) -> None:
    post = multipart_request(service)
    Connection(service.port).ask(post)
    cases: list[tuple[str, bytes, int]] = [
        ("POST", post, 201),
        ("status", head(service, "GET", f"/1/{service.demo['DEPOSIT_COLLECTION']}/1/status/"), 200),
        ("servicedocument", head(service, "GET", "/1/servicedocument/"), 200),
    ]
    for name, request, expected in cases:
        for connections in (1, 4, 16):
            rate_of, median, high = rate(service, request, connections, expected)
            text = (
                f"{name:16} c={connections:<3} {rate_of:7.1f}/s  median {median:6.1f} ms  p95 {high:6.1f} ms"
            )
            if connections == 16:
                with_hash, without = PEER[name]
                text += (
                    f"  = {rate_of / with_hash:5.1f} x peer, {rate_of / without:4.1f} x peer without hashing"
                )
            print(text, flush=True)


def report_uploads(service: Service) -> None:
    block = os.urandom(1 << 20)
    gigabyte = 1 << 30
    md5 = hashlib.md5(usedforsecurity=False)
    for _ in range(gigabyte // len(block)):
        md5.update(block)
    web = service.processes("gunicorn")
    before = sum(map(rss, web))
    runs: list[tuple[str, Callable[[], float]]] = [
        ("1 GiB, sha256", lambda: upload(service, gigabyte, block)),
        ("1 GiB, sha256 + MD5", lambda: upload(service, gigabyte, block, Content_MD5=md5.hexdigest())),
        ("4 GiB, sha256", lambda: upload(service, 4 * gigabyte, block)),
    ]
    for name, run in runs:
        speed = run()
        growth = (sum(map(rss, web)) - before) / 2**20
        print(
            f"upload {name:20} {speed:6.0f} MB/s = {speed / PEER_UPLOAD:4.2f} x peer; web grew {growth:.0f} MiB"
        )


def main() -> None:
    with running(LOG_LEVEL="WARNING") as service:
        report_rates(service)
        if "--no-uploads" not in sys.argv:
            report_uploads(service)


if __name__ == "__main__":
    main()
