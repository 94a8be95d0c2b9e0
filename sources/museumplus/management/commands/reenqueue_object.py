"""``manage.py reenqueue_object``: preserve an object again whose package was rejected."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from sources.museumplus.management.console import MuseumCommand
from sources.museumplus.models import MuseumObject
from sources.museumplus.workflow.enqueuing import reenqueue_object


class Command(MuseumCommand):
    """The rejected package stays in the record."""

    help = "Enqueue an object whose latest package was rejected."

    def add_options(self, parser: ArgumentParser) -> None:
        """Which."""
        parser.add_argument("object_id", type=int)

    def act(self, options: dict[str, Any]) -> dict[str, int]:
        """Enqueue it."""
        number = options["object_id"]
        try:
            reenqueue_object(number, dry_run=options["dry_run"])
        except MuseumObject.DoesNotExist:
            raise CommandError(f"There is no object {number}.") from None
        return {"reenqueued": number}
