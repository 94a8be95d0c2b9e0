"""Bring a plan about, step by step; what is there already stays, so that it can be run again at any time."""

import secrets
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Q

from deposit.actors import Channel, system_actor
from deposit.models import Client, Collection
from deposit.operations.bootstrap.database import Target, make_database
from deposit.operations.bootstrap.outcomes import BootstrapFailed, Outcome, State
from deposit.operations.bootstrap.plan import Administrator, ClientPlan, CollectionPlan, Plan, UserPlan
from deposit.permissions import Role
from deposit.services import accounts, roles
from deposit.services.destinations import set_destinations

ACTOR = system_actor(Channel.COMMAND)


def bring_about(plan: Plan, *, check: bool) -> Iterator[Outcome]:
    """Do, or with ``check`` only look at, each thing of the plan in the order in which they need each other.

    Raises `BootstrapFailed`, `AccountError`, `Refusal` and `CommandError`; what was done until then stays, and the next
    run goes on from there.
    """
    admin_url = plan.database.admin_url or _secret(plan.database.admin_url_file)
    database = make_database(Target.of(settings.DATABASES["default"]), admin_url, check=check)
    yield database
    yield from _folders(check)
    if database.state is State.WOULD_MAKE:
        yield Outcome("tables", State.WOULD_MAKE, "what is kept in them cannot be looked at before")
        return
    tables = _migrate(check)
    yield tables
    if tables.state is State.WOULD_CHANGE:
        return
    yield _administrator(plan.administrator, check)
    for row in plan.pipelines:
        yield _by_command("pipeline", ["add", row["name"]], row, check, change=["change", row["name"]])
    for collection in plan.collections:
        yield _collection(collection, check)
    for client in plan.clients:
        yield _client(client, check)
    for user in plan.users:
        yield _user(user, check)
    for row in plan.sources:
        yield _by_command("source", ["add", row["kind"], row["name"]], row, check)


def _folders(check: bool) -> Iterator[Outcome]:
    folders = {Path(settings.STAGING_ROOT), Path(settings.ARCHIVE_ROOT)}
    for folder in sorted(folders):
        if folder.is_dir():
            yield Outcome(f"folder {folder}", State.KEPT)
        elif check:
            yield Outcome(f"folder {folder}", State.WOULD_MAKE)
        else:
            try:
                folder.mkdir(mode=0o700, parents=True)
            except OSError as error:
                raise BootstrapFailed(f"{folder} cannot be made: {error.strerror}.") from error
            yield Outcome(f"folder {folder}", State.MADE)


def _migrate(check: bool) -> Outcome:
    """The tables of this release, and with them the groups behind the roles."""
    executor = MigrationExecutor(connection)
    pending = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if not pending:
        return Outcome("tables and roles", State.KEPT)
    note = f"{pending} migration{'s' if pending > 1 else ''}"
    if check:
        return Outcome("tables and roles", State.WOULD_CHANGE, note)
    call_command("migrate", interactive=False, verbosity=0)
    return Outcome("tables and roles", State.CHANGED, note)


# --- People ----------------------------------------------------------------------------------------------
def _administrator(wanted: Administrator, check: bool) -> Outcome:
    subject = "administrator"
    group = Q(groups__name=roles.GROUPS[Role.ADMINISTRATOR])
    known = User.objects.filter(Q(is_superuser=True) | group, is_active=True).order_by("pk").first()
    if known is not None:
        return Outcome(subject, State.KEPT, known.get_username())
    if check:
        return Outcome(subject, State.WOULD_MAKE, wanted.username)
    password, shown = _password(wanted.password_file)
    if not User.objects.filter(username=wanted.username).exists():
        roles.create_user(actor=ACTOR, username=wanted.username, password=password, email=wanted.email)
    else:
        shown = ""
    roles.grant(actor=ACTOR, username=wanted.username, role=Role.ADMINISTRATOR)
    return Outcome(subject, State.MADE, wanted.username, shown)


def _client(wanted: ClientPlan, check: bool) -> Outcome:
    subject = f"client {wanted.username}"
    client = Client.objects.filter(user__username=wanted.username).first()
    if client is None:
        if check:
            return Outcome(subject, State.WOULD_MAKE)
        password, shown = _password(wanted.password_file) if wanted.password else (None, "")
        accounts.create_client(
            actor=ACTOR,
            username=wanted.username,
            password=password,
            collections=wanted.collections,
            provider_url=wanted.provider_url,
            domain=wanted.domain,
            email=wanted.email,
        )
        return Outcome(subject, State.MADE, ", ".join(wanted.collections), shown)
    member_of = set(client.collections.values_list("name", flat=True))
    missing = [name for name in wanted.collections if name not in member_of]
    if not missing:
        return Outcome(subject, State.KEPT)
    if not check:
        for name in missing:
            accounts.grant(actor=ACTOR, username=wanted.username, collection=name)
    return Outcome(
        subject, State.WOULD_CHANGE if check else State.CHANGED, f"deposits into {', '.join(missing)}"
    )


