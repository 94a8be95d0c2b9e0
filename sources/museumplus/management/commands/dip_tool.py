"""``manage.py dip_tool``: list what the preservation service has, and get it back."""

import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from loader.destinations.preservation_service.dip import verify
from loader.destinations.preservation_service.rest import PreservationApi, ServiceError, api
from sources.museumplus.management.console import MuseumCommand

POLL_SECONDS = 3.0


class Command(MuseumCommand):
    """A download that broke off goes on when the command is run again."""

    help = "Disseminations of the preservation service: list-pkgs, download."

    def add_options(self, parser: ArgumentParser) -> None:
        """Two commands in one."""
        commands = parser.add_subparsers(dest="command", required=True)
        download = commands.add_parser("download", help="get a package, and verify every file in it")
        download.add_argument("aip_id")
        download.add_argument("--output", type=Path, help="where to (default: <AIP id>.zip here)")
        listing = commands.add_parser("list-pkgs", help="list packages")
        listing.add_argument("--page", type=int, default=1)
        listing.add_argument("--limit", type=int, default=50)
        listing.add_argument("--query", default="")
        for parser_of_one in (download, listing):
            self.add_shared_options(parser_of_one, again=True)

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        """Do one of them."""
        with api() as connection:
            if options["command"] == "list-pkgs":
                return self._list(connection, options)
            return self._download(connection, options["aip_id"], options["output"], options["dry_run"])

    def _list(self, connection: PreservationApi, options: dict[str, Any]) -> dict[str, Any]:
        found = connection.search(page=options["page"], limit=options["limit"], query=options["query"])
        if not options["json"]:
            for package in found:
                cells = [
                    str(package.get(name, "")) for name in ("id", "pkg_type", "createdate", "lastmoddate")
                ]
                self.stdout.write("\t".join(cells))
            return {"packages": len(found)}
        return {"packages": found}

    def _download(
        self, connection: PreservationApi, aip: str, output: Path | None, dry_run: bool
    ) -> dict[str, Any]:
        target = output or Path(f"{aip.replace('/', '_').replace(':', '_')}.zip")
        half = target.with_name(target.name + ".download")
        if dry_run:
            return {"file": str(target)}
        dissemination = connection.disseminate(aip)
        while not connection.is_ready(dissemination):
            time.sleep(POLL_SECONDS)
        size = connection.download(dissemination, half, self._tell_bytes)
        verified = verify(half)
        if verified.faults:
            half.replace(target.with_name(target.name + ".damaged"))
            raise CommandError("The package is damaged: " + " ".join(verified.faults[:10]))
        half.replace(target)
        try:
            connection.delete(dissemination)
        except ServiceError as error:  # it ends by itself; what was wanted is here
            self.stderr.write(f"The service keeps its copy: {error}")
        return {"file": str(target), "size": size, "verified": verified.files}

    def _tell_bytes(self, size: int) -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"\r{size:,} bytes ", ending="")
            self.stderr.flush()
