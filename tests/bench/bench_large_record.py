"""Whether what people and machines ask takes as long with ten million deposits as with a hundred thousand.

    python -m tests.bench.bench_large_record [--sizes 100000,1000000] [--kept FOLDER]

Each record is made by COPY (`tests.bench.large_record`) in a PostgreSQL of its own, as `make run` starts it. Everything
is asked for in one process for each record, through all middleware and with nothing remembered, in turns: what else the
machine does meanwhile hits all sizes. Prints medians and spread in milliseconds and the ratio to the first size; the
limit is 1.5.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.bench import large_record
from tests.bench.archive_setup import archive

REQUESTS, WARM = 15, 3
LIMIT = 1.5
WAITING = 10_000
# Below this, in milliseconds, a ratio tells of the machine and not of the record.
NOISE = 2.0

Case = Callable[[], None]


class Undo(Exception):
    """Nothing of a measurement stays."""


def parties() -> dict[str, Any]:
    """An operator, two depositors of very different size, and all clients and collections, by their numbers."""
    from django.contrib.auth.models import Permission, User  # noqa: PLC0415 - settings exist only now

    from deposit.models import Client, Collection, Membership  # noqa: PLC0415
    from tests.support.factories import new_client, new_collection  # noqa: PLC0415

    if not User.objects.filter(username="operator").exists():
        first, *others = [new_collection(f"bench{number}") for number in range(large_record.COLLECTIONS)]
        for name in ["large", "small", *(f"client{number}" for number in range(large_record.CLIENTS))]:
            client = new_client(first, username=name)
            Membership.objects.bulk_create(Membership(client=client, collection=one) for one in others)
        operator = User.objects.create_user("operator")
        operator.user_permissions.add(Permission.objects.get(codename="operate"))
    return {
        "operator": User.objects.get(username="operator"),
        "large": User.objects.get(username="large"),
        "small": User.objects.get(username="small"),
        "clients": list(Client.objects.order_by("pk").values_list("pk", flat=True)),
        "collections": list(Collection.objects.order_by("pk").values_list("pk", flat=True)),
    }


def page(user: Any, path: str, status: int = 200) -> Case:
    """Asks for a page as a user who has logged in."""
    from django.test import Client  # noqa: PLC0415 - settings exist only now

    browser = Client(SERVER_NAME="localhost")
    browser.force_login(user)

    def ask() -> None:
        response = browser.get(path)
        if response.status_code != status:
            raise SystemExit(f"{path} answered {response.status_code}")

    return ask


def sword(client: Any, method: str, path: str, status: int, **more: Any) -> Case:
    """Asks what a program asks, with a password that was verified before."""
    from tests.support.factories import http_client  # noqa: PLC0415 - settings exist only now

    program = http_client(client)

    def ask() -> None:
        response = program.generic(method, path, SERVER_NAME="localhost", **more)
        if response.status_code != status:
            raise SystemExit(f"{path} answered {response.status_code}: {response.content[:500]!r}")

    return ask


def posting(client: Any) -> Case:
    """Posts a small package with metadata, in progress, so that nobody works on it."""
    from tests.support.samples import atom_entry, make_zip  # noqa: PLC0415 - settings exist only now

    body = (
        b"--B\r\nContent-Disposition: form-data; name=file; filename=p.zip\r\nContent-Type: application/zip\r\n\r\n"
        + make_zip({"pad": os.urandom(10 * 1024)})
        + b"\r\n--B\r\nContent-Disposition: form-data; name=atom; filename=a.xml\r\n"
        + b"Content-Type: application/atom+xml\r\n\r\n"
        + atom_entry()
        + b"\r\n--B--\r\n"
    )
    kind = "multipart/form-data; boundary=B"
    return sword(
        client, "POST", "/1/bench0/", 201, data=body, content_type=kind, headers={"In-Progress": "true"}
    )


def dispatching() -> Case:
    """One round of the dispatcher, with `WAITING` loads that wait; nothing of it stays."""
    from django.db import connection, transaction  # noqa: PLC0415 - settings exist only now

    from deposit.queue import dispatcher  # noqa: PLC0415

    def ask() -> None:
        with contextlib.suppress(Undo), transaction.atomic():
            dispatcher.round_of_work(lambda kind, *keys: None)
            raise Undo

    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM deposit_workitem")
        cursor.execute(
            "INSERT INTO deposit_workitem (kind, key, queue, share, deposit_id) "
            "SELECT 'load', each.id::text, 'load', client_id, each.id FROM deposit_deposit each "
            "ORDER BY each.id DESC LIMIT %s",
            [WAITING],
        )
        cursor.execute("ANALYZE deposit_workitem")
    return ask


def snapshot() -> None:
    """What /metrics, the overview and Nagios read, with what they remember forgotten."""
    from deposit.monitoring import snapshot as module  # noqa: PLC0415 - settings exist only now

    module.deposits_by_status(module.read_snapshot())


def bring_up_to_date(steps: int = 1) -> bool:
    """Count the days that may still change; whether all are counted."""
    from deposit.monitoring import daily_statistics  # noqa: PLC0415 - settings exist only now

    return daily_statistics.bring_up_to_date(steps=steps)


def tallied() -> None:
    """Count them as the scheduler does."""
    bring_up_to_date()


def cases(who: dict[str, Any], size: int) -> dict[str, Case]:
    """Everything that is measured."""
    from deposit.models import Client  # noqa: PLC0415 - settings exist only now

    operator, large = who["operator"], who["large"]
    depositor = Client.objects.get(user=large)
    middle = size // 2
    pages = {
        "page: list": "/deposits/",
        "page: list, failed": "/deposits/?status=failed",
        "page: list, common word": "/deposits/?q=analytical",
        "page: list, rare word": f"/deposits/?q=x{middle}",
        "page: list, two words": "/deposits/?q=analytical+3c585604",
        "page: list, no such word": "/deposits/?q=zzzz",
        "page: list, SWHID": f"/deposits/?q=swh:1:dir:{middle - middle % 10_000:040x}",
        "page: list, one day": f"/deposits/?since={day(middle)}&until={day(middle)}",
        "page: list, the oldest": "/deposits/?before=100",
        "page: deposit": f"/deposits/{middle - middle % 10_000}/",
        "page: overview": "/overview/",
        "page: figures of a year": "/figures/?days=365",
        "API: list": "/api/deposits/",
        "API: statistics": "/api/statistics/",
    }
    found = {name: page(operator, path) for name, path in pages.items()}
    found["page: list of a large depositor"] = page(large, "/deposits/")
    found["page: list of a small depositor"] = page(who["small"], "/deposits/")
    mine = newest_of(depositor.pk)
    found |= {
        "SWORD: service document": sword(depositor, "GET", "/1/servicedocument/", 200),
        "SWORD: status": sword(depositor, "GET", f"/1/{mine[1]}/{mine[0]}/status/", 200),
        "SWORD: list, page 1": sword(depositor, "GET", "/1/bench0/", 200),
        "SWORD: list, last page": sword(
            depositor, "GET", f"/1/bench0/?page={number_of(depositor.pk) // 100}", 200
        ),
        "SWORD: POST": posting(depositor),
        "dispatcher: a round": dispatching(),
        "snapshot for metrics": snapshot,
        "statistics: today counted anew": tallied,
    }
    return found


def day(number: int) -> str:
    """On which day a deposit came."""
    from deposit.models import Deposit  # noqa: PLC0415 - settings exist only now

    return Deposit.objects.values_list("reception_date", flat=True).get(pk=number).date().isoformat()


def newest_of(client: int) -> tuple[int, str]:
    """The newest deposit of a client that is done, and its collection."""
    from deposit.models import Deposit  # noqa: PLC0415 - settings exist only now

    own = Deposit.objects.filter(client=client, status="done").order_by("-pk")
    return own.values_list("pk", "collection__name")[0]


def number_of(client: int) -> int:
    """How many deposits a client has."""
    from deposit.models import Deposit  # noqa: PLC0415 - settings exist only now

    return Deposit.objects.filter(client=client).count()


def forget() -> None:
    """As if nobody had looked at figures for a while."""
    from dashboard.views import figures, fixity, overview  # noqa: PLC0415 - settings exist only now
    from deposit.monitoring import snapshot as module  # noqa: PLC0415

    for remembered in (
        overview.figures,
        overview.queues,
        figures.counted,
        fixity.known,
        module.counted,
        module.unread,
    ):
        remembered.forget()


def serve(folder: Path, size: int) -> None:
    """In a process of its own: a record of one size, and the time of whatever the parent names, in milliseconds."""
    with archive(kept=folder):
        from django.conf import settings  # noqa: PLC0415 - settings exist only now

        from deposit.models import Deposit  # noqa: PLC0415

        settings.ALLOWED_HOSTS = ["localhost"]
        who = parties()
        here = Deposit.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        if here < size:
            large_record.fill(os.environ["DATABASE_URL"], here + 1, size, who["clients"], who["collections"])
        start = time.monotonic()
        while not bring_up_to_date(1000):
            pass
        print(f"{size:,} deposits: all days counted in {time.monotonic() - start:.1f} s", file=sys.stderr)
        known = cases(who, size)
        print(json.dumps(list(known)), flush=True)
        for line in sys.stdin:
            forget()
            begun = time.perf_counter()
            known[line.strip()]()
            print(json.dumps((time.perf_counter() - begun) * 1000), flush=True)


class Record:
    """A record of one size, in a process of its own."""

    def __init__(self, folder: Path, size: int) -> None:
        self.size = size
        command = [
            sys.executable,
            "-m",
            __spec__.name,
            "--serve",
            str(size),
            "--kept",
            str(folder / str(size)),
        ]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.cases: list[str] = self._read()

    def measure(self, name: str) -> float:
        """The time of one case, in milliseconds."""
        assert self._process.stdin
        self._process.stdin.write(f"{name}\n")
        self._process.stdin.flush()
        value: float = self._read()
        return value

    def end(self) -> None:
        """Stop it, and its PostgreSQL."""
        self._process.communicate()

    def _read(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.size:,} deposits: it ended")
        return json.loads(line)


def compare(records: Sequence[Record]) -> bool:
    """Measure everything at all sizes in turns; whether all is flat."""
    good = True
    for name in records[0].cases:
        times: dict[int, list[float]] = {record.size: [] for record in records}
        for turn in range(REQUESTS + WARM):
            for record in records:
                value = record.measure(name)
                if turn >= WARM:
                    times[record.size].append(value)
        before = statistics.median(times[records[0].size])
        for size, found in times.items():
            middle = statistics.median(found)
            good = good and (middle / before <= LIMIT or middle - before <= NOISE)
            print(
                f"{size:>10,} deposits  {name:34} {middle:8.1f} ms  {min(found):8.1f} to {max(found):8.1f}  "
                f"{middle / before:5.2f} x",
                flush=True,
            )
    return good


def main() -> int:
    """1 when something is not flat."""
    parser = argparse.ArgumentParser(description="Whether times grow with the record.")
    parser.add_argument("--sizes", default="100000,1000000", metavar="NUMBER,NUMBER")
    parser.add_argument("--kept", type=Path, metavar="FOLDER", help="where the records stay for the next run")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        serve(asked.kept, asked.serve)
        return 0
    with contextlib.ExitStack() as stack:
        folder = asked.kept or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-large-")))
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
        records = []
        for size in asked.sizes.split(","):
            records.append(Record(folder, int(size)))
            stack.callback(records[-1].end)
        return 0 if compare(records) else 1


if __name__ == "__main__":
    sys.exit(main())
