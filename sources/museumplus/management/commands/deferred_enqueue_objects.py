"""``manage.py deferred_enqueue_objects``: let a worker enqueue objects, in the background."""

from argparse import ArgumentParser, BooleanOptionalAction
from typing import Any

from sources.museumplus.management.console import MuseumCommand
from sources.museumplus.workflow.enqueuing import available
from sources.museumplus.workflow.queueing import ask_for_enqueuing


class Command(MuseumCommand):
    """Answers at once; the worker does what ``enqueue_objects`` does."""

    help = "Have objects enqueued in the background."

    def add_options(self, parser: ArgumentParser) -> None:
        """How many."""
        parser.add_argument("--object-count", type=int, default=10, help="how many objects (default 10)")
        parser.add_argument("--random", action=BooleanOptionalAction, default=False)

    def act(self, options: dict[str, Any]) -> dict[str, int]:
        """Ask for it."""
        count = options["object_count"]
        if not options["dry_run"]:
            ask_for_enqueuing(count, at_random=options["random"])
        return {"asked_for": count, "available": available()}
