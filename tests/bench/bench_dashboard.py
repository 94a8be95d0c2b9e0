"""Server time of the dashboard's pages with a million deposits, their size, and what 200 watching browsers cost.

    python -m tests.bench.bench_dashboard [--deposits NUMBER] [--kept FOLDER] [--fill]

The deposits are made in a minute or two. With ``--kept`` they stay in a folder, for the next run to measure them again;
``--fill`` makes them and measures nothing, which may be done on a machine that is not quiet.

Pages are asked for in the same process, through all middleware, one at a time. Limits: 50 ms for the list and for a
deposit, 100 KB with styles and scripts, a tenth of a core for 200 browsers that look at lists in which nothing moves;
a tenth of a second for what adds up, remembered or not, and for counting a day anew.
The server time of the first and that of the millionth deposit are measured in one run.
"""

import argparse
import html
import re
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench.archive_setup import archive

REQUESTS = 20
LIMIT_MS = 50.0
LARGEST_PAGE = 100_000
WATCHERS = 200
POLL_SECONDS = 10
LARGEST_SHARE = 0.1
FIGURES_LIMIT_MS = 100.0

# Nine of ten are done; the others are spread over all statuses, and the clients have very different numbers.
_FILL = """
INSERT INTO deposit_deposit (client_id, collection_id, type, status, reception_date, complete_date, external_id,
    origin_url, swhid, swhid_context, software_version, revision, status_changed_at, verified_date,
    lease_token, lease_owner, lease_expires_at, attempts, sends, title, package_name)
SELECT CASE WHEN n %% 1000 = 0 THEN %(small)s ELSE %(large)s END, %(collection)s, 'code', status, at,
    CASE WHEN status IN ('partial', 'expired') THEN NULL ELSE at END, 'x' || n, 'https://large.example.org/' || n,
    CASE WHEN status = 'done' THEN 'swh:1:dir:' || repeat('0', 32) || lpad(to_hex(n), 8, '0') END,
    CASE WHEN status = 'done' THEN 'swh:1:dir:' END, '1', 3, at, at, 1, '',
    CASE WHEN status = 'loading' THEN now() + interval '1 day' END, 0, 0,
    (ARRAY['Analytical', 'Difference', 'Jacquard', 'Antikythera'])[1 + n %% 4] || ' program ' || n, 'p' || n || '.zip'
FROM (SELECT n, now() - (%(number)s - n) * interval '30 seconds' AS at,
    CASE WHEN n %% 10 <> 0 THEN 'done' ELSE (ARRAY['partial', 'expired', 'deposited', 'verified', 'rejected',
        'loading', 'failed', 'done'])[1 + (n / 10) %% 8] END AS status
    FROM generate_series(1, %(number)s) AS n) AS rows
"""
_EVENTS = """
INSERT INTO deposit_event (deposit_id, name, from_status, to_status, actor, at, detail, via)
SELECT id, name, '', '', 'bench', reception_date, '{}', '{}'
FROM deposit_deposit, unnest(ARRAY['create', 'complete', 'finish']) AS name
"""
_PARTS = """
INSERT INTO deposit_part (deposit_id, kind, content_type, size, sha256, name, packaging, stored_as)
SELECT id, 'package', 'application/zip', 1000000 + id % 1000, repeat('0', 64), 'p.zip', '', 'bench/' || id
FROM deposit_deposit
"""


def fill(number: int) -> dict[str, Any]:
    """A large client, a small one, an operator, and their deposits."""
    from django.contrib.auth.models import Permission, User  # noqa: PLC0415 - settings exist only now
    from django.db import connection  # noqa: PLC0415

    from tests.support.factories import new_client, new_collection  # noqa: PLC0415

    collection = new_collection("bench")
    large, small = (new_client(collection, username=name) for name in ("large", "small"))
    operator = User.objects.create_user("operator")
    operator.user_permissions.add(Permission.objects.get(codename="operate"))
    with connection.cursor() as cursor:
        fields = {"large": large.pk, "small": small.pk, "collection": collection.pk, "number": number}
        cursor.execute(_FILL, fields)
        cursor.execute(_EVENTS)
        cursor.execute(_PARTS)
        cursor.execute("VACUUM ANALYZE deposit_part")
        cursor.execute("VACUUM ANALYZE deposit_deposit")
        cursor.execute("VACUUM ANALYZE deposit_event")
    return {"large client": large.user, "small client": small.user, "operator": operator}


def measured(user: Any, path: str, *, before: Callable[[], None] = lambda: None) -> tuple[float, float, int]:
    """The median and the best server time of a page, in milliseconds, and the size of its HTML."""
    from django.test import Client  # noqa: PLC0415 - settings exist only now

    browser, times = Client(SERVER_NAME="localhost"), []
    browser.force_login(user)
    browser.get(path)
    for _ in range(REQUESTS):
        before()
        start = time.perf_counter()
        response = browser.get(path)
        times.append(time.perf_counter() - start)
        if response.status_code != 200:
            raise SystemExit(f"{path} answered {response.status_code}")
    return statistics.median(times) * 1000, min(times) * 1000, len(response.content)


def tallies() -> bool:
    """Count all days, then those that are not settled; whether the latter is within the limit."""
    from deposit.models import DailyStatistics  # noqa: PLC0415 - settings exist only now
    from deposit.monitoring.daily_statistics import bring_up_to_date  # noqa: PLC0415

    start = time.perf_counter()
    bring_up_to_date(steps=1000)
    took = time.perf_counter() - start
    days = DailyStatistics.objects.values("day").distinct().count()
    print(f"{days} days counted in {took:.1f} s, {took / days * 1000:.1f} ms a day")
    start = time.perf_counter()
    bring_up_to_date()
    again = (time.perf_counter() - start) * 1000
    print(
        f"the days that are not settled counted again: {again:.1f} ms, {again / FIGURES_LIMIT_MS:.2f} of the limit"
    )
    return again <= FIGURES_LIMIT_MS


