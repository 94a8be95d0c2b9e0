"""What a round of the dispatcher costs with so much open work, and what asking, claiming and ending one piece does.

    python tests/bench/bench_queue.py [--open 100 10000 1000000] [--shares 50]

Nine of ten wait for a later time; the others are due, in the turns of the shares. A PostgreSQL of its own, durable.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.archive_setup import archive

_FILL = """
INSERT INTO deposit_workitem (kind, key, queue, share, heavy, due_at)
SELECT CASE n %% 2 WHEN 0 THEN 'cleanup' ELSE 'inspect' END, 'bench-' || n,
    CASE n %% 2 WHEN 0 THEN 'load' ELSE 'check' END, n %% %(shares)s, n %% 50 = 0,
    now() + CASE WHEN n %% 10 = 0 THEN interval '-1 hour' ELSE interval '1 day' END
FROM generate_series(1, %(number)s) AS n
"""
ROUNDS = 30


def main() -> None:
    """One line per size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--open", type=int, nargs="+", default=[100, 10_000, 1_000_000])
    parser.add_argument("--shares", type=int, default=50)
    options = parser.parse_args()
    with archive():
        for number in options.open:
            _measure(number, options.shares)


def _measure(number: int, shares: int) -> None:
    from django.db import connection  # noqa: PLC0415 - settings exist only now

    from deposit.queue.dispatcher import heal, round_of_work  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE deposit_workitem")
        cursor.execute(_FILL, {"number": number, "shares": shares})
        cursor.execute("VACUUM ANALYZE deposit_workitem")
    sent: list[str] = []
    first = _time(lambda: round_of_work(lambda kind, key: sent.append(key)), 1)
    crowded = len(sent)
    rounds = _time(lambda: round_of_work(lambda kind, key: sent.append(key)))
    print(
        f"{number:9,} open: first round {first:6.2f} ms ({crowded} sent), then {rounds:6.2f} ms;"
        f" heal {_time(heal, 5):6.2f} ms; ask, claim and finish {_life():5.2f} ms",
        flush=True,
    )


def _life() -> float:
    from django.db import transaction  # noqa: PLC0415

    from deposit.queue import items  # noqa: PLC0415

    def live() -> None:
        items.ask("cleanup", "one")
        claim = items.claim("cleanup", "one", worker="bench")
        assert claim is not None
        with transaction.atomic():
            items.finish(claim)

    return _time(live)


def _time(act: Callable[[], object], times: int = ROUNDS) -> float:
    """The best of so many times, in milliseconds: others who work on the machine count for as little as can be."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        act()
        taken.append(time.perf_counter() - begun)
    return min(taken) * 1000


if __name__ == "__main__":
    main()
