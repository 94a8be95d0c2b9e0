"""``manage.py museum_import``: move in from Passari."""

from argparse import ArgumentParser
from typing import Any

import psycopg2
from django.core.management.base import CommandError

from sources.museumplus.management.console import MuseumCommand
from sources.museumplus.moving_in import Moved, NoPassari, move_in


class Command(MuseumCommand):
    """Reads Passari's database in one snapshot, and changes nothing there."""

    help = "Take over objects, attachments, packages, their states and freezes from Passari's database."

    def add_options(self, parser: ArgumentParser) -> None:
        """From where."""
        parser.add_argument(
            "--database", required=True, metavar="URL", help="postgres://user:password@host/passari"
        )

    def act(self, options: dict[str, Any]) -> Moved:
        """Take them over."""
        try:
            return move_in(options["database"], dry_run=options["dry_run"], progress=self.progress)
        except NoPassari as error:
            raise CommandError(str(error)) from error
        except psycopg2.Error as error:
            raise CommandError(f"Passari's database cannot be read: {str(error).strip()}") from error
