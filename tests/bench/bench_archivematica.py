"""Deliveries through a pipeline: how many a minute, how many polls each, and a soak with flat memory.

``python -m tests.bench.bench_archivematica --deliveries 1000``. First some deliveries against a double that answers at
once, for the rate; then all of them against one that takes its time, with half of them inside at once. Limits of the
soak: every delivery is done, no AIP twice; never more workers at one than there are loaders, while half of the
deliveries wait; resident memory of the loaders in the last quarter at most 1.15 times that of the second.
"""

import argparse
import io
import statistics
import sys
import tempfile
import time
import zipfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import run
from typing import Any

import httpx
import psycopg2

from tests.bench.service import REPOSITORY, Service, rss, running
from tests.support.archivematica import KEY, STORAGE_KEY, STORAGE_USER, USER, Archivematica
from tests.support.archivematica_state import AT_ONCE, COMPLETE, DONE, NOT_YET, PROCESSING, Script

SLOW = Script(transfer=(NOT_YET, PROCESSING, DONE), ingest=(NOT_YET, PROCESSING, COMPLETE))
LOOK_SECONDS = 3.0
LIMIT = 1.15
_BODY = (
    b"--part\r\nContent-Type: application/atom+xml\r\nContent-Disposition: attachment; name=atom\r\n\r\n"
    b'<entry xmlns="http://www.w3.org/2005/Atom"><title>Letter</title><author><name>Ada</name></author></entry>\r\n'
    b"--part\r\nContent-Type: application/zip\r\n"
    b"Content-Disposition: attachment; name=payload; filename=letter.zip\r\n\r\n%b\r\n--part--\r\n"
)
_HEADERS = {"Content-Type": 'multipart/related; type="application/atom+xml"; boundary=part'}


@dataclass
class Soak:
    """What was seen, look by look."""

    resident: list[float] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    workers: list[int] = field(default_factory=list)


class Bench:
    """A service, a pipeline of it, and the double."""

    def __init__(self, service: Service, double: Archivematica, folder: Path) -> None:
        self.service, self.double, self._folder = service, double, folder
        lines = (service.data / "deposit.env").read_text().splitlines()
        [url] = [line.partition("=")[2].strip("'\"") for line in lines if line.startswith("DATABASE_URL=")]
        self._url = url

    def manage(self, *words: str) -> None:
        """Run a command of the service."""
        command = [sys.executable, "manage.py", *words]
        environment = {"PATH": "/usr/bin:/bin", "DATA_DIR": str(self.service.data)}
        run(command, cwd=REPOSITORY, env=environment, check=True, capture_output=True)

    def rows(self, query: str, *arguments: object) -> list[tuple[Any, ...]]:
        """Ask the service's database."""
        with closing(psycopg2.connect(self._url)) as database, database.cursor() as cursor:
            cursor.execute(query, arguments)
            return cursor.fetchall()

    def pipeline(self, name: str, capacity: int, poll_seconds: int) -> None:
        """A pipeline that leads to the double, and a collection of the same name."""
        keys = {"dashboard": KEY, "storage": STORAGE_KEY}
        for which, key in keys.items():
            (self._folder / which).write_text(key)
        self.manage(
            *("pipeline", "add", name, "--url", self.double.url, "--user", USER),
            *("--key-ref", f"file:{self._folder}/dashboard"),
            *("--storage-service-url", self.double.storage_url, "--storage-service-user", STORAGE_USER),
            *("--storage-service-key-ref", f"file:{self._folder}/storage"),
            *("--transfer-source", str(self.double.state.source), "--location", self.double.location),
            *("--capacity", str(capacity), "--poll-seconds", str(poll_seconds)),
        )
        self.manage(
            "collection", "create", "--name", name, "--destination", "archivematica", "--pipeline", name
        )
        self.manage("user", "grant", "--username", self.service.demo["DEPOSIT_USER"], "--collection", name)

    def deposit(self, collection: str, number: int) -> None:
        """Send so many small packages."""
        demo = self.service.demo
        with httpx.Client(auth=(demo["DEPOSIT_USER"], demo["DEPOSIT_PASSWORD"]), timeout=60) as http:

            def send(one: int) -> None:
                file = io.BytesIO()
                with zipfile.ZipFile(file, "w") as package:
                    package.writestr("letter.txt", f"{collection} {one}")
                address = f"{demo['DEPOSIT_BASE_URL']}/{collection}/"
                headers = _HEADERS | {"Slug": f"{collection}-{one}"}
                http.post(address, content=_BODY % file.getvalue(), headers=headers).raise_for_status()

            with ThreadPoolExecutor(4) as threads:
                list(threads.map(send, range(number)))

    def states(self, collection: str) -> Counter[str]:
        """How many deposits of a collection are in which state: that of the delivery, or of the deposit before it."""
        found = self.rows(
            "SELECT coalesce(delivery.state, deposit.status), count(*) FROM deposit_deposit deposit"
            " JOIN deposit_collection c ON c.id = deposit.collection_id"
            " LEFT JOIN deposit_delivery delivery ON delivery.deposit_id = deposit.id"
            " WHERE c.name = %s GROUP BY 1",
            collection,
        )
        return Counter(dict(found))

    def at_work(self) -> int:
        """How many deliveries a worker is at now."""
        query = "SELECT count(*) FROM deposit_workitem WHERE kind = 'load' AND lease_expires_at > now()"
        return int(self.rows(query)[0][0])

    def memory(self) -> float:
        """Resident memory of the loaders, in MiB."""
        return sum(rss(pid) for pid in self.service.processes("-n loader")) / 2**20

    def to_the_end(self, collection: str, number: int, soak: Soak | None = None) -> float:
        """Wait until all are done; in how many seconds."""
        began = time.monotonic()
        while True:
            states = self.states(collection)
            if soak is not None:
                soak.resident.append(self.memory())
                soak.waiting.append(states["waiting"])
                soak.workers.append(self.at_work())
            if states["done"] == number:
                return time.monotonic() - began
            if states["failed"] or states["rejected"]:
                raise SystemExit(f"not all are delivered: {states}")
            time.sleep(LOOK_SECONDS if soak else 0.2)


