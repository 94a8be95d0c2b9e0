"""The same package a second time, as the workers take it: its check, its load, and what is written.

    .venv/bin/python tests/bench/bench_archive_known.py package.tar.gz

Deposits a package three times, for two origins, and lets checker and loader work on each. The second and third load
find that the archive has the package as a whole. Limits: such a load takes less than a second, and writes less than a
hundredth of what the first one wrote.
"""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.archive_setup import archive

if TYPE_CHECKING:
    from deposit.models import Client, Collection

LIMIT_SECONDS = 1.0
LIMIT_SHARE = 0.01


def deposit_and_load(
    package: bytes, who: "tuple[Client, Collection]", origin: str
) -> tuple[float, float, int]:
    """Seconds of the check, seconds of the load, bytes of the packs that it wrote."""
    from archive.models import Pack  # noqa: PLC0415 - settings exist only now
    from checker.checking import check  # noqa: PLC0415
    from deposit.models import Status  # noqa: PLC0415
    from loader.workflow import load  # noqa: PLC0415
    from tests.support.lifecycle_fixtures import sent  # noqa: PLC0415

    before = sum(Pack.objects.values_list("size", flat=True))
    deposit = sent(package, who=who, origin=origin)
    started = time.perf_counter()
    check(deposit.pk, worker="bench")
    checked = time.perf_counter()
    load(deposit.pk, worker="bench")
    loaded = time.perf_counter()
    deposit.refresh_from_db()
    if deposit.status != Status.DONE:
        raise SystemExit(f"The deposit is {deposit.status}.")
    written = sum(Pack.objects.values_list("size", flat=True)) - before
    return checked - started, loaded - checked, written


def main() -> int:
    """Print figures; 0 when the limits are kept."""
    package = Path(sys.argv[1]).read_bytes()
    with archive():
        from tests.support.lifecycle_fixtures import depositor  # noqa: PLC0415 - settings exist only now

        who = depositor()
        runs = [deposit_and_load(package, who, f"https://hal.example.org/{name}") for name in ("a", "a", "b")]
    for check, load, written in runs:
        print(f"check {check:.2f}s, load {load:.2f}s, {written} bytes written")
    slowest = max(load for _, load, _ in runs[1:])
    share = max(written for _, _, written in runs[1:]) / runs[0][2]
    kept = slowest < LIMIT_SECONDS and share < LIMIT_SHARE
    print(
        f"known as a whole: {slowest:.2f}s, limit {LIMIT_SECONDS}; {share:.5%} of the bytes, limit {LIMIT_SHARE:.0%}"
    )
    print("kept" if kept else "MISSED")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
