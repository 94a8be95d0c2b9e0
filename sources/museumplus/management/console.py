"""What the museum's commands share: ``--dry-run``, ``--json``, progress on a terminal, and errors as exit codes."""

import json
import os
import pdb
import sys
import time
from argparse import SUPPRESS, ArgumentParser
from dataclasses import asdict, is_dataclass
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from deposit.services.accounts import AccountError
from loader.destinations.preservation_service.documents import NoLido
from loader.destinations.preservation_service.rest import ServiceError
from loader.destinations.preservation_service.signing import SigningError
from loader.destinations.preservation_service.transfer import NotSetUp as NoService
from loader.sftp import SftpRefused, SftpUnavailable
from packages.formats.preservable import NotPreservable
from sources.museumplus.harvest.client import MuseumPlusError
from sources.museumplus.harvest.documents import BadDocument
from sources.museumplus.harvest.download import DiskFull
from sources.museumplus.harvest.sync import AlreadyRunning
from sources.museumplus.locks import ObjectBusy
from sources.museumplus.setup import NotSetUp
from sources.museumplus.workflow.enqueuing import NotRejected
from sources.museumplus.workflow.freezing import UnknownObjects, WorkflowJobRunningError
from sources.museumplus.workflow.resetting import QueuesNotEmpty
from sources.museumplus.workflow.steps import StepRefused

# What can go wrong and is worded for whoever called the command.
TOLD = (
    AccountError,
    AlreadyRunning,
    BadDocument,
    DiskFull,
    FileNotFoundError,
    MuseumPlusError,
    NoLido,
    NoService,
    NotPreservable,
    NotRejected,
    NotSetUp,
    ObjectBusy,
    QueuesNotEmpty,
    ServiceError,
    SftpRefused,
    SftpUnavailable,
    SigningError,
    StepRefused,
    UnknownObjects,
    WorkflowJobRunningError,
)


class MuseumCommand(BaseCommand):
    """A command that answers a person in a line, and a program in JSON.

    Exit codes: 0 done, 1 refused or failed (the reason on standard error), 2 wrong arguments.
    """

    can_dry_run = True
    can_debug = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The options of every command; then its own, by ``add_options``."""
        self.add_shared_options(parser)
        if self.can_debug:
            parser.add_argument(
                "--debug",
                action="store_true",
                default=bool(os.environ.get("MUSEUMPLUS_DEBUG")),
                help="open a debugger at an error (or set MUSEUMPLUS_DEBUG)",
            )
        self.add_options(parser)

    def add_shared_options(self, parser: ArgumentParser, *, again: bool = False) -> None:
        """``--dry-run`` and ``--json``; ``again``: behind the name of a command in a command, too."""
        default: Any = SUPPRESS if again else False
        if self.can_dry_run:
            parser.add_argument(
                "--dry-run",
                action="store_true",
                default=default,
                help="say what would be done, and do nothing",
            )
        parser.add_argument(
            "--json", action="store_true", default=default, help="answer with one JSON object"
        )

    def add_options(self, parser: ArgumentParser) -> None:
        """The options of this command alone."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it and say what was done."""
        try:
            result = self.act(options)
        except Exception as error:
            if options.get("debug"):
                pdb.post_mortem(error.__traceback__)
            if isinstance(error, TOLD):
                raise CommandError(str(error)) from error
            raise
        self._say(result, as_json=options["json"], dry_run=options.get("dry_run", False))

    def act(self, options: dict[str, Any]) -> Any:
        """Do it; return a dataclass or a dictionary of what is to be told."""
        raise NotImplementedError

    def progress(self, entries: int) -> None:
        """One line that is written over, where somebody watches."""
        if not sys.stderr.isatty():
            return
        self._began = getattr(self, "_began", time.monotonic())
        rate = entries / max(time.monotonic() - self._began, 0.001)
        self.stderr.write(f"\r{entries:,} entries, {rate:,.0f}/s ", ending="")
        self.stderr.flush()

    def _say(self, result: Any, *, as_json: bool, dry_run: bool) -> None:
        told = asdict(result) if is_dataclass(result) and not isinstance(result, type) else dict(result or {})
        if dry_run:
            told["dry_run"] = True
        if as_json:
            self.stdout.write(json.dumps(told, default=str))
            return
        self.stdout.write(
            ", ".join(f"{name.replace('_', ' ')}: {_shown(value)}" for name, value in told.items())
        )


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(map(str, value)) or "none"
    return str(value)


def ids_from(text: str) -> list[int]:
    """The numbers of a list with commas. Raises CommandError."""
    try:
        return [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise CommandError(f"These are no ids: {text!r}. Write numbers with commas between them.") from None
