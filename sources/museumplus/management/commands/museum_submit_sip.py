"""``manage.py museum_submit_sip``: hand one SIP to the preservation service."""

from argparse import ArgumentParser
from typing import Any

from sources.museumplus.management.console import MuseumCommand
from sources.museumplus.workflow import by_hand


class Command(MuseumCommand):
    """Goes on where it was interrupted."""

    help = "Hand the SIP of a work folder to the preservation service."
    can_debug = True

    def add_options(self, parser: ArgumentParser) -> None:
        """Which."""
        parser.add_argument("object_id", type=int)
        parser.add_argument("--package-dir", help="instead of PACKAGE_DIR")
        parser.add_argument("--sip-id", default="")

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        """Hand it over."""
        if options["dry_run"]:
            return {"object": options["object_id"]}
        with by_hand.placed(options["package_dir"]):
            return {"submitted": by_hand.submit_sip(options["object_id"], options["sip_id"])}
