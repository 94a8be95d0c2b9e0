"""What guessing costs the rightful client, and whether time tells who exists.

    python -m tests.bench.bench_authentication [TRIES]

Against `make run` on loopback, where every address of 127.0.0.0/8 is a client's. Ratios of one run:

- the rightful client's p95 while TRIES (1,000) wrong passwords come for its account, each from another address, over
  its p95 before and after; limit 1.20;
- the median time of a wrong password for an unknown user over that for a known one, all of them hashed, TRIES of each;
  limit between 0.95 and 1.05.
"""

import base64
import http.client
import statistics
import sys
import threading
import time
from contextlib import closing

import psycopg2

from tests.bench.bench_record import database_url
from tests.bench.service import Service, running

PAUSE = 0.03
QUIET_SECONDS = 15.0


def header(username: str, password: str) -> dict[str, str]:
    """Basic credentials."""
    return {"Authorization": "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()}


def ask(service: Service, headers: dict[str, str], *, source: str = "127.0.0.1") -> tuple[int, float]:
    """Status and seconds of one request on a connection of its own."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60, source_address=(source, 0))
    connection.request("GET", "/1/servicedocument/", headers=headers)
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status, time.perf_counter() - began


def address(number: int) -> str:
    """One of many."""
    return f"127.{1 + number // 60_000}.{number // 250 % 240}.{1 + number % 250}"


class Owner(threading.Thread):
    """The rightful client, which asks again and again."""

    def __init__(self, service: Service) -> None:
        super().__init__()
        self._service, self._ended = service, threading.Event()
        self.times: list[float] = []
        self.refused = 0

    def run(self) -> None:
        """Ask, with a pause between, until ended."""
        mine = header(self._service.demo["DEPOSIT_USER"], self._service.demo["DEPOSIT_PASSWORD"])
        while not self._ended.wait(PAUSE):
            status, seconds = ask(self._service, mine)
            self.times.append(seconds)
            self.refused += status != 200

    def end(self) -> float:
        """Stop; the p95 in seconds."""
        self._ended.set()
        self.join()
        return statistics.quantiles(self.times, n=20)[-1]


def quiet(service: Service) -> float:
    """The owner's p95 when nobody else is there."""
    owner = Owner(service)
    owner.start()
    time.sleep(QUIET_SECONDS)
    return owner.end()


def attacked(service: Service, tries: int) -> None:
    """Print what the owner feels of an attack."""
    quiet(service)
    before = quiet(service)
    owner = Owner(service)
    owner.start()
    began, statuses = time.monotonic(), []
    user = service.demo["DEPOSIT_USER"]
    for number in range(tries):
        statuses.append(ask(service, header(user, f"guess {number}"), source=address(number))[0])
    seconds = time.monotonic() - began
    during = owner.end()
    after = quiet(service)
    hashed = statuses.count(401)
    print(f"{tries} guesses in {seconds:.0f} s: {hashed} hashed, {statuses.count(429)} refused unhashed")
    print(f"owner: p95 {before * 1000:.1f} / {during * 1000:.1f} / {after * 1000:.1f} ms before/during/after")
    print(f"owner refused: {owner.refused} of {len(owner.times)}")
    print(
        f"ratio to the mean of before and after: {during / statistics.mean([before, after]):.2f} (limit 1.20)"
    )


def told_apart(service: Service, tries: int) -> None:
    """Print whether time tells an unknown user from a wrong password."""
    times: dict[str, list[float]] = {service.demo["DEPOSIT_OTHER_USER"]: [], "nobody-of-this-name": []}
    with closing(psycopg2.connect(database_url(service))) as database, database.cursor() as cursor:
        database.autocommit = True
        for number in range(tries):
            if number % 5 == 0:
                cursor.execute("DELETE FROM deposit_loginfailures")
            # In turn, and each first as often as the other.
            for name in sorted(times, reverse=number % 2 == 0):
                status, seconds = ask(service, header(name, f"guess {number}"), source=address(number))
                if status != 401:
                    raise SystemExit(f"{name}: {status} instead of 401")
                times[name].append(seconds)
    known, unknown = (statistics.median(values) * 1000 for values in times.values())
    print(f"{tries} wrong passwords each: median {known:.1f} ms known user, {unknown:.1f} ms unknown")
    print(f"ratio {unknown / known:.3f} (limit 0.95 to 1.05)")


def main() -> None:
    """Run both."""
    tries = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with running() as service:
        attacked(service, tries)
        told_apart(service, tries)


if __name__ == "__main__":
    main()
