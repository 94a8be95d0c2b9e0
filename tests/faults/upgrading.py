"""An upgrade under load: ``python -m tests.faults.upgrading --from FOLDER``, a checkout of the version before.

The version before serves and its clients deposit. The database is migrated under it, workers of both versions go on
side by side, and then one process after another is replaced. Prints what came of the deposits.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from honcho.environ import parse_procfile

from tests.faults.brokers import BROKERS
from tests.faults.depositing import Depositors
from tests.faults.oracle import judge
from tests.faults.service import COMMANDS, REPOSITORY, Service


def main() -> int:
    """0 when nothing was lost, doubled or stuck; 1 else."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.upgrading", description=__doc__)
    parser.add_argument("--from", dest="before", type=Path, required=True)
    parser.add_argument("--broker", choices=list(BROKERS), default="filesystem")
    parser.add_argument("--deposits", type=int, default=400)
    options = parser.parse_args()
    commands = parse_procfile((options.before / "Procfile").read_text()).processes
    with tempfile.TemporaryDirectory(prefix="upgrading-") as scratch:
        folder = Path(scratch)
        with Service(
            folder, BROKERS[options.broker](folder), commands=commands, repository=options.before
        ) as service:
            depositors = Depositors(service, count=options.deposits, threads=3, pause=0.1)
            _upgrade(service)
            told = depositors.join(600)
            verdict = judge(service, told, settled_within=180)
    print(f"accepted {len(told.accepted)}, unsure {told.unsure}, busy {told.busy}, refused {told.refused}")
    print(f"became {dict(verdict.statuses)}")
    for broken in verdict.broken[:50]:
        print(f"BROKEN {broken}")
    print("FAILED" if verdict.broken else "nothing lost, nothing doubled, nothing stuck")
    return bool(verdict.broken)


def _upgrade(service: Service) -> None:
    time.sleep(5)
    _print_statuses(service, "the version before")
    service.repository, service.commands = REPOSITORY, COMMANDS
    service.manage("migrate", "--no-input", "-v0")
    time.sleep(3)
    _print_statuses(service, "the version before on the new tables")
    for role in ("checker", "loader", "dispatcher"):
        service.start(role, 1)
    time.sleep(6)
    _print_statuses(service, "both versions")
    for role in ("dispatcher", "checker", "loader", "web"):
        service.members.pop(f"{role}0").stop()
        service.start(role, 0)
        time.sleep(2)
    _print_statuses(service, "the new version")


def _print_statuses(service: Service, what: str) -> None:
    statuses = list(service.statuses().values())
    counted = ", ".join(f"{status} {statuses.count(status)}" for status in sorted(set(statuses)))
    print(f"{what}: {counted}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
