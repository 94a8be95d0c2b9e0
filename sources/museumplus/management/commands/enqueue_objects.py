"""``manage.py enqueue_objects``: let objects that are pending be preserved."""

from argparse import ArgumentParser, BooleanOptionalAction
from typing import Any

from sources.museumplus.management.console import MuseumCommand, ids_from
from sources.museumplus.workflow.enqueuing import Enqueued, enqueue_objects


class Command(MuseumCommand):
    """Objects that are not pending are passed over, even when they are named."""

    help = "Enqueue objects that are pending, and are not in a queue."

    def add_options(self, parser: ArgumentParser) -> None:
        """How many, or which."""
        parser.add_argument("--object-count", type=int, default=10, help="how many objects (default 10)")
        parser.add_argument(
            "--random",
            action=BooleanOptionalAction,
            default=False,
            help="any, instead of those with the lowest ids",
        )
        parser.add_argument("--object-ids", metavar="1,2,3", help="only these, all of them")

    def act(self, options: dict[str, Any]) -> Enqueued:
        """Enqueue."""
        ids = ids_from(options["object_ids"]) if options["object_ids"] else None
        return enqueue_objects(
            options["object_count"], at_random=options["random"], object_ids=ids, dry_run=options["dry_run"]
        )
