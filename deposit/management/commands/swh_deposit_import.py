"""``manage.py swh_deposit_import``: move in from a swh-deposit 3.0.1."""

import json
import sys
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from deposit.actors import Channel, acting, system_actor
from deposit.operations.swh_deposit.moving import Options, move
from deposit.operations.swh_deposit.report import Report
from deposit.operations.swh_deposit.source import SourceError
from deposit.operations.swh_deposit.uploads import UploadError, read_digests, uploads_at
from deposit.refusals import Refusal


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Command(BaseCommand):
    """Take over users, collections, deposits and uploads of a swh-deposit; may be run again and again."""

    help = "Move in from a swh-deposit 3.0.1: users, collections, and deposits under the numbers that they have there."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where from, and how much."""
        parser.add_argument(
            "--database", required=True, metavar="URL", help="its PostgreSQL; it is only read"
        )
        parser.add_argument(
            "--uploads",
            required=True,
            metavar="PLACE",
            help="its MEDIA_ROOT: a folder, or s3://bucket/prefix",
        )
        parser.add_argument("--dry-run", action="store_true", help="write nothing, tell what would be done")
        parser.add_argument(
            "--since", type=_moment, metavar="DATE", help="only deposits that changed since then"
        )
        parser.add_argument("--collection", metavar="NAME", help="this collection alone")
        parser.add_argument(
            "--done",
            choices=["record", "load"],
            default="record",
            help="deposits that are done: record them with their packages, or load them into the archive too",
        )
        parser.add_argument(
            "--final", action="store_true", help="that server has stopped: take up what it has left half-done"
        )
        parser.add_argument(
            "--digests", type=Path, metavar="FILE", help="of the uploads, as sha256sum writes them"
        )
        parser.add_argument(
            "--headroom",
            type=int,
            default=10_000,
            metavar="N",
            help="without --final: how many numbers are left to that server (default: 10000)",
        )
        parser.add_argument("--json", action="store_true", help="answer as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Move in, and report."""
        try:
            wanted = Options(
                database=options["database"],
                uploads=uploads_at(options["uploads"]),
                collection=options["collection"],
                since=options["since"],
                dry_run=options["dry_run"],
                final=options["final"],
                load=options["done"] == "load",
                headroom=options["headroom"],
                digests=read_digests(options["digests"]) if options["digests"] else {},
            )
            with acting(system_actor(Channel.COMMAND)):
                report = move(wanted, self._say)
        except (SourceError, UploadError) as error:
            raise CommandError(str(error)) from error
        except Refusal as refusal:
            raise CommandError(
                f"{refusal.summary} {refusal.hint} Run it again then: it goes on."
            ) from refusal
        self._print(report, as_json=options["json"])
        if not report.is_whole:
            sys.exit(1)

    def _say(self, sentence: str) -> None:
        self.stderr.write(sentence)

    def _print(self, report: Report, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(report.as_json(), indent=1))
            return
        for line in report.lines:
            self.stdout.write(
                f"{'taken, but' if line.taken else 'NOT TAKEN'}: {line.kind} {line.id}: {line.reason}"
            )
        for what, number in sorted(report.counts.items()):
            self.stdout.write(f"{what}: {number}")
        if report.dry_run:
            self.stdout.write("Nothing was written.")
