"""The long form: ``python -m tests.faults --broker redis --deposits 2000 --harms 500``. Prints what came of it."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.brokers import BROKERS, BrokerMissing
from tests.faults.depositing import Depositors
from tests.faults.nemesis import Nemesis
from tests.faults.oracle import judge
from tests.faults.service import Service


def main() -> int:
    """0 when nothing was lost, doubled or stuck; 1 else."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--broker", choices=[*BROKERS, "all"], default="filesystem")
    parser.add_argument("--deposits", type=int, default=2000)
    parser.add_argument("--harms", type=int, default=500)
    parser.add_argument("--clients", type=int, default=4, help="threads that deposit")
    parser.add_argument("--pause", type=float, default=0.5, help="mean seconds between two harms")
    parser.add_argument(
        "--workers", type=int, default=2, help="checkers, loaders and dispatchers, of each so many"
    )
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    brokers = list(BROKERS) if options.broker == "all" else [options.broker]
    return max(_run(broker, options) for broker in brokers)


def _run(name: str, options: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix=f"faults-{name}-") as scratch:
        try:
            broker = BROKERS[name](Path(scratch))
        except BrokerMissing as missing:
            print(f"{name}: skipped. {missing}")
            return 0
        counts = dict.fromkeys(("checker", "loader", "dispatcher"), options.workers)
        with Service(Path(scratch), broker, counts=counts, MAX_ATTEMPTS="10") as service:
            return _harm(name, service, options)


def _harm(name: str, service: Service, options: argparse.Namespace) -> int:
    begun = time.monotonic()
    print(f"{name}: seed {options.seed}, {options.deposits} deposits, {options.harms} harms", flush=True)
    depositors = Depositors(service, count=options.deposits, threads=options.clients)
    nemesis = Nemesis(service, seed=options.seed, pause=options.pause)
    for _ in range(options.harms):
        nemesis.harm()
    nemesis.rest()
    told = depositors.join(3600)
    sent = time.monotonic() - begun
    verdict = judge(service, told, settled_within=300)
    settled = time.monotonic() - begun - sent
    print(f"  harms: {dict(sorted(nemesis.done.items()))}")
    print(
        f"  accepted {len(told.accepted)}, unsure {told.unsure}, busy {told.busy}, slowest 201 {told.slowest:.2f} s"
    )
    print(f"  became: {dict(verdict.statuses)}; sent in {sent:.0f} s, settled {settled:.0f} s later")
    for broken in verdict.broken[:50]:
        print(f"  BROKEN {broken}")
    print(
        f"  {'nothing lost, nothing doubled, nothing stuck' if not verdict.broken else 'FAILED'}", flush=True
    )
    return bool(verdict.broken)


if __name__ == "__main__":
    sys.exit(main())
