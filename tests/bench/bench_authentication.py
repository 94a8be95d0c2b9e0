"""What guessing costs the rightful client, whether time tells who exists, and what many requests at once come to.

    python -m tests.bench.bench_authentication [GUESSES] [TRIES_OF_EACH]

Against `make run` on loopback, where every address of 127.0.0.0/8 is a client's:

- one client opens CONNECTIONS (16, 50) at once to a server that remembers no password; limit: none is refused;
- RETRIES (200) of one POST with one Idempotency-Key at once; limit: one deposit. Whoever is told to come again does.

Ratios of one run:

- the rightful client's p95 while GUESSES (1,000) wrong passwords come for its account, four at a time and each from
  another address, over its p95 in between; limit 1.20;
- the median time of a wrong password for an unknown user over that for a known one, all of them hashed,
  TRIES_OF_EACH (1,000); limit between 0.95 and 1.05;
- the same with an identity provider (one of the tests' own, on loopback), for an unknown user and for one of the
  provider's over one with a password here.
"""

import base64
import http.client
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing

import psycopg2

from tests.bench.bench_record import database_url
from tests.bench.service import Service, running
from tests.support.identity.server import CLIENT, REALM, SECRET, IdentityServer
from tests.support.samples import make_zip

CONNECTIONS = (16, 50)
RETRIES = 200
NOBODY = "nobody-of-this-name"
# Each waits for its answer before it guesses again.
GUESSERS = 4
PAUSE = 0.03
ROUNDS = 10
# Every wrong answer waits so long, whoever it is for; it would hide differences if it were counted.
WAIT = 0.3