def rate(bench: Bench, number: int) -> None:
    """Deliveries a minute against a double that answers at once."""
    bench.double.state.default = AT_ONCE
    bench.pipeline("swift", capacity=number, poll_seconds=1)
    before = len(bench.double.requests)
    began = time.monotonic()
    bench.deposit("swift", number)
    bench.to_the_end("swift", number)
    took = time.monotonic() - began
    asked = len(bench.double.requests) - before
    print(f"at once: {number} deliveries in {took:.0f} s, {60 * number / took:.0f} a minute;", end=" ")
    print(f"{asked / number:.1f} requests and {_polls(bench, before, number):.1f} polls for each", flush=True)


def _polls(bench: Bench, before: int, number: int) -> float:
    """How often the state of a transfer or SIP was asked for, for each of so many deliveries."""
    return sum("/status/" in one.path for one in bench.double.requests[before:]) / number


def soak(bench: Bench, number: int) -> bool:
    """All of them, half inside at once; whether the limits hold."""
    bench.double.state.default = SLOW
    bench.pipeline("slow", capacity=number // 2, poll_seconds=10)
    before, began = len(bench.double.requests), time.monotonic()
    seen = Soak()
    with ThreadPoolExecutor(1) as sender:
        sending = sender.submit(bench.deposit, "slow", number)
        bench.to_the_end("slow", number, seen)
        sending.result()
    took = time.monotonic() - began
    names = Counter(folder.name.rpartition("-")[0] for folder in bench.double.state.store.folders.values())
    doubled = [name for name, times in names.items() if times > 1]
    crowded = [at for at, waits in zip(seen.workers, seen.waiting, strict=True) if waits >= number // 2]
    quarter = len(seen.resident) // 4
    second, last = (
        statistics.median(part) for part in (seen.resident[quarter : 2 * quarter], seen.resident[-quarter:])
    )
    print(f"soak: {number} deliveries in {took:.0f} s, {60 * number / took:.0f} a minute;", end=" ")
    print(
        f"{_polls(bench, before, number):.1f} polls for each; at most {bench.double.state.most_inside} inside"
    )
    print(
        f"  waiting at once: at most {max(seen.waiting)}; workers meanwhile: at most {max(crowded, default=0)}"
    )
    print(
        f"  memory of the loaders: {second:.0f} MiB, then {last:.0f} MiB: x{last / second:.2f} (limit {LIMIT})"
    )
    print(f"  twice: {doubled or 'none'}", flush=True)
    return not doubled and last / second <= LIMIT and max(crowded, default=0) <= 2 and bool(crowded)


def main() -> int:
    """0 when the limits of the soak hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deliveries", type=int, default=1000, help="of the soak")
    parser.add_argument("--at-once", type=int, default=100, help="for the rate")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-archivematica-") as scratch:
        folder = Path(scratch)
        (folder / "source").mkdir()
        with running() as service, Archivematica(folder / "source") as double:
            bench = Bench(service, double, folder)
            rate(bench, options.at_once)
            return int(not soak(bench, options.deliveries))


if __name__ == "__main__":
    raise SystemExit(main())
