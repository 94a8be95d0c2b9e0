"""POST while the broker stands still (SIGSTOP; for the folder: away), against POST while it works.

``python tests/bench/bench_frozen_broker.py``. Limits for each broker: all answers are 201, and the slowest comes within
a second.
"""

import argparse
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.faults.brokers import BROKERS, BrokerMissing
from tests.faults.depositing import multipart, post
from tests.faults.service import Service

LIMIT_SECONDS = 1.0


def main() -> int:
    """0 when the limits hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deposits", type=int, default=100)
    parser.add_argument("--broker", choices=[*BROKERS, "all"], default="all")
    options = parser.parse_args()
    kept = True
    for name in BROKERS if options.broker == "all" else [options.broker]:
        with tempfile.TemporaryDirectory(prefix="bench-frozen-") as scratch:
            try:
                broker = BROKERS[name](Path(scratch))
            except BrokerMissing as missing:
                print(f"{name}: skipped. {missing}")
                continue
            with Service(Path(scratch), broker, LEASE_SECONDS="30", RESEND_SECONDS="60") as service:
                kept &= _measure(name, service, options.deposits)
    return int(not kept)


def _measure(name: str, service: Service, count: int) -> bool:
    _post(service, 0, count)
    working = _post(service, count, count)
    frozen = threading.Thread(target=service.broker.freeze, args=(20,))
    frozen.start()
    time.sleep(1)
    standing = _post(service, 2 * count, count)
    over = not frozen.is_alive()
    frozen.join()
    left = service.settle(120)
    print(
        f"{name:10} slowest of {count}: {max(working) * 1000:4.0f} ms; broker frozen: {max(standing) * 1000:4.0f} ms"
        f" (limit {LIMIT_SECONDS * 1000:.0f}), median x{_median(standing) / _median(working):.2f};"
        f" {sum(status == 'done' for status in left.values())} of {len(left)} done afterwards"
        + (" (the broker was back before the last)" if over else ""),
        flush=True,
    )
    return max(standing) < LIMIT_SECONDS and set(left.values()) <= {"done"}


def _post(service: Service, since: int, count: int) -> list[float]:
    took = []
    for number in range(since, since + count):
        body, _ = multipart(7 * number)
        begun = time.monotonic()
        status, answer = post(service.port, body)
        took.append(time.monotonic() - begun)
        assert status == 201, answer
    return took


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


if __name__ == "__main__":
    sys.exit(main())