def header(username: str, password: str) -> dict[str, str]:
    """Basic credentials."""
    return {"Authorization": "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()}


def owner_of(service: Service) -> dict[str, str]:
    """The rightful client's credentials."""
    return header(service.demo["DEPOSIT_USER"], service.demo["DEPOSIT_PASSWORD"])


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
        mine = owner_of(self._service)
        while not self._ended.wait(PAUSE):
            status, seconds = ask(self._service, mine)
            self.times.append(seconds)
            self.refused += status != 200

    def end(self) -> None:
        """Stop."""
        self._ended.set()
        self.join()


def attacked(service: Service, tries: int) -> None:
    """Print what the owner feels of an attack; it and peace take turns, so that noise falls on both."""
    calm: list[float] = []
    struck: list[float] = []
    statuses: list[int] = []
    refused, seconds = 0, 0.0
    _watch(service, lambda: time.sleep(5))
    for first in range(0, tries, tries // ROUNDS):
        began = time.monotonic()
        owner = _watch(service, lambda: statuses.extend(_guess(service, first, tries // ROUNDS)))  # noqa: B023
        struck += owner.times
        refused += owner.refused
        lasted = time.monotonic() - began
        seconds += lasted
        calm += _watch(service, lambda: time.sleep(lasted)).times  # noqa: B023
    quiet, loud = (statistics.quantiles(times, n=20)[-1] * 1000 for times in (calm, struck))
    hashed = statuses.count(401)
    print(f"{tries} guesses in {seconds:.0f} s: {hashed} hashed, {statuses.count(429)} refused unhashed")
    print(
        f"owner: p95 {quiet:.1f} ms in peace, {loud:.1f} ms under attack; {refused} of {len(struck)} refused"
    )
    print(f"ratio {loud / quiet:.2f} (limit 1.20)")


def _watch(service: Service, happens: Callable[[], None]) -> "Owner":
    owner = Owner(service)
    owner.start()
    happens()
    owner.end()
    return owner


def _guess(service: Service, first: int, number: int) -> list[int]:
    user, statuses = service.demo["DEPOSIT_USER"], []
    left = iter(range(first, first + number))

    def guess() -> None:
        while (n := next(left, None)) is not None:
            statuses.append(ask(service, header(user, f"guess {n}"), source=address(n))[0])

    at_once(GUESSERS, guess)
    return statuses


def measure_difference(service: Service, tries: int, *names: str) -> None:
    """Print whether time tells the wrong passwords of these users apart."""
    times: dict[str, list[float]] = {name: [] for name in names}
    with closing(psycopg2.connect(database_url(service))) as database, database.cursor() as cursor:
        database.autocommit = True
        for number in range(tries):
            if number % 5 == 0:
                cursor.execute("DELETE FROM deposit_loginfailures")
            # In turn, and each first as often as the other.
            for name in names[number % len(names) :] + names[: number % len(names)]:
                status, seconds = ask(service, header(name, f"guess {number}"), source=address(number))
                if status != 401:
                    raise SystemExit(f"{name}: {status} instead of 401")
                times[name].append(seconds)
    medians = {name: (statistics.median(values) - WAIT) * 1000 for name, values in times.items()}
    print(f"{tries} wrong passwords each, beyond the fixed wait of {WAIT} s:")
    for name, median in medians.items():
        ratio = median / medians[names[0]]
        print(f"median {median:.1f} ms for {name}, ratio {ratio:.3f} (limit 0.95 to 1.05)")


def told_apart_with_a_provider(tries: int) -> None:
    """Print whether time tells an account of ours from one of the identity provider's, or from none."""
    with (
        IdentityServer() as identity,
        running(
            KEYCLOAK_SERVER_URL=identity.url,
            KEYCLOAK_REALM=REALM,
            KEYCLOAK_CLIENT_ID=CLIENT,
            KEYCLOAK_CLIENT_SECRET=SECRET,
        ) as service,
    ):
        ours, theirs = service.demo["DEPOSIT_USER"], service.demo["DEPOSIT_OTHER_USER"]
        identity.passwords[theirs] = "the provider's"
        with closing(psycopg2.connect(database_url(service))) as database, database.cursor() as cursor:
            cursor.execute("UPDATE auth_user SET password = '!' WHERE username = %s", [theirs])
            database.commit()
        print("With an identity provider:")
        measure_difference(service, tries, ours, theirs, NOBODY)


def at_once(number: int, happens: Callable[[], None]) -> None:
    """Do it in as many threads, none of which begins before all are there."""
    gate = threading.Barrier(number)

    def wait_and_go() -> None:
        gate.wait()
        happens()

    threads = [threading.Thread(target=wait_and_go) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def opened_at_once(number: int) -> None:
    """Print what one client with the right password is told that opens many connections to a fresh server."""
    with running() as service:
        mine = owner_of(service)
        answers: list[tuple[int, float]] = []
        at_once(number, lambda: answers.append(ask(service, mine)))
    refused = sum(status != 200 for status, _ in answers)
    slowest = max(seconds for _, seconds in answers)
    print(f"{number} connections of one client at once: {refused} refused (limit 0), slowest {slowest:.2f} s")


def retried(service: Service, number: int) -> None:
    """Print how many deposits come of one POST that is sent many times at once."""
    body, mine = make_zip({"a.txt": b"a"}), owner_of(service)
    headers = mine | {
        "Content-Type": "application/zip",
        "Content-Disposition": "attachment; filename=a.zip",
        "Packaging": "http://purl.org/net/sword/package/SimpleZip",
        "In-Progress": "true",
        "Idempotency-Key": "one",
    }
    address = f"/1/{service.demo['DEPOSIT_COLLECTION']}/"
    statuses: Counter[int] = Counter()
    places: set[str] = set()

    def send() -> None:
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=120)
            connection.request("POST", address, body, headers)
            response = connection.getresponse()
            response.read()
            connection.close()
            statuses[response.status] += 1
            if response.status not in (429, 503):
                places.add(response.headers.get("Location", ""))
                return
            time.sleep(1)

    at_once(number, send)
    with closing(psycopg2.connect(database_url(service))) as database, database.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM deposit_deposit")
        (deposits,) = cursor.fetchone() or (0,)
    print(f"{number} retries of one POST at once: answers {dict(statuses)}")
    print(f"{len(places)} address told, {deposits} deposit made (limit 1)")


def main() -> None:
    """Run all."""
    guesses, tries = (int(word) for word in [*sys.argv[1:3], *("1000", "1000")[len(sys.argv) - 1 :]])
    for number in CONNECTIONS:
        opened_at_once(number)
    with running() as service:
        retried(service, RETRIES)
        attacked(service, guesses)
        measure_difference(service, tries, service.demo["DEPOSIT_OTHER_USER"], NOBODY)
    told_apart_with_a_provider(tries)


if __name__ == "__main__":
    main()
