"""Two checkouts of the project, measured in turns in one run: requests, and the way from POST to done.

    python -m tests.bench.bench_side_by_side BEFORE AFTER [--passes 5] [--only post-16 done] [--broker redis]

Both services run all the time (`make run`, each on data of its own), one is asked at a time. Printed are medians and
spread of the passes, the ratio of the medians, the processor time of each request and its ratio, and how much of the
machine's processor time went to neither of them. Rates of other days and machines say nothing; these ratios do, and
where others use the machine, that of the processor time.
"""

import argparse
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg2
import psycopg2.extensions

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench import bench_http
from tests.bench.bench_http import Connection, head, rate
from tests.bench.service import Service, descendants, running
from tests.bench.shares import machine, used
from tests.faults.brokers import BROKERS
from tests.support.samples import atom_entry, create_origin, make_zip

DEPOSITS = 200
CLIENTS = 8
LONE = 15
PATIENCE_SECONDS = 300
_IDLE = ("idle", "iowait")
ROLES = {
    "web": "gunicorn",
    "checker": "-n checker",
    "loader": "-n loader",
    "dispatcher": "manage.py dispatch",
    "PostgreSQL": "postgres",
}
_numbers = count(1)


@dataclass
class Target:
    """One of the services, and what was measured of it."""

    name: str
    service: Service
    database: psycopg2.extensions.connection
    measured: dict[str, list[float]] = field(default_factory=dict)
    # Processor milliseconds for each request or deposit, by case and role.
    costs: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def is_newest_done(self) -> bool:
        """Whether the newest deposit is done; to ask this often costs the service nothing to speak of."""
        with self.database.cursor() as cursor:
            cursor.execute("EXECUTE newest")
            (done,) = cursor.fetchone() or (False,)
        return bool(done)

    def count_done(self) -> int:
        """How many deposits are done."""
        with self.database.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM deposit_deposit WHERE status = 'done'")
            (number,) = cursor.fetchone() or (0,)
        return int(number)


def post(target: Target, *, in_progress: bool, number: int) -> bytes:
    """A multipart deposit of one file of 10 KiB and its entry, with an origin of its own."""
    service = target.service
    package = make_zip({f"program-{number}/pad": os.urandom(10 * 1024)})
    entry = atom_entry(create_origin(f"https://demo.example.org/{number}"))
    body = (
        b"--B\r\nContent-Disposition: form-data; name=file; filename=p.zip\r\nContent-Type: application/zip\r\n\r\n"
        + package
        + b"\r\n--B\r\nContent-Disposition: form-data; name=atom; filename=a.xml\r\n"
        + b"Content-Type: application/atom+xml\r\n\r\n"
        + entry
        + b"\r\n--B--\r\n"
    )
    return (
        head(
            service,
            "POST",
            collection(service),
            Content_Type="multipart/form-data; boundary=B",
            Content_Length=str(len(body)),
            In_Progress=str(in_progress).lower(),
        )
        + body
    )


def collection(service: Service) -> str:
    """The path of the demo's collection."""
    return f"/1/{service.demo['DEPOSIT_COLLECTION']}/"


def entry_request(target: Target) -> bytes:
    """A deposit that begins with its entry."""
    body = atom_entry()
    return (
        head(
            target.service,
            "POST",
            collection(target.service),
            Content_Type="application/atom+xml;type=entry",
            Content_Length=str(len(body)),
            In_Progress="true",
        )
        + body
    )


def rate_of(request: Callable[[Target], bytes], connections: int, status: int) -> Callable[[Target], float]:
    """A measurement of requests per second."""
    return lambda target: rate(target.service, request(target), connections, status)[0]


def _status(target: Target) -> bytes:
    return head(target.service, "GET", collection(target.service) + "1/status/")


def _list(target: Target) -> bytes:
    return head(target.service, "GET", collection(target.service))


def _in_progress(target: Target) -> bytes:
    return post(target, in_progress=True, number=next(_numbers))


def to_done(target: Target) -> float:
    """Deposits done per second, of so many that come from several clients at once."""
    requests = [post(target, in_progress=False, number=next(_numbers)) for _ in range(DEPOSITS)]
    goal = target.count_done() + DEPOSITS
    begun = time.perf_counter()
    _send(target.service, requests)
    _wait_for(target, goal, 0.02)
    return DEPOSITS / (time.perf_counter() - begun)