def forget() -> None:
    """As if nobody had looked at figures for a while."""
    from dashboard.views import figures, fixity, overview  # noqa: PLC0415 - settings exist only now

    for remembered in (overview.figures, overview.queues, figures.counted, fixity.known):
        remembered.forget()


def figures(users: dict[str, Any]) -> bool:
    """What adds up, remembered and not; whether it is within its limit."""
    pages = ("/figures/", "/figures/?days=365", "/figures/?days=365&client=small", "/overview/", "/fixity/")
    api = ("/api/statistics/", "/api/statistics/figures/?by=week")
    asked = [("operator", path) for path in (*pages, *api)]
    asked += [("large client", path) for path in ("/figures/?days=365", "/api/statistics/")]
    good = True
    for who, path in asked:
        value, best, size = measured(users[who], path)
        anew, _best, _size = measured(users[who], path, before=forget)
        good = good and max(value, anew) <= FIGURES_LIMIT_MS
        print(
            f"{who:13} {path:34} {value:6.1f} ms, {value / FIGURES_LIMIT_MS:4.2f} of the limit  best {best:6.1f} ms  "
            f"not remembered {anew:6.1f} ms, {anew / FIGURES_LIMIT_MS:4.2f}  {size / 1000:5.1f} KB",
            flush=True,
        )
    return good


def scripts_and_styles() -> int:
    """Bytes of what the list and the deposit page load besides their HTML."""
    static = Path(__file__).resolve().parents[2] / "dashboard" / "static"
    names = ("dashboard/style.css", "dashboard/page.js", "dashboard/icon.svg", "vendor/htmx-2.0.11.min.js")
    return sum((static / name).stat().st_size for name in names)


def pages(users: dict[str, Any], number: int) -> bool:
    """Measure every page for every user; whether all are within their limits."""
    paths = {
        "list": "/deposits/",
        "list, failed": "/deposits/?status=failed",
        "list, two statuses": "/deposits/?status=failed&status=partial",
        "list, common word": "/deposits/?q=analytical",
        "list, rare word": f"/deposits/?q=program+{number // 2}",
        "list, no such word": "/deposits/?q=zzz",
        "list, one old day": "/deposits/?since=2026-01-01&until=2026-01-01",
        "list, the oldest": "/deposits/?before=1100",
        "first deposit": "/deposits/1000/",
        "newest deposit": f"/deposits/{number - number % 1000}/",
        "API list": "/api/deposits/",
    }
    assets, good = scripts_and_styles(), True
    for who, user in users.items():
        for name, path in paths.items():
            if who == "large client" and "deposit" in name:
                continue
            value, best, size = measured(user, path)
            size += 0 if name.startswith("API") else assets
            good = good and value <= LIMIT_MS and size <= LARGEST_PAGE
            print(
                f"{who:13} {name:20} {value:7.1f} ms  {value / LIMIT_MS:5.2f} of the limit  best {best:6.1f} ms  "
                f"{size / 1000:6.1f} KB",
                flush=True,
            )
    return good


def watchers(user: Any) -> bool:
    """What browsers cost that watch a list in which nothing moves; whether it is within the limit."""
    from django.test import Client  # noqa: PLC0415 - settings exist only now

    browser = Client(SERVER_NAME="localhost")
    browser.force_login(user)
    page = browser.get("/deposits/").content.decode()
    region = re.search(r'hx-get="([^"]+)"', page)
    if region is None:
        raise SystemExit("the list does not keep up")
    url = html.unescape(region[1])
    asked = 500
    start = time.process_time()
    for _ in range(asked):
        if browser.get(url, headers={"HX-Request": "true"}).status_code != 204:
            raise SystemExit("something moved")
    share = (time.process_time() - start) / asked * WATCHERS / POLL_SECONDS
    print(f"{WATCHERS} watching browsers: {share:.3f} of a core, {share / LARGEST_SHARE:.2f} of the limit")
    return share <= LARGEST_SHARE


def users_of(number: int) -> dict[str, Any]:
    """The three who look, and their deposits, which are made where an earlier run has left none."""
    from django.contrib.auth.models import User  # noqa: PLC0415 - settings exist only now

    known = {user.username: user for user in User.objects.all()}
    if not known:
        return fill(number)
    return {
        "large client": known["large"],
        "small client": known["small"],
        "operator": known["operator"],
    }


def main() -> int:
    """1 when a page or the watchers missed their limit."""
    parser = argparse.ArgumentParser(description="Server time and size of the dashboard's pages.")
    parser.add_argument("--deposits", type=int, default=1_000_000, metavar="NUMBER")
    parser.add_argument("--kept", type=Path, metavar="FOLDER")
    parser.add_argument("--fill", action="store_true", help="make the deposits and measure nothing")
    asked = parser.parse_args()
    with archive(kept=asked.kept):
        users = users_of(asked.deposits)
        print(f"{asked.deposits:,} deposits", flush=True)
        if asked.fill:
            return 0
        good = pages(users, asked.deposits)
        good = tallies() and figures(users) and good
        return 0 if watchers(users["operator"]) and good else 1


if __name__ == "__main__":
    sys.exit(main())
