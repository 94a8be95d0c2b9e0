"""Options that many commands share, and the depositor they lead to."""

import functools
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from client.configuration import account, with_secret
from client.documents import Status
from client.errors import ExitCode

if TYPE_CHECKING:
    from client.depositor import Depositor
    from client.transport import Progress

Command = Callable[..., Any]

SERVER_OPTIONS = [
    click.option("--server", default="", metavar="NAME", help="A server of the configuration file."),
    click.option("--url", default="", metavar="URL", help="The SWORD address, such as https://host/1/"),
    click.option("-u", "--username", default="", metavar="NAME"),
    click.option("--password-stdin", is_flag=True, help="Read the password from standard input."),
    click.option("-c", "--collection", default="", metavar="NAME"),
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


def show(fields: Mapping[str, Any], *, as_json: bool) -> None:
    """Print what is known: JSON, or lines of names and values without the unknown ones."""
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
    }


def exit_code_of(status: Status) -> int:
    """How ``wait`` ends."""
    return {
        "done": ExitCode.OK,
        "rejected": ExitCode.REJECTED,
        "failed": ExitCode.FAILED,
        "expired": ExitCode.FAILED,
    }.get(status.status, ExitCode.OK)


@contextmanager
def progress_bar(label: str, *, hidden: bool) -> "Iterator[Progress | None]":
    """A bar on standard error, when somebody looks at it."""
    if hidden or not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=1, label=label, file=sys.stderr, update_min_steps=1) as bar:

        def progress(done: int, total: int) -> None:
            bar.length = total or None
            bar.update(done - bar.pos)

        yield progress
