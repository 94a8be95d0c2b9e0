"""How long a small deposit waits beside large ones of another client: from its POST to done.

    python -m tests.bench.bench_lanes [--heavy 0 4 16 64] [--members 300000] [--broker filesystem]

The large ones are of few bytes and many members, so that nothing tells their cost but the work itself. Two checkers and
two loaders. With 0 the small deposit is alone: what it takes without anybody in its way.
"""

import argparse
import gzip
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.faults.brokers import BROKERS
from tests.faults.depositing import deposit_id, form, post
from tests.faults.service import Service
from tests.support.samples import make_tar

# How often a small deposit is sent while the large ones are worked on.
SMALL = 5


def main() -> None:
    """One line per number of large deposits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--heavy", type=int, nargs="+", default=[0, 4, 16, 64])
    parser.add_argument("--members", type=int, default=300_000)
    parser.add_argument("--broker", choices=list(BROKERS), default="filesystem")
    options = parser.parse_args()
    many = gzip.compress(b"".join(_headers(options.members)), compresslevel=6)
    print(f"large: {options.members} members, {len(many) / 1e6:.1f} MB", flush=True)
    for count in options.heavy:
        waits = _measure(options.broker, count, many)
        shown = ", ".join(f"{wait:.1f}" for wait in waits)
        print(f"beside {count:3} large: small done after {shown} s (longest {max(waits):.1f} s)", flush=True)


def _headers(members: int) -> Iterator[bytes]:
    """The tar headers of so many empty files."""
    for number in range(members):
        info = tarfile.TarInfo(f"many/{number % 997}/{number}")
        yield info.tobuf(tarfile.USTAR_FORMAT)


def _measure(broker: str, count: int, many: bytes) -> list[float]:
    with tempfile.TemporaryDirectory(prefix="bench-lanes-") as scratch:
        names = ("large", "small")
        with Service(
            Path(scratch),
            BROKERS[broker](Path(scratch)),
            clients=names,
            LEASE_SECONDS="30",
            RESEND_SECONDS="60",
        ) as service:
            # Workers tell that they live a moment after they begin.
            time.sleep(3)
            _small(service, 1)
            for number in range(count):
                ending = gzip.compress(make_tar({f"one/{number}": str(number).encode()}, "w"))
                body = form(1000 + number, many + ending, "application/x-tar")
                status, answer = post(service.port, body, timeout=120, client="large")
                if status != 201:
                    raise SystemExit(f"answered {status}: {answer[:300]!r}")
            return [_small(service, 2 + number) for number in range(SMALL)]


def _small(service: Service, number: int) -> float:
    """Seconds from the POST of a small deposit to done."""
    begun = time.monotonic()
    body = form(number, make_tar({"a/b": str(number).encode()}, "w"), "application/x-tar")
    status, answer = post(service.port, body, timeout=120, client="small")
    if status != 201:
        raise SystemExit(f"answered {status}: {answer[:300]!r}")
    number = deposit_id(answer)
    while True:
        ((became,),) = service.query("SELECT status FROM deposit_deposit WHERE id = %s", number)
        if became == "done":
            return time.monotonic() - begun
        if became in ("rejected", "failed") or time.monotonic() - begun > 600:
            raise SystemExit(f"the small deposit is {became}")
        time.sleep(0.02)


if __name__ == "__main__":
    main()
