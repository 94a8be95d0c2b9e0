"""``manage.py sync_attachments``: harvest the museum's attachments from MuseumPlus."""

from argparse import ArgumentParser, BooleanOptionalAction
from typing import Any

from sources.museumplus.harvest.client import connect
from sources.museumplus.harvest.sync import SyncResult, sync_attachments
from sources.museumplus.management.console import MuseumCommand


class Command(MuseumCommand):
    """Whole runs, and runs that go on where the last was stopped."""

    help = "Synchronise attachments from MuseumPlus. Run sync_hashes after it."

    def add_options(self, parser: ArgumentParser) -> None:
        """Where to begin and when to stop."""
        parser.add_argument("--offset", type=int, default=0, help="the entry to begin with")
        parser.add_argument("--limit", type=int, help="how many entries at most")
        parser.add_argument(
            "--save-progress",
            action=BooleanOptionalAction,
            default=False,
            help="go on where the last run was stopped; after a whole run, ask only for what changed since; "
            "--offset and --limit then count for nothing",
        )
        parser.add_argument(
            "--max-runtime", type=float, metavar="SECONDS", help="stop after the chunk at hand"
        )

    def act(self, options: dict[str, Any]) -> SyncResult:
        """Harvest."""
        names = ("offset", "limit", "save_progress", "max_runtime", "dry_run")
        with connect() as client:
            return sync_attachments(client, progress=self.progress, **{name: options[name] for name in names})
