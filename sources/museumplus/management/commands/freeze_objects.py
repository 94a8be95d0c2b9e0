"""``manage.py freeze_objects``: keep objects from being preserved for now."""

from argparse import ArgumentParser, BooleanOptionalAction
from typing import Any

from sources.museumplus.management.console import MuseumCommand
from sources.museumplus.models import FreezeSource
from sources.museumplus.workflow.freezing import Frozen, freeze_objects


class Command(MuseumCommand):
    """None is frozen when one of them is being worked on right now."""

    help = "Freeze objects."

    def add_options(self, parser: ArgumentParser) -> None:
        """Which, and why."""
        parser.add_argument("object_ids", type=int, nargs="+", metavar="ID")
        parser.add_argument("--source", choices=list(FreezeSource.values), default=FreezeSource.USER.value)
        parser.add_argument("--reason", required=True, help="the reason by which frozen objects are counted")
        parser.add_argument(
            "--delete-jobs",
            action=BooleanOptionalAction,
            default=False,
            help="remove their jobs and work folders, too",
        )

    def act(self, options: dict[str, Any]) -> Frozen:
        """Freeze them."""
        return freeze_objects(
            options["object_ids"],
            reason=options["reason"],
            source=FreezeSource(options["source"]),
            delete_jobs=options["delete_jobs"],
            dry_run=options["dry_run"],
        )
