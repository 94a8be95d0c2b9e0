"""How the index behaves as it grows: from empty to 10^7 contents made by a generator.

    .venv/bin/python tests/bench/bench_archive_scale.py package.tar.gz [--most 10000000] [--folder FOLDER]

At each size: a new package is loaded (the same bytes each time, its objects removed before), a thousand identifiers are
asked for at once, and single objects are found, their parents looked up, and ``contains`` asked for things that are
below a directory, that are not, and that have very many parents. Medians; limits on how much the largest index may cost
more than the smallest. ``--plans`` prints PostgreSQL's plans at the last size.
"""

import argparse
import hashlib
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.archive_setup import archive, empty, load_package

LOAD_LIMIT = 1.5
# Milliseconds at the largest size.
LIMITS = {
    "known(1000)": 100.0,
    "find": 5.0,
    "occurrences": 5.0,
    "parents of 100": 100.0,
    "contains, yes": 50.0,
    "contains, no": 50.0,
}

# A tree of directories, ten below each; every one holds ten contents of its own and the empty file.
_PACK = "INSERT INTO archive_pack (sha256, size) VALUES (sha256('generated'), 1) ON CONFLICT DO NOTHING"
_CONTENTS = """
INSERT INTO archive_object (length, "offset", stored, pack_id, position, branching, kind, sha1_git, sha256)
SELECT 1000, n, 1000, (SELECT id FROM archive_pack WHERE sha256 = sha256('generated')), 512, 0, 0,
    substring(sha256(('c' || n)::bytea) for 20), sha256(('s' || n)::bytea)
FROM generate_series(%s, %s) n
"""
_DIRECTORIES = """
INSERT INTO archive_object (length, "offset", stored, pack_id, position, branching, kind, sha1_git, targets)
SELECT 1000, n, 1000, (SELECT id FROM archive_pack WHERE sha256 = sha256('generated')), 512, 10, 1,
    substring(sha256(('d' || n)::bytea) for 20),
    ARRAY(SELECT substring(sha256(('d' || 10 * n + m)::bytea) for 20) FROM generate_series(1, 10) m)
    || ARRAY(SELECT substring(sha256(('c' || 10 * n + m)::bytea) for 20) FROM generate_series(0, 9) m)
    || '\\xe69de29bb2d1d6434b8b29ae775ad8c2e48c5391'::bytea
FROM generate_series(%s, %s) n
"""
EMPTY = bytes.fromhex("e69de29bb2d1d6434b8b29ae775ad8c2e48c5391")


def content(number: int) -> bytes:
    """A generated content's identifier."""
    return _identifier("c", number)


def directory(number: int) -> bytes:
    """A generated directory's identifier; directory 0 is the root of all."""
    return _identifier("d", number)


def _identifier(kind: str, number: int) -> bytes:
    return hashlib.sha256(f"{kind}{number}".encode()).digest()[:20]


def grow(before: int, after: int) -> float:
    """Add generated contents up to ``after``; the seconds it took."""
    from django.db import connection  # noqa: PLC0415 - settings exist only now

    started = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(_PACK)
        for start in range(before, after, 500_000):
            stop = min(start + 500_000, after)
            cursor.execute(_CONTENTS, [start, stop - 1])
            cursor.execute(_DIRECTORIES, [start // 10, stop // 10 - 1])
        cursor.execute("VACUUM ANALYZE archive_object")
    return time.perf_counter() - started


def forget_loads() -> None:
    """Remove what was really loaded, so that the same package is new again."""
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM archive_object WHERE pack_id NOT IN (SELECT id FROM archive_pack WHERE size = 1)"
        )
        cursor.execute("DELETE FROM archive_pack WHERE size <> 1")
        cursor.execute("VACUUM archive_object")


def milliseconds(call: Callable[[int], object], times: int = 30) -> float:
    """The median of calls, each with another number."""
    taken: list[float] = []
    for number in range(times):
        started = time.perf_counter()
        call(number)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken) * 1000


def parents(identifiers: list[bytes]) -> None:
    """One level of a walk upward."""
    from archive import index, retrieval  # noqa: PLC0415

    with retrieval._by_target() as ask:
        array = index.bytea_array(identifiers)
        found = ask.column(retrieval._PARENTS, [array, [1, 3, 5], retrieval._POPULAR, retrieval._POPULAR])
    if not found:
        raise SystemExit("No parents were found.")


