"""``manage.py doctor``: find what is broken, say how to mend it, and mend what is safe.

What runs, and the alerts of the service, are told too; the exit code is of record, files and archive alone, for
``check_deposit`` judges the others.
"""

import json
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from deposit.monitoring.alerts import alerts
from deposit.monitoring.running import processes
from deposit.monitoring.sessions import read_sessions
from deposit.monitoring.snapshot import read_snapshot
from deposit.operations.doctor import Problem, examine, mend


class Command(BaseCommand):
    """Look at the whole record, the files and the archive. Exit code 1 when something is broken."""

    help = "Look whether record, files and archive are whole, and say how to mend what is not."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """What to look at, and whether to mend."""
        parser.add_argument("--fix", action="store_true", help="mend what can be mended without risk")
        parser.add_argument("--json", action="store_true", help="answer as JSON")
        parser.add_argument("--deep", action="store_true", help="read every staged package again")
        parser.add_argument(
            "--no-archive", action="store_true", help="do not compare the index with the packs"
        )
        parser.add_argument(
            "--orphan-age-hours", type=float, help="how old a file without a row must be (ORPHAN_AGE_HOURS)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Look, mend if asked to, look again, tell."""
        hours = options["orphan_age_hours"]
        age = None if hours is None else timedelta(hours=hours)
        looks = {"deep": options["deep"], "age": age, "archive": not options["no_archive"]}
        _require_tables()
        problems = list(examine(**looks))
        done: list[str] = []
        if options["fix"] and problems:
            done = mend(age=age)
            problems = list(examine(**looks))
        if options["json"]:
            seen = read_snapshot()
            told = {
                "processes": [asdict(one) for one in processes(seen)],
                "alerts": [asdict(one) for one in alerts(seen)],
                "healthy": not problems,
                "problems": [asdict(p) for p in problems],
                "mended": done,
            }
            self.stdout.write(json.dumps(told, indent=2))
        else:
            self._print_report(problems, done)
        if problems:
            raise CommandError(f"{len(problems)} problems.", returncode=1)

    def _print_report(self, problems: list[Problem], done: list[str]) -> None:
        seen = read_snapshot()
        for one in processes(seen):
            self.stdout.write(f"{'runs' if one.runs else 'DOES NOT RUN':<12}  {one.name}  {one.told}")
        for alert in alerts(seen):
            self.stdout.write(f"{alert.severity.upper():<12}  {alert.sentence} [{alert.code}]")
        self.stdout.write(_sessions())
        for line in done:
            self.stdout.write(line)
        for problem in problems:
            self.stdout.write(f"{problem.code}  {problem.subject}: {problem.message}")
            self.stdout.write(f"    {problem.remedy}")
        if not problems:
            self.stdout.write("Record, files and archive are whole.")


def _sessions() -> str:
    sessions = read_sessions()
    whose = ", ".join(f"{process} {number}" for process, number in sessions.used.items())
    return (
        f"Database sessions: {sessions.all_used} of {sessions.limit} ({whose}); the service may ask for "
        f"{sessions.wanted}."
    )


def _require_tables() -> None:
    """An upgrade that is not finished is one sentence, and no question about tables that are not there yet."""
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except OperationalError as error:
        raise CommandError(f"The database does not answer: {str(error).strip()}", returncode=1) from error
    if waiting:
        raise CommandError(
            f"The tables are of another release, migrations missing: {len(waiting)}. Run `manage.py migrate` first.",
            returncode=1,
        )
