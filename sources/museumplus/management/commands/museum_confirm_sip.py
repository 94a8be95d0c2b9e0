"""``manage.py museum_confirm_sip``: finish with one SIP on which the preservation service has decided."""

from argparse import ArgumentParser
from typing import Any

from sources.museumplus.management.console import MuseumCommand
from sources.museumplus.workflow import by_hand


class Command(MuseumCommand):
    """May be run again."""

    help = "Archive the logs of a SIP, tell MuseumPlus what became of it, and remove its work folder."
    can_debug = True

    def add_options(self, parser: ArgumentParser) -> None:
        """Which, and what became of it."""
        parser.add_argument("object_id", type=int)
        parser.add_argument("--package-dir", help="instead of PACKAGE_DIR")
        parser.add_argument("--archive-dir", help="instead of ARCHIVE_DIR")
        parser.add_argument("--status", choices=["accepted", "rejected"], required=True)
        parser.add_argument("--sip-id", default="")

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        """Finish with it."""
        if options["dry_run"]:
            return {"object": options["object_id"]}
        with by_hand.placed(options["package_dir"], options["archive_dir"]):
            name = by_hand.confirm_sip(options["object_id"], options["sip_id"], options["status"])
        return {"confirmed": name, "status": options["status"]}