def measure(size: int) -> dict[str, float]:
    """The reading side at one size, in milliseconds."""
    from archive import index, places, retrieval  # noqa: PLC0415
    from archive.identifiers import SWHID, ObjectType  # noqa: PLC0415

    source = random.Random(size)

    def some() -> int:
        return source.randrange(size)

    def require(found: object, expected: object) -> None:
        if found != expected:
            raise SystemExit(f"A wrong answer at {size}: {found!r} instead of {expected!r}.")

    return {
        "known(1000)": milliseconds(lambda _: index.known([content(some()) for _ in range(1000)])),
        "find": milliseconds(lambda _: places.find(SWHID(ObjectType.CONTENT, content(some())))),
        "occurrences": milliseconds(lambda _: require(len(retrieval.occurrences(content(some()))), 1)),
        # What is looked for in wide levels: a directory high up has hundreds of others beside it.
        "parents of 100": milliseconds(lambda _: parents([content(some()) for _ in range(100)])),
        "contains, yes": milliseconds(
            lambda _: require(retrieval.contains([directory(0)], content(some())), True)
        ),
        "contains, no": milliseconds(
            lambda _: require(retrieval.contains([directory(7)], content(some() % 10)), False)
        ),
        "contains, empty file": milliseconds(
            lambda _: require(retrieval.contains([directory(size // 100)], EMPTY), True), 5
        ),
    }


def main() -> int:
    """Print the curve; 0 when the limits are kept."""
    parser = argparse.ArgumentParser()
    parser.add_argument("package", type=Path)
    parser.add_argument("--most", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--plans", action="store_true")
    options = parser.parse_args()
    loads: list[float] = []
    values: dict[str, float] = {}
    with archive(options.folder) as scratch:
        empty(scratch)
        load_package(options.package)  # warms what is not of the index
        size = 0
        for target in [10**power for power in range(4, 9) if 10**power <= options.most]:
            took = grow(size, target)
            size = target
            turns: list[float] = []
            for _ in range(3):
                forget_loads()
                turns.append(sum(load_package(options.package)[2].values()))
            loads.append(statistics.median(turns))
            values = measure(size)
            line = ", ".join(f"{name} {value:.2f}" for name, value in values.items())
            print(f"{size} contents ({took:.0f}s to make): load {loads[-1]:.2f}s; ms: {line}", flush=True)
        if options.plans:
            print_plans()
    return report(loads, values)


def print_plans() -> None:
    """What PostgreSQL does for the three kinds of questions, and what the tables take."""
    from django.db import connection, transaction  # noqa: PLC0415

    from archive import index, retrieval  # noqa: PLC0415

    array: Any = index.bytea_array([content(number * 31) for number in range(100)])
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for query, parameters in (
            (index._KNOWN, [array, array]),
            (retrieval._PARENTS, [array, [1, 3, 5], retrieval._POPULAR, retrieval._POPULAR]),
            (retrieval._CHILDREN, [array]),
        ):
            cursor.execute("EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) " + query, list(parameters))
            print("\n".join(line[:120] for (line,) in cursor.fetchall()), end="\n\n")
        cursor.execute(
            "SELECT relname, pg_size_pretty(pg_relation_size(oid)) FROM pg_class WHERE relname LIKE '%object%'"
            " AND relname NOT LIKE 'pg%' AND relkind IN ('r', 'i')"
        )
        for name, taken in cursor.fetchall():
            print(name, taken)


def report(loads: list[float], values: dict[str, float]) -> int:
    """Hold the last size against the limits."""
    growth = loads[-1] / loads[0]
    kept = growth <= LOAD_LIMIT
    print(f"load at the largest / smallest: {growth:.2f}, limit {LOAD_LIMIT}: {'kept' if kept else 'MISSED'}")
    for name, limit in LIMITS.items():
        good = values[name] <= limit
        print(f"{name}: {values[name]:.2f} ms, limit {limit}: {'kept' if good else 'MISSED'}")
        kept = kept and good
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
