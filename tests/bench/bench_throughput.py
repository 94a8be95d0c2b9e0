"""From POST to done: small deposits through web, checker and loader, with 1, 2 and 4 loader processes on each broker.

``python tests/bench/bench_throughput.py --deposits 300``. Prints deposits per second, and the ratio to one process.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.faults import service as services
from tests.faults.brokers import BROKERS, BrokerMissing
from tests.faults.depositing import Depositors


def main() -> None:
    """One line per broker and number of processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deposits", type=int, default=300)
    parser.add_argument("--broker", choices=[*BROKERS, "all"], default="all")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4])
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, {options.deposits} deposits of 3 files")
    for name in BROKERS if options.broker == "all" else [options.broker]:
        first = 0.0
        for processes in options.processes:
            try:
                posted, done = _measure(name, processes, options.deposits)
            except BrokerMissing as missing:
                print(f"{name}: skipped. {missing}")
                break
            first = first or done
            print(
                f"{name:10} {processes} processes: {posted:6.1f} accepted/s, {done:6.1f} done/s, x{done / first:.2f}",
                flush=True,
            )


def _measure(name: str, processes: int, count: int) -> tuple[float, float]:
    commands = {role: line.replace("-c 2", f"-c {processes}") for role, line in services.COMMANDS.items()}
    with tempfile.TemporaryDirectory(prefix="bench-throughput-") as scratch:
        broker = BROKERS[name](Path(scratch))
        with services.Service(
            Path(scratch), broker, commands=commands, LEASE_SECONDS="30", RESEND_SECONDS="60"
        ) as service:
            begun = time.monotonic()
            told = Depositors(service, count=count, threads=8).join()
            posted = time.monotonic() - begun
            statuses = service.settle(600)
            took = time.monotonic() - begun
            assert {number: statuses[number] for number in told.accepted} == told.accepted
            return count / posted, count / took


if __name__ == "__main__":
    main()
