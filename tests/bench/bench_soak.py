"""Twice as many deposits as the workers can take, for as long as wanted: memory and latency stay bounded.

``python tests/bench/bench_soak.py --seconds 3600``. The queue is kept short (``WAITING``), so that half of the requests
are refused with 503 and Retry-After. Limits: no other error; resident memory of the last quarter at most 1.25 times
that of the second; the slowest hundredth of the last quarter at most 3 times that of the second; all that was accepted
is processed.
"""

import argparse
import http.client
import os
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.faults.brokers import BROKERS
from tests.faults.depositing import BUSY, Told, deposit_id, multipart, post
from tests.faults.oracle import judge
from tests.faults.service import Service

CLIENTS = tuple(f"faults{number}" for number in range(6))
# How often the pace is set anew, and what it goes by, in seconds.
LOOK_SECONDS = 5.0
WINDOW_SECONDS = 60.0


class Flood:
    """Threads that deposit at a pace (requests per second, all together) until told to stop."""

    def __init__(self, service: Service, threads: int) -> None:
        self.told, self.answers = Told(), Counter[str]()
        self.latencies: list[tuple[float, float]] = []
        self.pace = 10.0
        self._service, self._begun, self._stop = service, time.monotonic(), threading.Event()
        self._lock, self._number, self._next = threading.Lock(), 0, self._begun
        self._threads = [threading.Thread(target=self._run) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def _turn(self) -> int:
        """Wait for the next turn; returns its number. Turns that nobody was free for are not made up for."""
        with self._lock:
            self._number += 1
            number, now = self._number, time.monotonic()
            self._next = max(self._next + 1 / self.pace, now - 1.0)
            wait = self._next - now
        self._stop.wait(max(0.0, wait))
        return number

    def _run(self) -> None:
        while not self._stop.is_set():
            number = self._turn()
            body, bad = multipart(number)
            begun = time.monotonic()
            try:
                status, answer = post(self._service.port, body, 60, CLIENTS[number % len(CLIENTS)])
            except (OSError, http.client.HTTPException) as error:
                status, answer = 0, repr(error).encode()
            took = time.monotonic() - begun
            with self._lock:
                self._note(status, answer, bad, begun - self._begun, took)

    def _note(self, status: int, answer: bytes, bad: bool, at: float, took: float) -> None:
        code = b"" if status == 201 else answer[answer.find(b"<summary>") + 9 :][:60]
        self.answers[f"{status} {code.decode(errors='replace')}".strip()] += 1
        self.latencies.append((at, took))
        if status == 201:
            self.told.accepted[deposit_id(answer)] = "rejected" if bad else "done"
        elif status in BUSY:
            self.told.busy += 1
        else:
            self.told.wrong.append(f"{status}: {answer[:200]!r}")

    def stop(self) -> None:
        """Let the requests under way end."""
        self._stop.set()
        for thread in self._threads:
            thread.join()


def processed(service: Service) -> int:
    """How many deposits have been processed to their end."""
    counted = "SELECT count(*) FROM deposit_deposit WHERE status IN ('done', 'rejected', 'failed')"
    return int(service.query(counted)[0][0])


def memory(service: Service) -> int:
    """Resident bytes of all processes of the service but PostgreSQL."""
    total = 0
    for member in service.members.values():
        for pid in member.pids():
            try:
                total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            except OSError:
                continue
    return total


def main() -> int:
    """0 when all limits hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--threads", type=int, default=12)
    parser.add_argument("--broker", choices=list(BROKERS), default="filesystem")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-soak-") as scratch:
        broker = BROKERS[options.broker](Path(scratch))
        with Service(
            Path(scratch), broker, clients=CLIENTS, WAITING="200", LEASE_SECONDS="30", RESEND_SECONDS="60"
        ) as service:
            return _soak(service, options.seconds, options.threads)


def _soak(service: Service, seconds: float, threads: int) -> int:
    flood = Flood(service, threads)
    resident: list[tuple[float, int]] = []
    counts = [(0.0, 0)]
    begun = time.monotonic()
    while (now := time.monotonic() - begun) < seconds:
        resident.append((now, memory(service)))
        counts.append((now, processed(service)))
        since, before = next(count for count in counts if count[0] >= now - WINDOW_SECONDS)
        if now > since:
            flood.pace = max(10.0, 2 * (counts[-1][1] - before) / (now - since))
        time.sleep(min(LOOK_SECONDS, seconds / 40))
    rate = counts[-1][1] / counts[-1][0]
    flood.stop()
    verdict = judge(service, flood.told, settled_within=600)
    quarters = [_quarter(resident, flood.latencies, seconds, number) for number in range(4)]
    for number, (mib, p50, p99) in enumerate(quarters, 1):
        print(
            f"quarter {number}: {mib:7.0f} MiB resident, latency p50 {p50 * 1000:6.0f} ms, p99 {p99 * 1000:6.0f} ms"
        )
    print(f"answers {dict(flood.answers)}; became {dict(verdict.statuses)}")
    offered = len(flood.latencies) / seconds
    print(f"{offered:.1f} requests/s, {rate:.1f} processed/s: x{offered / rate:.2f} of what the workers take")
    growth, slower = quarters[3][0] / quarters[1][0], quarters[3][2] / quarters[1][2]
    print(
        f"memory x{growth:.2f} (limit 1.25), p99 x{slower:.2f} (limit 3); broken: {verdict.broken or 'nothing'}"
    )
    return int(bool(verdict.broken) or growth > 1.25 or slower > 3)


def _quarter(
    resident: list[tuple[float, int]], latencies: list[tuple[float, float]], seconds: float, number: int
) -> tuple[float, float, float]:
    def inside(at: float) -> bool:
        return seconds * number / 4 <= at < seconds * (number + 1) / 4

    took = sorted(value for at, value in latencies if inside(at)) or [0.0]
    mib = statistics.mean([value for at, value in resident if inside(at)] or [0]) / 1024**2
    return mib, took[len(took) // 2], took[int(len(took) * 0.99)]


if __name__ == "__main__":
    sys.exit(main())
