"""What ``sync_objects`` and ``sync_attachments`` share: all but what they harvest."""

from argparse import ArgumentParser, BooleanOptionalAction
from typing import Any

from sources.museumplus.harvest.client import connect
from sources.museumplus.harvest.sync import Harvest, SyncResult, harvest
from sources.museumplus.management.console import MuseumCommand

_NAMES = ("offset", "limit", "save_progress", "max_runtime", "dry_run")


class HarvestCommand(MuseumCommand):
    """Whole runs, and runs that go on where the last was stopped."""

    def kind(self) -> Harvest:
        """What is harvested."""
        raise NotImplementedError

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
        with connect() as client:
            return harvest(
                client, self.kind(), progress=self.progress, **{name: options[name] for name in _NAMES}
            )
