"""``manage.py sync_processed_sips``: read the preservation service's verdicts."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from sources.museumplus.management.console import MuseumCommand
from sources.museumplus.workflow.processed import DAYS, ProcessedResult, sync_processed_sips


class Command(MuseumCommand):
    """Exit code 1 when a SIP could not be dealt with; the others are all the same."""

    help = "Find SIPs that the preservation service accepted or rejected."

    def add_options(self, parser: ArgumentParser) -> None:
        """How far back."""
        parser.add_argument(
            "--days", type=int, default=DAYS, help=f"today, and so many days back (default {DAYS})"
        )

    def act(self, options: dict[str, Any]) -> ProcessedResult:
        """Read them."""
        result = sync_processed_sips(options["days"], dry_run=options["dry_run"])
        if result.errors and not options["json"]:
            told = "; ".join(f"{name}: {error}" for name, error in result.errors.items())
            raise CommandError(
                f"{result.accepted} accepted, {result.rejected} rejected. Not dealt with: {told}"
            )
        return result
