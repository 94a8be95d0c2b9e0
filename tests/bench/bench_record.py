"""What a request costs as the record grows from a hundred deposits to a million: it should not cost more.

    python -m tests.bench.bench_record [LARGEST]

Prints the median of each request at every size and its ratio to the same request at a hundred deposits. The limit is
1.0; the web processes and PostgreSQL run on the same machine as the measuring client, one connection at a time.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import psycopg2

from tests.bench.bench_http import Connection, head, multipart_request
from tests.bench.service import REPOSITORY, Service, running

SIZES = (100, 10_000, 1_000_000)
REQUESTS = 60

_FILL = """
INSERT INTO deposit_deposit (client_id, collection_id, type, status, reception_date, complete_date, external_id,
    origin_url, swhid, swhid_context, software_version, revision, status_changed_at, verified_date,
    lease_token, lease_owner, attempts, sends, title, package_name)
SELECT c.id, m.collection_id, 'code', 'done', now() - interval '2 days', now() - interval '2 days', 'x' || number,
    'https://demo.example.org/' || number, 'swh:1:dir:' || repeat('0', 40), 'swh:1:dir:', '1', 3,
    now() - interval '2 days', now() - interval '2 days', 1, '', 0, 0, 'A program', 'p.zip'
FROM deposit_client c JOIN auth_user u ON u.id = c.user_id JOIN deposit_membership m ON m.client_id = c.id,
    generate_series(1, %s) AS number
WHERE u.username = 'demo'
"""


def database_url(service: Service) -> str:
    """The service's database, from the file that ``make run`` wrote."""
    for line in (service.data / "deposit.env").read_text().splitlines():
        if line.startswith("DATABASE_URL="):
            return line.partition("=")[2].strip("'\"")
    raise SystemExit("deposit.env names no database")


def fill(url: str, number: int) -> None:
    """Add deposits that are done to the demo client's, and let PostgreSQL count them."""
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(_FILL, [number])
    connection.close()
    with_vacuum = psycopg2.connect(url)
    with_vacuum.autocommit = True
    with_vacuum.cursor().execute("VACUUM ANALYZE deposit_deposit")
    with_vacuum.close()


def median(service: Service, request: Callable[[], bytes], expected: int) -> float:
    """The median time of a request, in milliseconds."""
    connection = Connection(service.port)
    times = []
    for _ in range(REQUESTS):
        data = request()
        start = time.perf_counter()
        status = connection.ask(data)
        times.append(time.perf_counter() - start)
        if status != expected:
            raise SystemExit(f"answered {status} instead of {expected}")
    return statistics.median(times) * 1000


def main() -> None:
    """Measure at each size."""
    largest = int(sys.argv[1]) if len(sys.argv) > 1 else SIZES[-1]
    first: dict[str, float] = {}
    with running(LOG_LEVEL="WARNING") as service:
        url, here = database_url(service), 0
        post = multipart_request(service)
        for size in [size for size in SIZES if size <= largest]:
            fill(url, size - here)
            here = size
            page = f"/1/demo/?page={max(1, size // 100)}"
            cases = {
                "service document": (head(service, "GET", "/1/servicedocument/"), 200),
                "status": (head(service, "GET", "/1/demo/1/status/"), 200),
                "list, page 1": (head(service, "GET", "/1/demo/"), 200),
                "list, last page": (head(service, "GET", page), 200),
                "create": (post, 201),
            }
            for name, (request, expected) in cases.items():
                value = median(service, lambda request=request: request, expected)  # type: ignore[misc]
                ratio = value / first.setdefault(name, value)
                print(f"{size:>9,} deposits  {name:17} {value:7.1f} ms  {ratio:5.2f} x", flush=True)


if __name__ == "__main__":
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True
    )
    print(f"commit {commit.stdout.strip()}")
    main()