def _user(wanted: UserPlan, check: bool) -> Outcome:
    subject = f"user {wanted.username}"
    user = User.objects.filter(username=wanted.username).first()
    if user is None and check:
        return Outcome(subject, State.WOULD_MAKE)
    shown, state = "", State.MADE
    if user is None:
        password, shown = _password(wanted.password_file) if wanted.password else (None, "")
        user = roles.create_user(actor=ACTOR, username=wanted.username, password=password, email=wanted.email)
    else:
        state = State.WOULD_CHANGE if check else State.CHANGED
    missing = _missing_roles(user, wanted)
    if not check:
        for role, collection in missing:
            roles.grant(actor=ACTOR, username=wanted.username, role=role, collection=collection)
    if not missing and state is not State.MADE:
        return Outcome(subject, State.KEPT)
    return Outcome(subject, state, ", ".join(f"{r} {c or ''}".strip() for r, c in missing), shown)


def _missing_roles(user: User, wanted: UserPlan) -> list[tuple[Role, str | None]]:
    unknown = [name for name in wanted.roles if name not in tuple(roles.GROUPS)]
    if unknown:
        raise BootstrapFailed(
            f"User {wanted.username}: there is no role {unknown[0]}. There are: {', '.join(roles.GROUPS)}; curators "
            "are named by `curates`."
        )
    groups = set(user.groups.values_list("name", flat=True))
    curates = set(user.curatorships.values_list("collection__name", flat=True))
    missing: list[tuple[Role, str | None]] = [
        (Role(name), None) for name in wanted.roles if roles.GROUPS[Role(name)] not in groups
    ]
    return missing + [(Role.CURATOR, name) for name in wanted.curates if name not in curates]


def _password(file: str) -> tuple[str, str]:
    """A password from a file, or a new one, and what of it is to be shown."""
    if file:
        return _secret(file), ""
    made = secrets.token_urlsafe(15)
    return made, made


def _secret(file: str) -> str:
    """The first line of a file with a secret; empty without a file."""
    if not file:
        return ""
    try:
        return Path(file).read_text("utf-8").partition("\n")[0].strip()
    except OSError as error:
        raise BootstrapFailed(f"{file} cannot be read: {error.strerror}.") from error


# --- Collections, pipelines, sources -----------------------------------------------------------------------
def _collection(wanted: CollectionPlan, check: bool) -> Outcome:
    subject = f"collection {wanted.name}"
    fields = {
        name: value
        for name in ("title", "public", "closed", "profile", "profile_options")
        if (value := getattr(wanted, name)) is not None
    }
    collection = Collection.objects.filter(name=wanted.name).first()
    if collection is None:
        if not check:
            accounts.create_collection(actor=ACTOR, name=wanted.name, **fields)
            _take_to(wanted)
        return Outcome(
            subject, State.WOULD_MAKE if check else State.MADE, ", ".join(wanted.destinations or ())
        )
    changed = {name: value for name, value in fields.items() if getattr(collection, name) != value}
    elsewhere = wanted.destinations is not None and wanted.destinations != collection.destinations
    if not check:
        if changed:
            accounts.change_collection(actor=ACTOR, name=wanted.name, **changed)
        if elsewhere or wanted.pipelines:
            _take_to(wanted)
    if not changed and not elsewhere:
        return Outcome(subject, State.KEPT)
    what = [*changed, *(["destinations"] if elsewhere else [])]
    return Outcome(subject, State.WOULD_CHANGE if check else State.CHANGED, ", ".join(what))


def _take_to(wanted: CollectionPlan) -> None:
    if wanted.destinations or wanted.pipelines:
        options: dict[str, Any] = {"pipelines": wanted.pipelines} if wanted.pipelines else {}
        set_destinations(actor=ACTOR, name=wanted.name, destinations=wanted.destinations, options=options)


def _by_command(
    command: str, verb: list[str], row: dict[str, Any], check: bool, *, change: list[str] | None = None
) -> Outcome:
    """What has a command of its own, by that command; ``change`` brings what is there to what is wanted."""
    subject = f"{command} {row['name']}"
    there = _is_there(command, row["name"])
    if there and (check or change is None):
        return Outcome(subject, State.KEPT)
    if check:
        return Outcome(subject, State.WOULD_MAKE)
    words = (change if there and change else verb) + _words(
        {k: v for k, v in row.items() if k not in ("name", "kind")}
    )
    call_command(command, *words, stdout=StringIO())
    return Outcome(subject, State.CHANGED if there else State.MADE)


def _is_there(command: str, name: str) -> bool:
    try:
        call_command(command, "show", name, "--json", stdout=StringIO())
    except CommandError:
        return False
    return True


def _words(options: dict[str, Any]) -> list[str]:
    """Options of a command line: a list is an option given several times, true a switch."""
    words = []
    for name, value in options.items():
        option = f"--{name.replace('_', '-')}"
        if isinstance(value, bool):
            words += [option] if value else []
            continue
        for one in value if isinstance(value, list) else [value]:
            words.append(f"{option}={one}")
    return words
