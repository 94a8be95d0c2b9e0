"""What the commands with sub-commands share: ``manage.py NOUN VERB``, ``--json``, exit codes.

A refusal ends with one line on standard error and exit code 1; a wrong command line with 2.
"""

import getpass
import json
import sys
from argparse import SUPPRESS, ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from deposit.actors import Channel, acting, system_actor
from deposit.http.text import is_storable
from deposit.lifecycle import TransitionRefused
from deposit.models import Deposit
from deposit.refusals import Refusal
from deposit.services.accounts import AccountError

Row = Mapping[str, Any]
# Adds a verb's options to its parser, and answers with what does it.
Verb = Callable[[ArgumentParser], Callable[..., "Row | Sequence[Row] | None"]]


class ActionsCommand(BaseCommand):
    """A command whose first argument is a verb; ``verbs`` maps each to what sets it up."""

    verbs: Mapping[str, tuple[str, Verb]] = {}
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """One sub-command per verb."""
        actions = parser.add_subparsers(dest="verb", required=True, metavar="ACTION")
        for name, (help_text, set_up) in self.verbs.items():
            sub = actions.add_parser(name, help=help_text, description=help_text)
            run = set_up(sub)
            sub.add_argument("--json", action="store_true", help="answer as JSON")
            # Django's own, wherever they stand; read before any command is chosen.
            for option in ("--settings", "--pythonpath"):
                sub.add_argument(option, default=SUPPRESS, help=SUPPRESS)
            sub.set_defaults(run=run)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the verb and print what it answers."""
        known = {
            "verb",
            "run",
            "json",
            "force_color",
            "no_color",
            "settings",
            "pythonpath",
            "traceback",
            "stdout",
            "stderr",
        }
        known |= {"verbosity", "skip_checks", "stdout", "stderr"}
        arguments = {name: value for name, value in options.items() if name not in known}
        _require_text(arguments)
        try:
            with acting(system_actor(Channel.COMMAND)):
                answer = options["run"](**arguments)
        except Refusal as refusal:
            raise CommandError(f"{refusal.summary} {refusal.hint}".strip()) from refusal
        except (AccountError, TransitionRefused) as error:
            raise CommandError(str(error)) from error
        except Deposit.DoesNotExist as error:
            raise CommandError("There is no such deposit. `manage.py deposit list` shows them.") from error
        if answer is not None:
            self._print(answer, as_json=options["json"])

    def _print(self, answer: Row | Sequence[Row], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(answer, indent=2, default=str))
        elif isinstance(answer, Mapping):
            width = max(map(len, answer), default=0)
            for name, value in answer.items():
                self.stdout.write(f"{name:<{width}}  {_shown(value)}")
        else:
            self._table(answer)

    def _table(self, rows: Sequence[Row]) -> None:
        if not rows:
            self.stderr.write("(none)")
            return
        names = list(rows[0])
        cells = [names, *([_shown(row[name]) for name in names] for row in rows)]
        widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
        for line in cells:
            self.stdout.write(
                "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            )


def _require_text(arguments: Mapping[str, Any]) -> None:
    """No table holds bytes that are no UTF-8, which Python hands on as halves of characters."""
    for name, value in arguments.items():
        texts = value if isinstance(value, list) else [value]
        if not all(is_storable(text) for text in texts if isinstance(text, str)):
            raise CommandError(f"{name.replace('_', '-')} has a character that is none. Give it in UTF-8.")


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(str, value)) if not value or not isinstance(value[0], dict) else _lines(value)
    return str(value)


def _lines(rows: list[dict[str, Any]]) -> str:
    return "".join("\n    " + "  ".join(str(cell) for cell in row.values() if cell != "") for row in rows)


def ask_password(given: str | None, *, from_stdin: bool) -> str:
    """A password from the command line, from standard input, or asked for twice on the terminal."""
    if given is not None:
        return given
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    if not sys.stdin.isatty():
        raise CommandError("Give the password with --password-stdin (or --password, which others may see).")
    password = getpass.getpass("Password: ")
    if password != getpass.getpass("Password again: "):
        raise CommandError("The two passwords differ.")
    return password
