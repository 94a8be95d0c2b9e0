"""``manage.py reset_workflow``: after the database was restored, forget what was half done."""

from argparse import ArgumentParser
from typing import Any

from sources.museumplus.management.console import MuseumCommand
from sources.museumplus.workflow.resetting import reset_workflow


class Command(MuseumCommand):
    """Needs empty queues."""

    help = (
        "Reset the workflow after the database was restored from a backup: packages that were downloaded or made, and "
        "not uploaded, are forgotten with their work folders; their objects are pending again."
    )

    def add_options(self, parser: ArgumentParser) -> None:
        """Nobody does it by mistake."""
        parser.add_argument(
            "--perform-reset", action="store_true", help="do it; without it, only this help is shown"
        )
        parser.add_argument(
            "--delete-jobs",
            action="store_true",
            help="empty the queues, which came back with the database; no worker may run meanwhile",
        )
        self._parser = parser

    def act(self, options: dict[str, Any]) -> Any:
        """Reset, or show the help."""
        if not options["perform_reset"] and not options["dry_run"]:
            self._parser.print_help(self.stdout)
            return {"reset": 0}
        return reset_workflow(delete_jobs=options["delete_jobs"], dry_run=options["dry_run"])