def _send(service: Service, requests: list[bytes]) -> None:
    left = iter(requests)
    lock, wrong = threading.Lock(), []

    def run() -> None:
        connection = Connection(service.port)
        while True:
            with lock:
                request = next(left, None)
            if request is None:
                return
            if (status := connection.ask(request)) != 201:
                wrong.append(status)

    threads = [threading.Thread(target=run) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise SystemExit(f"deposits were answered {wrong}")


def _wait_for(target: Target, goal: int, pause: float) -> None:
    patience = time.monotonic() + PATIENCE_SECONDS
    while target.count_done() < goal:
        if time.monotonic() > patience:
            raise SystemExit(f"{target.name}: {goal - target.count_done()} deposits are not done")
        time.sleep(pause)


def lone(target: Target) -> float:
    """Milliseconds from the answer to done, of deposits that come one after the other."""
    times = []
    for _ in range(LONE):
        connection = Connection(target.service.port)
        connection.ask(post(target, in_progress=False, number=next(_numbers)))
        begun = time.perf_counter()
        while not target.is_newest_done():
            if time.perf_counter() - begun > PATIENCE_SECONDS:
                raise SystemExit(f"{target.name}: a deposit is not done")
            time.sleep(0.002)
        times.append((time.perf_counter() - begun) * 1000)
        time.sleep(0.05)
    return statistics.median(times)


def beside(target: Target) -> float:
    """POSTs per second from 16 clients, all of which workers take to done meanwhile."""
    requests = [post(target, in_progress=False, number=next(_numbers)) for _ in range(2 * DEPOSITS)]
    goal = target.count_done() + len(requests)
    begun = time.perf_counter()
    _send(target.service, requests)
    took = time.perf_counter() - begun
    _wait_for(target, goal, 0.05)
    return len(requests) / took


CASES: dict[str, Callable[[Target], float]] = {
    "post-1": rate_of(_in_progress, 1, 201),
    "post-4": rate_of(_in_progress, 4, 201),
    "post-16": rate_of(_in_progress, 16, 201),
    "post-beside-workers": beside,
    "entry-16": rate_of(entry_request, 16, 201),
    "status-16": rate_of(_status, 16, 200),
    "list-16": rate_of(_list, 16, 200),
    "done": to_done,
    "lone-ms": lone,
}


def number_of(case: str, value: float) -> float:
    """How many requests or deposits one measurement was of."""
    return {"done": DEPOSITS, "post-beside-workers": 2 * DEPOSITS, "lone-ms": LONE}.get(
        case, value * bench_http.SECONDS
    )


def measure_once(target: Target, case: str) -> None:
    """One case of one target: what it gives, and the processor time of each request."""
    before = _used(target)
    value = CASES[case](target)
    target.measured.setdefault(case, []).append(value)
    costs = target.costs.setdefault(case, {})
    for role, seconds in _used(target).items():
        cost = (seconds - before[role]) * 1000 / number_of(case, value)
        costs.setdefault(role, []).append(cost)


def _used(target: Target) -> dict[str, float]:
    every = {pid: used(pid) for pid in descendants(target.service.pid)}
    told = {
        role: sum(every.get(pid, 0.0) for pid in target.service.processes(words))
        for role, words in ROLES.items()
    }
    return told | {"else": sum(every.values()) - sum(told.values())}


def _database_of(service: Service) -> psycopg2.extensions.connection:
    """A session with the database that the service uses."""
    lines = (service.data / "deposit.env").read_text().splitlines()
    (url,) = (line.partition("=")[2].strip("\"'") for line in lines if line.startswith("DATABASE_URL="))
    session = psycopg2.connect(url)
    session.autocommit = True
    with session.cursor() as cursor:
        cursor.execute(
            "PREPARE newest AS SELECT status = 'done' FROM deposit_deposit ORDER BY id DESC LIMIT 1"
        )
    return session


def measure(targets: list[Target], cases: list[str], passes: int) -> float:
    """All cases, target by target, as often as asked; the share of the machine that others took."""
    busy, ours = _busy(), _ours(targets)
    for number in range(passes):
        for case in cases:
            # Each goes first every other time.
            for target in targets if number % 2 == 0 else reversed(targets):
                measure_once(target, case)
        print(f"pass {number + 1} of {passes}", file=sys.stderr, flush=True)
    spent = _busy() - busy
    return max(0.0, spent - (_ours(targets) - ours)) / spent


def _busy() -> float:
    return sum(seconds for name, seconds in machine().items() if name not in _IDLE)


def _ours(targets: list[Target]) -> float:
    return time.process_time() + sum(sum(_used(target).values()) for target in targets)


def report(targets: list[Target], cases: list[str], foreign: float) -> None:
    """One line for each case."""
    before, after = targets
    for case in cases:
        middle = {one.name: statistics.median(one.measured[case]) for one in targets}
        spread = "; ".join(
            f"{one.name} {middle[one.name]:7.1f} ({min(one.measured[case]):.1f} to {max(one.measured[case]):.1f})"
            for one in targets
        )
        print(f"{case:20} x {middle[after.name] / middle[before.name]:5.2f}   {spread}")
        costs = [{role: statistics.median(cost) for role, cost in one.costs[case].items()} for one in targets]
        sums = [sum(cost.values()) for cost in costs]
        print(
            f"{'  processor, ms each':20} / {sums[0] / sums[1]:5.2f}   before {sums[0]:.2f}; after {sums[1]:.2f}: ",
            end="",
        )
        print(", ".join(f"{role} {cost:.2f}" for role, cost in costs[1].items()))
    print(f"others took {foreign:.0%} of the processor time that was used")


@contextmanager
def _broker(name: str) -> Iterator[str]:
    """The address of a broker of one's own."""
    with TemporaryDirectory() as folder:
        broker = BROKERS[name](Path(folder))
        broker.start()
        try:
            yield broker.url
        finally:
            broker.stop()


def main() -> None:
    """Start both, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--only", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--broker", choices=list(BROKERS), default="filesystem")
    options = parser.parse_args()
    bench_http.SECONDS = options.seconds
    with ExitStack() as stack:
        targets = []
        for name, repository in (("before", options.before), ("after", options.after)):
            url = stack.enter_context(_broker(options.broker))
            service = stack.enter_context(
                running(repository=repository.resolve(), LOG_LEVEL="WARNING", CELERY_BROKER_URL=url)
            )
            database = stack.enter_context(closing(_database_of(service)))
            targets.append(Target(name, service, database))
        for target in targets:
            _send(target.service, [post(target, in_progress=False, number=next(_numbers))])
            _wait_for(target, 1, 0.05)
        foreign = measure(targets, options.only, options.passes)
        report(targets, options.only, foreign)


if __name__ == "__main__":
    main()
