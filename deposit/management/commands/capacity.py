"""``manage.py capacity``: what is outgrown first, when, and what to do then."""

import json
from dataclasses import fields
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from deposit.operations.capacity import Costs, Load, Machines, Reached, costs_here, simulate

# The unit of a number on the command line; the fields of `Load` and `Machines` are bytes, a second, days.
_UNITS = {
    "stored_bytes": ("stored_mb", 1e6),
    "database_memory": ("database_memory_gb", 1e9),
    "database_disk": ("database_disk_gb", 1e9),
    "wal_rate": ("wal_mb_a_second", 1e6),
    "read_rate": ("read_mb_a_second", 1e6),
    "backup_rate": ("backup_mb_a_second", 1e6),
}
_HELP = {
    "deposits_a_day": "deposits on a mean day",
    "contents": "files of a deposit that are new",
    "directories": "directories of a deposit that are new",
    "stored_mb": "what a deposit adds to the packs, compressed",
    "peak": "the busiest hour against the mean",
    "hosts": "machines with workers",
    "processors": "processors of each",
    "database_memory_gb": "memory of the database's machine",
    "database_disk_gb": "its disk",
    "database_iops": "operations a second of that disk",
    "wal_mb_a_second": "what may be written to the database's log",
    "read_mb_a_second": "how fast packs are read",
    "audit_days": "in so many days each pack is read once",
    "backup_mb_a_second": "how fast the database is dumped",
    "backup_hours": "how long that may take",
    "rebuild_hours": "how long the archive may be without its index",
}


class Command(BaseCommand):
    """Arithmetic on what was measured; nothing is changed."""

    help = "Say what is outgrown first with a load and machines, when, and what to do then."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """One option for each number of the load and of the machines."""
        parser.add_argument(
            "--until", type=float, default=1e9, metavar="CONTENTS", help="as far as so many files (1e9)"
        )
        parser.add_argument("--json", action="store_true", help="answer as JSON")
        for kind in (Load, Machines):
            for field in fields(kind):
                name, unit = _UNITS.get(field.name, (field.name, 1))
                default = field.default / unit  # type: ignore[operator]
                parser.add_argument(
                    f"--{name.replace('_', '-')}",
                    type=float,
                    default=default,
                    metavar="NUMBER",
                    help=f"{_HELP[name]} ({default:g})",
                )

    def handle(self, *args: Any, **options: Any) -> None:
        """Compute and tell."""
        numbers = [
            options[_UNITS.get(field.name, (field.name, 1))[0]]
            for field in (*fields(Load), *fields(Machines))
        ]
        if not all(0 < number < 1e15 for number in (*numbers, options["until"])):
            raise CommandError("Every number must be above 0 and below 1e15.", returncode=2)
        here = costs_here()
        found = simulate(_made(Load, options), _made(Machines, options), here or Costs(), options["until"])
        if options["json"]:
            self.stdout.write(json.dumps([_row(one) for one in found], indent=2))
            return
        self.stdout.write(
            "What an object takes was measured in this database."
            if here
            else "What an object takes was measured elsewhere: this database has too few to tell."
        )
        for one in found:
            self.stdout.write(_line(one))


def _made(kind: type[Any], options: dict[str, Any]) -> Any:
    values = {}
    for field in fields(kind):
        name, unit = _UNITS.get(field.name, (field.name, 1))
        values[field.name] = options[name] * unit
    return kind(**values)


def _row(one: Reached) -> dict[str, Any]:
    first = one.first
    return {
        "what": one.limit.name,
        "unit": one.limit.unit,
        "have": one.limit.have,
        "needed_at_the_end": one.needed,
        "passed_at_contents": first and round(first.contents),
        "passed_after_days": first and round(first.days),
        "remedy": one.limit.remedy,
    }


def _line(one: Reached) -> str:
    limit = one.limit
    needed = f"{limit.name}: {one.needed:,.4g} of {limit.have:,.4g} {limit.unit} at the end"
    if one.first is None:
        return f"enough      {needed}"
    years = one.first.days / 365.25
    when = f"passed at {one.first.contents:.1e} files, after {years:.1f} years"
    return f"TOO LITTLE  {needed}; {when}\n            {limit.remedy}"
