"""``manage.py check_deposit``: a plugin for Nagios, Icinga and whatever else reads their format.

It looks at queues, dispatcher, workers, archive, disks and certificate, and, given an account, deposits a few bytes
over HTTP, waits until they are archived, reads them back and compares them.
"""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

from django.core.management.base import BaseCommand
from django.db import Error

from client import Depositor
from deposit.models import Client
from deposit.monitoring.nagios import (
    CheckResult,
    Limits,
    State,
    check_certificate,
    check_snapshot,
    report,
)
from deposit.monitoring.round_trip import forget_old_checks, round_trip
from deposit.monitoring.snapshot import read_snapshot
from deposit.monitoring.thresholds import Thresholds

T = TypeVar("T", Limits, Thresholds)

_LIMITS = {
    "waiting-seconds": "how long a deposit may wait",
    "free-percent": "how much of a disk must be free",
    "certificate-days": "how long the certificate must be good",
    "round-trip-seconds": "how long the test deposit may take; it is given up after the second",
    "fixity-days": "how long ago the last fixity check may be",
}


class Command(BaseCommand):
    """Exit codes: 0 well, 1 warning, 2 critical, 3 unknown."""

    help = "Check the service from end to end, in the form of a Nagios or Icinga plugin."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Account and limits; the password comes from the environment or a file, where no other user sees it."""
        parser.add_argument("--url", default=os.environ.get("DEPOSIT_CHECK_URL", ""), help="https://host/1/")
        parser.add_argument("--username", default=os.environ.get("DEPOSIT_CHECK_USER", ""))
        parser.add_argument("--password-file", help="default: the password is in DEPOSIT_CHECK_PASSWORD")
        parser.add_argument(
            "--collection",
            action="append",
            help="where to deposit; may be given several times, once for each destination "
            "(DEPOSIT_CHECK_COLLECTION, with commas). Default: the first of the account",
        )
        parser.add_argument("--origin", help="of the test deposits; default: check below the provider's URL")
        defaults = asdict(Limits()) | asdict(Thresholds.of_settings())
        for name, text in _LIMITS.items():
            default = defaults[name.replace("-", "_")]
            parser.add_argument(
                f"--{name}", nargs=2, type=float, default=default, metavar=("WARNING", "CRITICAL"), help=text
            )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print one line and exit."""
        try:
            state, line = report(self._judgements(options), "all is well")
        except Error as error:
            state, line = report(
                [CheckResult(state=State.CRITICAL, words=f"the database is away: {error}")], ""
            )
        except Exception as error:  # noqa: BLE001  a plugin that fails knows nothing, and has to say so in its way
            words = f"the check itself failed: {type(error).__name__}: {error}"
            state, line = report([CheckResult(state=State.UNKNOWN, words=words)], "")
        self.stdout.write(line)
        sys.exit(state)

    def _judgements(self, options: dict[str, Any]) -> Iterator[CheckResult]:
        limits, thresholds = _chosen(Limits, options), _chosen(Thresholds, options)
        yield from check_snapshot(read_snapshot(), thresholds)
        if not options["url"]:
            return
        certificate = check_certificate(options["url"], limits)
        if certificate:
            yield certificate
        if options["username"]:
            yield from self._deposit(options, limits)

    def _deposit(self, options: dict[str, Any], limits: Limits) -> Iterator[CheckResult]:
        password = os.environ.get("DEPOSIT_CHECK_PASSWORD", "")
        if options["password_file"]:
            password = Path(options["password_file"]).read_text().rstrip("\n")
        origin = options["origin"] or _origin(options["username"])
        named = os.environ.get("DEPOSIT_CHECK_COLLECTION", "")
        collections = options["collection"] or [name for name in named.split(",") if name] or [None]
        for collection in collections:
            with Depositor(
                options["url"],
                username=options["username"],
                password=password,
                collection=collection,
                timeout=20,
                # Monitoring asks again by itself, and gives a plugin no time to wait until a full disk has room.
                retries=0,
            ) as depositor:
                alone = len(collections) == 1
                yield from round_trip(
                    depositor, origin=origin, limits=limits, name="" if alone else collection
                )
        forget_old_checks(username=options["username"], origin=origin)


def _chosen(kind: type[T], options: dict[str, Any]) -> T:
    return kind(**{one.name: tuple(options[one.name]) for one in fields(kind)})


def _origin(username: str) -> str:
    client = Client.objects.get(user__username=username)
    return f"{client.provider_url.rstrip('/')}/check"
