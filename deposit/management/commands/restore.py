"""``manage.py restore FOLDER``: put a backup back into an empty service."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from deposit.operations.durable import BackupError
from deposit.operations.restore import finish, restore


class Command(BaseCommand):
    """Refuses where anything could be overwritten."""

    help = "Restore a backup into an empty database, staging folder and archive."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The folder that `backup` was given."""
        parser.add_argument("folder", type=Path)
        parser.add_argument("--instant", help="which backup; the newest by default")
        parser.add_argument(
            "--finish",
            action="store_true",
            help="after a migration: erase again what was erased since the backup; nothing else is restored",
        )

    def handle(self, *args: Any, folder: Path, instant: str | None, **options: Any) -> None:
        """Print what was restored, and what to do next."""
        try:
            if options["finish"]:
                finish(folder.absolute(), instant=instant, say=self.stdout.write)
                self.stdout.write("Finished. Next: manage.py doctor.")
                return
            found = restore(folder.absolute(), instant=instant, say=self.stdout.write)
        except (BackupError, OSError) as error:
            raise CommandError(f"Not restored: {error}") from error
        self.stdout.write(f"Restored the backup of {found}. Next: manage.py migrate, manage.py doctor.")
