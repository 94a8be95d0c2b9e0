"""``manage.py museum_create_sip``: make the SIP of one object that was downloaded."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from sources.museumplus.management.console import MuseumCommand
from sources.museumplus.workflow import by_hand


def moment(text: str) -> datetime:
    """A time in ISO 8601; without a zone it is UTC."""
    when = datetime.fromisoformat(text)
    return when if when.tzinfo else when.replace(tzinfo=UTC)


class Command(MuseumCommand):
    """A known error freezes the object."""

    help = "Make the SIP of a work folder: METS, signature, archive."
    can_debug = True

    def add_options(self, parser: ArgumentParser) -> None:
        """Which, and what METS is to say."""
        parser.add_argument("object_id", type=int)
        parser.add_argument("--package-dir", help="instead of PACKAGE_DIR")
        parser.add_argument("--sip-id", default="")
        parser.add_argument(
            "--create-date", type=moment, help="when the first version was made (default: now)"
        )
        parser.add_argument("--modify-date", type=moment, help="when this version was made")
        parser.add_argument("--update", action="store_true", help="it replaces a version that was accepted")

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        """Make it."""
        number = options["object_id"]
        if options["dry_run"]:
            return {"object": number}
        with by_hand.placed(options["package_dir"]):
            built = by_hand.create_sip(
                number,
                options["sip_id"],
                create_date=options["create_date"],
                modify_date=options["modify_date"],
                update=options["update"],
            )
        return {"sip": str(built.path), "files": built.files, "size": built.size}
