"""``manage.py backup FOLDER``: a copy of everything, taken while the service runs."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from deposit.operations import pack_files
from deposit.operations.backup import back_up
from deposit.operations.durable import BackupError


class Command(BaseCommand):
    """Copies what is new since the last backup in the same folder."""

    help = "Back up record, staged packages, packs and settings into a folder, while the service runs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The folder, best on another disk."""
        parser.add_argument("folder", type=Path)
        parser.add_argument(
            "--remove-unnamed",
            action="store_true",
            help="make no backup, but remove packs that none of the folder's backups names any more",
        )

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        """Print what was copied, and where the backup is."""
        if options["remove_unnamed"]:
            number, size = pack_files.remove_unnamed(folder.absolute())
            self.stdout.write(f"{number} packs removed, {size} bytes")
            return
        try:
            made = back_up(folder.absolute(), say=self.stdout.write)
        except (BackupError, OSError) as error:
            raise CommandError(f"There is no new backup: {error}") from error
        self.stdout.write(str(made))
