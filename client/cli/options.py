"""Options that many commands share, and the depositor they lead to."""

import functools
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from client.configuration import account, servers, with_secret
from client.documents import Status
from client.errors import ExitCode

if TYPE_CHECKING:
    from client.depositor import Depositor
    from client.transport import Progress

Command = Callable[..., Any]

# Of every server that the shell may complete with.
STATUSES = ("partial", "deposited", "verified", "loading", "done", "rejected", "failed", "expired")


def complete_server(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """The servers of the configuration file."""
    return [name for name in servers() if name.startswith(begun)]


def complete_collection(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """The collections that the account had when it logged in."""
    named = context.params.get("server") or ""
    known = [entry for name, entry in servers().items() if named in ("", name)]
    names = dict.fromkeys(name for entry in known for name in entry.get("collections", "").split(","))
    return [name for name in names if name and name.startswith(begun)]


SERVER_OPTIONS = [
    click.option(
        "--server",
        default="",
        metavar="NAME",
        help="A server of the configuration file.",
        shell_complete=complete_server,
    ),
    click.option("--url", default="", metavar="URL", help="The SWORD address, such as https://host/1/"),
    click.option("-u", "--username", default="", metavar="NAME"),
    click.option("--password-stdin", is_flag=True, help="Read the password from standard input."),
    click.option("-c", "--collection", default="", metavar="NAME", shell_complete=complete_collection),
    click.option(
        "--give-up-after",
        type=click.FloatRange(min=0),
        default=None,
        envvar="DEPOSIT_GIVE_UP_AFTER",
        metavar="SECONDS",
        help="How long to try again when the server is away or full; 300 by default.",
    ),
]


def server_options(command: Command) -> Command:
    """Give a command the options that say which server, and `json_`; it gets a ``depositor`` in their place."""

    @functools.wraps(command)
    def wrapped(
        *,
        server: str,
        url: str,
        username: str,
        password_stdin: bool,
        collection: str,
        give_up_after: float | None,
        **options: Any,
    ) -> Any:
        if options.get("offline"):
            return command(depositor=None, **options)
        password = sys.stdin.readline().rstrip("\n") if password_stdin else ""
        with connected(server, url, username, password, collection, give_up_after) as depositor:
            return command(depositor=depositor, **options)

    for option in reversed(SERVER_OPTIONS):
        wrapped = option(wrapped)
    return json_option(wrapped)


def json_option(command: Command) -> Command:
    """``--json``: one JSON document on standard output."""
    return click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")(command)


@contextmanager
def connected(
    server: str,
    url: str,
    username: str,
    password: str,
    collection: str,
    give_up_after: float | None = None,
) -> Iterator["Depositor"]:
    """A depositor for these options, completed by environment and configuration."""
    from client.depositor import Depositor  # noqa: PLC0415  slow import
    from client.pauses import GIVE_UP_AFTER  # noqa: PLC0415

    found = with_secret(account(server, url=url, username=username, password=password, collection=collection))
    with Depositor(
        found.url,
        username=found.username or None,
        password=found.password or None,
        token=found.token or None,
        collection=found.collection or None,
        retries=int(os.environ.get("DEPOSIT_RETRIES", "100")),
        give_up_after=GIVE_UP_AFTER if give_up_after is None else give_up_after,
    ) as depositor:
        yield depositor


QUIET = "deposit.quiet"


def quiet_option(command: Command) -> Command:
    """``-q``: nothing is said but errors, and the number of the deposit."""

    def be_quiet(context: click.Context, parameter: click.Parameter, value: bool) -> None:
        context.find_root().meta[QUIET] = value
        if value:
            logger = logging.getLogger("client")
            # A program that calls this one hears the library again afterwards.
            context.find_root().call_on_close(functools.partial(logger.setLevel, logger.level))
            logger.setLevel(logging.ERROR)

    return click.option(
        "-q",
        "--quiet",
        is_flag=True,
        expose_value=False,
        callback=be_quiet,
        help="Say nothing but the number of the deposit, and errors.",
    )(command)


def is_quiet() -> bool:
    """Whether ``-q`` was given."""
    context = click.get_current_context(silent=True)
    return bool(context and context.find_root().meta.get(QUIET))


def say(text: str) -> None:
    """Tell whoever looks on; never part of the answer."""
    if not is_quiet():
        click.echo(text, err=True)


def somebody_looks_on() -> bool:
    """Whether there is a terminal on which somebody can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty() and not is_quiet()


def show(fields: Mapping[str, Any], *, as_json: bool) -> None:
    """Print what is known: JSON, or lines of names and values without the unknown ones."""
    if is_quiet() and not as_json:
        if "deposit_id" in fields:
            click.echo(fields["deposit_id"])
        return
    if as_json:
        click.echo(json.dumps(fields, indent=2, ensure_ascii=False))
        return
    shown = {name: value for name, value in fields.items() if value not in (None, "", [], {}, ())}
    width = max((len(name) for name in shown), default=0)
    for name, value in shown.items():
        lines = str(value).splitlines() or [""]
        click.echo(f"{name:{width}}  {lines[0]}")
        for line in lines[1:]:
            click.echo(f"{'':{width}}  {line}")


def status_fields(status: Status) -> dict[str, Any]:
    """A status by the names that the command line uses."""
    return {
        "deposit_id": status.deposit_id,
        "status": status.status,
        "detail": status.detail,
        "swhid": status.swhid,
        "swhid_context": status.swhid_context,
        "origin_url": status.origin_url,
        "external_id": status.external_id,
        "page": status.page,
        "waits_for": status.waits_for,
    }


def exit_code_of(status: Status) -> int:
    """How ``wait`` ends."""
    if status.waits_for:
        return ExitCode.UNCONFIRMED
    return {
        "done": ExitCode.OK,
        "rejected": ExitCode.REJECTED,
        "failed": ExitCode.FAILED,
        "expired": ExitCode.FAILED,
    }.get(status.status, ExitCode.OK)


@contextmanager
def progress_bar(label: str, *, hidden: bool) -> "Iterator[Progress | None]":
    """A bar on standard error, when somebody looks at it."""
    if hidden or is_quiet() or not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=1, label=label, file=sys.stderr, update_min_steps=1) as bar:

        def progress(done: int, total: int) -> None:
            bar.length = total or None
            bar.update(done - bar.pos)

        yield progress
