"""An upgrade under load: ``python -m tests.faults.upgrading``, from the last release, or ``--from FOLDER``, a checkout.

The version before serves and its clients deposit. The database is migrated under it, workers of both versions go on
side by side, and then one process after another is replaced. Prints what came of the deposits.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from honcho.environ import parse_procfile

from tests.faults.brokers import BROKERS
from tests.faults.depositing import Depositors
from tests.faults.oracle import judge
from tests.faults.service import COMMANDS, REPOSITORY, Service

# Before there was a release: the tables and the code of some days before 1.0.0, with the settings of today.
BEFORE_RELEASES = "a6b282e7ec6a3ad1458666f4d1d55acf183b432e"


def last_release() -> str:
    """The tag of the last release before this commit, or the commit from which upgrades are tried without one."""
    words = ["git", "-C", str(REPOSITORY), "describe", "--tags", "--abbrev=0", "--match", "v*", "HEAD^"]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    return done.stdout.strip() or BEFORE_RELEASES


def check_out(revision: str, folder: Path) -> Path:
    """The files of a revision, in a new folder. Raises CalledProcessError where the history does not reach that far."""
    folder.mkdir()
    words = ["git", "-C", str(REPOSITORY), "archive", "--format=tar", revision]
    archive = subprocess.run(words, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
    return folder


def main(words: list[str] | None = None) -> int:
    """0 when nothing was lost, doubled or stuck; 1 else."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.upgrading", description=__doc__)
    parser.add_argument("--from", dest="before", type=Path)
    parser.add_argument("--broker", choices=list(BROKERS), default="filesystem")
    parser.add_argument("--deposits", type=int, default=400)
    options = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="upgrading-") as scratch:
        folder = Path(scratch)
        before = options.before or check_out(last_release(), folder / "before")
        commands = parse_procfile((before / "Procfile").read_text()).processes
        with Service(
            folder, BROKERS[options.broker](folder), commands=commands, repository=before
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
