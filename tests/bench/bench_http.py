"""Requests per second of the SWORD face, and the rate and memory of a large upload.

    python -m tests.bench.bench_http [--alone]

The peer is swh-deposit 3.0.1 from PyPI with two web workers, once as it is and once with a cheap password hash (most
of its cost is one slow hash per request), measured in the same run unless ``--alone``. Its scheduler and storage are
in memory, which is kinder to it than production. The measuring client runs on the same machine.
"""

import base64
import hashlib
import os
import socket
import statistics
import sys
import threading
import time

from tests.bench import peer
from tests.bench.service import Service, rss, running
from tests.support.samples import atom_entry, make_zip

SECONDS = float(os.environ.get("BENCH_SECONDS", "10"))
GIGABYTE = 1 << 30

# Requests per second by name, connections.
Rates = dict[tuple[str, int], float]


class Connection:
    """A kept-alive connection that costs the measuring side as little as can be."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._open()

    def _open(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb", 65536)

    def ask(self, request: bytes) -> int:
        """Send a request, read the whole answer, return its status."""
        self.socket.sendall(request)
        status = int(self.file.readline().split()[1])
        length, closes = 0, False
        while (line := self.file.readline().lower()) not in (b"\r\n", b""):
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
            closes = closes or line.startswith(b"connection: close")
        self.file.read(length)
        if closes:
            self.file.close()
            self.socket.close()
            self._open()
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
    wrong: list[int] = []
    stop = time.perf_counter() + SECONDS

    def run() -> None:
        connection = Connection(service.port)
        while (start := time.perf_counter()) < stop:
            status = connection.ask(request)
            if status == expected:
                times.append(time.perf_counter() - start)
            else:
                wrong.append(status)

    begin = time.perf_counter()
    threads = [threading.Thread(target=run) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - begin
    if wrong or len(times) < 2:
        raise SystemExit(f"{len(wrong)} requests did not get the answer {expected}")
    cuts = statistics.quantiles(times, n=20)
    return len(times) / elapsed, statistics.median(times) * 1000, cuts[18] * 1000


def measure_rates(name: str, service: Service) -> Rates:
    """All kinds of request at 1, 4 and 16 connections."""
    post = multipart_request(service)
    Connection(service.port).ask(post)
    cases: list[tuple[str, bytes, int]] = [
        ("POST", post, 201),
        ("status", head(service, "GET", f"/1/{service.demo['DEPOSIT_COLLECTION']}/1/status/"), 200),
        ("servicedocument", head(service, "GET", "/1/servicedocument/"), 200),
    ]
    rates: Rates = {}
    for kind, request, expected in cases:
        for connections in (1, 4, 16):
            rates[kind, connections], median, high = rate(service, request, connections, expected)
            print(
                f"{name:15} {kind:16} c={connections:<3} {rates[kind, connections]:7.1f}/s"
                f"  median {median:6.1f} ms  p95 {high:6.1f} ms",
                flush=True,
            )
    return rates


def upload(service: Service, size: int, block: bytes, **headers: str) -> float:
    """MB/s of one upload of ``size`` bytes."""
    start_line = head(
        service,
        "POST",
        f"/1/{service.demo['DEPOSIT_COLLECTION']}/",
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


def measure_uploads(name: str, service: Service) -> dict[str, float]:
    """MB/s of large uploads, the median of three, and what they add to the memory of the web processes."""
    block = os.urandom(1 << 20)
    md5 = hashlib.md5(usedforsecurity=False)
    for _ in range(GIGABYTE // len(block)):
        md5.update(block)
    upload(service, len(block), block)
    web = service.processes("gunicorn")
    before = sum(map(rss, web))
    runs: list[tuple[str, int, dict[str, str]]] = [
        ("1 GiB", GIGABYTE, {}),
        ("1 GiB with MD5", GIGABYTE, {"Content_MD5": md5.hexdigest()}),
        ("4 GiB", 4 * GIGABYTE, {}),
    ]
    speeds = {}
    for kind, size, headers in runs:
        repeats = 3 if size == GIGABYTE else 1
        speeds[kind] = statistics.median(upload(service, size, block, **headers) for _ in range(repeats))
        growth = (sum(map(rss, web)) - before) / 2**20
        print(
            f"{name:15} upload {kind:16} {speeds[kind]:6.0f} MB/s  web processes grew {growth:.0f} MiB",
            flush=True,
        )
    return speeds


def main() -> None:
    """Measure ourselves, then the peer, then print the ratios."""
    with running(LOG_LEVEL="WARNING") as service:
        ours, our_uploads = measure_rates("ours", service), measure_uploads("ours", service)
    if "--alone" in sys.argv:
        return
    for name, hashing in (("peer", True), ("peer, no hash", False)):
        with peer.running(hashing=hashing) as service:
            theirs = measure_rates(name, service)
            uploads = measure_uploads(name, service)
        for (kind, connections), value in theirs.items():
            if connections == 16:
                print(f"ours / {name}: {kind} c=16  {ours[kind, connections] / value:.1f} x")
        for kind, value in uploads.items():
            print(f"ours / {name}: upload {kind}  {our_uploads[kind] / value:.2f} x")


if __name__ == "__main__":
    main()
