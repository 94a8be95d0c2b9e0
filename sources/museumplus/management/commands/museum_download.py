"""``manage.py museum_download``: fetch one object of MuseumPlus into its work folder."""

from argparse import ArgumentParser
from typing import Any

from sources.museumplus.management.console import MuseumCommand
from sources.museumplus.workflow import by_hand


class Command(MuseumCommand):
    """Goes on where it was interrupted."""

    help = "Fetch an object, with all that belongs to it, into its work folder."
    can_debug = True

    def add_options(self, parser: ArgumentParser) -> None:
        """Which, and where."""
        parser.add_argument("object_id", type=int)
        parser.add_argument("--package-dir", help="instead of PACKAGE_DIR")
        parser.add_argument("--sip-id", default="", help="tells two SIPs of the same version apart")

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        """Fetch it."""
        number = options["object_id"]
        if options["dry_run"]:
            return {"object": number}
        with by_hand.placed(options["package_dir"]):
            return {"object": number, "sip": by_hand.download(number, options["sip_id"])}
