"""``manage.py museum_setup``: make the museum's collection and machine client; may be run again."""

from typing import Any

from sources.museumplus.management.console import MuseumCommand
from sources.museumplus.setup import SetUp, set_up


class Command(MuseumCommand):
    """What is there stays as it is."""

    help = "Make the collection and the client of the museum, and the indexes that searches need."

    def act(self, options: dict[str, Any]) -> SetUp:
        """Make them."""
        return set_up(dry_run=options["dry_run"])
