"""``manage.py unfreeze_objects``: let frozen objects be preserved again."""

from argparse import ArgumentParser, BooleanOptionalAction
from typing import Any

from django.core.management.base import CommandError

from sources.museumplus.management.console import MuseumCommand, ids_from
from sources.museumplus.workflow.freezing import unfreeze_objects


class Command(MuseumCommand):
    """By reason, by id, or both."""

    help = "Unfreeze objects."

    def add_options(self, parser: ArgumentParser) -> None:
        """Which."""
        parser.add_argument("--with-reason", metavar="TEXT", help="all that were frozen for this very reason")
        parser.add_argument("--with-object-ids", metavar="1,2,3")
        parser.add_argument(
            "--enqueue",
            action=BooleanOptionalAction,
            default=False,
            help="enqueue them at once, pending or not",
        )

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        """Unfreeze them."""
        reason, ids = options["with_reason"], options["with_object_ids"]
        if reason is None and ids is None:
            raise CommandError("Name --with-reason or --with-object-ids.")
        numbers = unfreeze_objects(
            reason=reason,
            object_ids=None if ids is None else ids_from(ids),
            enqueue=options["enqueue"],
            dry_run=options["dry_run"],
        )
        return {"unfrozen": len(numbers), "object_ids": numbers}
