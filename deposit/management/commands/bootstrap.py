"""``manage.py bootstrap``: from an empty machine to a service that takes deposits."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from deposit.operations.bootstrap.apply import bring_about
from deposit.operations.bootstrap.outcomes import LACKING, BootstrapFailed, Outcome
from deposit.operations.bootstrap.plan import CollectionPlan, Plan, PlanError, read_plan
from deposit.refusals import Refusal
from deposit.services.accounts import AccountError
from settings.bootstrap import BootstrapError, add_options, read_plan_file, wanted_settings


class Command(BaseCommand):
    """Settings, database, tables, roles, the first administrator, collections: made when they are not there."""

    help = (
        "Make what a service needs, as flags, a file or answers say: settings, database, tables, roles, the first "
        "administrator, pipelines, collections, clients, users, sources. Safe to run again."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """A file for everything; flags for what the smallest service needs."""
        add_options(parser)
        parser.add_argument(
            "--administrator", metavar="NAME", help="the first administrator's user name (admin)"
        )
        parser.add_argument("--administrator-email", metavar="ADDRESS")
        parser.add_argument(
            "--administrator-password-file", metavar="FILE", help="else a password is made, and shown once"
        )
        parser.add_argument(
            "--collection", action="append", default=[], metavar="NAME", help="may be repeated"
        )
        parser.add_argument(
            "--database-admin-url-file",
            metavar="FILE",
            help="holds a postgres:// address that may make the role and the database of DATABASE_URL",
        )
        parser.add_argument("--json", action="store_true", help="answer as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, line by line; exit code 1 when --check finds that something lacks."""
        outcomes: list[Outcome] = []
        try:
            _require_settings(options)
            for outcome in bring_about(_plan(options), check=options["check"]):
                outcomes.append(outcome)
                if not options["json"]:
                    self.stdout.write(_line(outcome))
        except (BootstrapFailed, BootstrapError, PlanError, AccountError) as error:
            raise CommandError(str(error)) from error
        except Refusal as refusal:
            raise CommandError(f"{refusal.summary} {refusal.hint}".strip()) from refusal
        if options["json"]:
            self.stdout.write(json.dumps([_row(outcome) for outcome in outcomes], indent=2))
        lacking = [outcome for outcome in outcomes if outcome.state in LACKING]
        if lacking:
            raise CommandError(f"{len(lacking)} of {len(outcomes)} lack.", returncode=1)
        if not options["json"] and not options["check"]:
            self.stdout.write("\n".join(["", *_next_steps()]))


def _require_settings(options: dict[str, Any]) -> None:
    """manage.py and deposit-admin write settings before Django starts; django-admin, which does not, is told."""
    wanted = wanted_settings(options["set"], read_plan_file(options["file"]))
    late = [name for name, value in wanted.items() if os.environ.get(name) != value]
    if late:
        raise BootstrapError(
            f"{', '.join(late)}: the environment says otherwise, and wins; or django-admin started this, which cannot "
            "write settings: use manage.py or deposit-admin."
        )


def _plan(options: dict[str, Any]) -> Plan:
    plan = read_plan(read_plan_file(options["file"]))
    flags = {
        "username": options["administrator"],
        "email": options["administrator_email"],
        "password_file": options["administrator_password_file"],
    }
    named = {collection.name for collection in plan.collections}
    more = [CollectionPlan(name=name) for name in options["collection"] if name not in named]
    database = plan.database
    if options["database_admin_url_file"]:
        database = replace(database, admin_url_file=options["database_admin_url_file"])
    return replace(
        plan,
        database=database,
        administrator=replace(plan.administrator, **{k: v for k, v in flags.items() if v}),
        collections=[*plan.collections, *more],
    )


def _line(outcome: Outcome) -> str:
    note = f" ({outcome.note})" if outcome.note else ""
    password = f"\n    password {outcome.password} (shown only now)" if outcome.password else ""
    return f"{outcome.subject}: {outcome.state}{note}{password}"


def _row(outcome: Outcome) -> dict[str, str]:
    row = {"subject": outcome.subject, "state": str(outcome.state), "note": outcome.note}
    return row | ({"password": outcome.password} if outcome.password else {})


def _next_steps() -> Iterator[str]:
    yield "Now: `manage.py check --deploy` looks at folders, database and broker as they are;"
    yield "start the processes of the Procfile, then `manage.py check_deposit` makes a deposit and follows it."
    if not settings.PUBLIC_URL:
        yield "PUBLIC_URL is not set: reports and notices will have no links."
