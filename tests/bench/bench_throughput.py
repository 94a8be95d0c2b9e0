"""From POST to done: small deposits through web, checker and loader, with 1, 2 and 4 loader processes on each broker.

``python tests/bench/bench_throughput.py --deposits 300``. Prints deposits per second, and the ratio to one process;
``--svg FILE`` draws them. Below each line is where the machine's processor time went, and what the database's sessions
did; what limits is what nothing is left of.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.curve import curve
from tests.bench.shares import Shares
from tests.faults import service as services
from tests.faults.brokers import BROKERS, Broker, BrokerMissing, RabbitMQ, Redis
from tests.faults.depositing import Depositors


def main() -> None:
    """One line per broker and number of processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deposits", type=int, default=300)
    parser.add_argument("--broker", choices=[*BROKERS, "all"], default="all")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--svg", type=Path, help="draw the curve into this file")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, {options.deposits} deposits of 3 files")
    names = list(BROKERS) if options.broker == "all" else [options.broker]
    lines = {name: _line(name, options.processes, options.deposits) for name in names}
    if options.svg:
        measured = {name: line for name, line in lines.items() if line}
        options.svg.write_text(
            curve(
                options.processes, measured, x="processes of checker and loader", y="deposits done per second"
            )
        )


def _line(name: str, steps: list[int], count: int) -> list[float]:
    """Deposits done per second with each number of processes; none when the broker is missing."""
    line: list[float] = []
    for processes in steps:
        try:
            posted, done, shares = _measure(name, processes, count)
        except BrokerMissing as missing:
            print(f"{name}: skipped. {missing}")
            return []
        line.append(done)
        print(
            f"{name:10} {processes} processes: {posted:6.1f} accepted/s, {done:6.1f} done/s, x{done / line[0]:.2f}"
            f"\n  {shares}",
            flush=True,
        )
    return line


def _measure(name: str, processes: int, count: int) -> tuple[float, float, Shares]:
    commands = {role: line.replace("-c 2", f"-c {processes}") for role, line in services.COMMANDS.items()}
    with tempfile.TemporaryDirectory(prefix="bench-throughput-") as scratch:
        broker = BROKERS[name](Path(scratch))
        with services.Service(
            Path(scratch), broker, commands=commands, LEASE_SECONDS="30", RESEND_SECONDS="60"
        ) as service:
            with Shares(_roles(service, broker), service.postgres.url()) as shares:
                begun = time.monotonic()
                told = Depositors(service, count=count, threads=8).join()
                posted = time.monotonic() - begun
                statuses = service.settle(600)
                took = time.monotonic() - begun
            assert {number: statuses[number] for number in told.accepted} == told.accepted
            return count / posted, count / took, shares


def _roles(service: services.Service, broker: Broker) -> dict[str, list[int]]:
    """The processes whose time is told apart."""
    (postmaster,) = service.folder.rglob("postmaster.pid")
    roles = {key.rstrip("0123456789"): [member.process.pid] for key, member in service.members.items()}
    roles["PostgreSQL"] = [int(postmaster.read_text().split()[0])]
    return roles | ({"broker": [broker.process.pid]} if isinstance(broker, Redis | RabbitMQ) else {})


if __name__ == "__main__":
    main()
