"""``login`` and ``logout``."""

import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from client.addresses import name_of, tidy
from client.cli.options import complete_server, json_option, show
from client.configuration import Account, forget, save
from client.errors import DepositError, NotFoundError, UnauthorizedError, UnavailableError, UsageError

if TYPE_CHECKING:
    from client.documents import Service


@click.command("login")
@click.option("--url", prompt="Address of the server, such as https://host/1/", metavar="URL")
@click.option("-u", "--username", default="", metavar="NAME", help="Asked for if it is not given.")
@click.option("--token", is_flag=True, help="Ask for an API token instead of name and password.")
@click.option("--password-stdin", is_flag=True, help="Read password or token from standard input.")
@click.option("-c", "--collection", default="", metavar="NAME", help="By default the first on the server.")
@click.option("--server", default="", metavar="NAME", help="A name of your own for this server.")
@click.option("--keyring/--no-keyring", default=True, help="Keep the secret in the system's keyring.")
@json_option
def login_command(
    url: str,
    username: str,
    token: bool,
    password_stdin: bool,
    collection: str,
    server: str,
    keyring: bool,
    as_json: bool,
) -> None:
    """Remember a server and an account, after trying them."""
    _warn_of_plain_http(tidy(url))
    if not token and not username:
        username = click.prompt("User name", err=True)
    if password_stdin:
        secret = sys.stdin.readline().rstrip("\n")
    else:
        secret = click.prompt("Token" if token else "Password", hide_input=True, err=True)
    if not secret:
        raise UsageError("No password was given.")
    found = Account(
        url=tidy(url), username=username, password="" if token else secret, token=secret if token else ""
    )
    address, service = _tried(found)
    names = [each.name for each in service.collections]
    if collection and collection not in names:
        raise NotFoundError(
            f"You have no collection {collection}.", f"Yours are: {', '.join(names) or 'none'}"
        )
    name = server or name_of(address)
    where = save(
        name,
        Account(
            url=address,
            username=username,
            password=found.password,
            token=found.token,
            collection=collection,
            collections=",".join(names),
            release_author=service.release_author,
        ),
        keyring=keyring,
    )
    show(
        {
            "server": name,
            "url": address,
            "title": service.title,
            "collections": ", ".join(names),
            "secret": where,
        },
        as_json=as_json,
    )


def _tried(found: Account) -> "tuple[str, Service]":
    """The address at which the server answers, and what it says: as it was typed, or with ``1/`` behind it."""
    from client.depositor import Depositor  # noqa: PLC0415  slow import

    first: DepositError | None = None
    for url in dict.fromkeys((found.url, f"{found.url}1/")):
        with Depositor(
            url,
            username=found.username or None,
            password=found.password or None,
            token=found.token or None,
            retries=1,
            give_up_after=10,
        ) as depositor:
            try:
                return url, depositor.service()
            except DepositError as error:
                # Nothing else is tried where the server is away, or knows the address and refuses the account.
                away = isinstance(error, UnavailableError) and error.is_transport
                if isinstance(error, UnauthorizedError) or away or error.status == 429:
                    raise
                first = first or error
    assert first is not None
    raise NotFoundError(
        f"There is no deposit server at {found.url}: {first.summary}",
        "Its address ends with /1/ on most servers, such as https://deposit.example.org/1/",
    ) from first


def _warn_of_plain_http(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        click.echo("Warning: http:// sends your password for anybody on the way to read.", err=True)


@click.command("logout")
@click.argument("server", shell_complete=complete_server)
def logout_command(server: str) -> None:
    """Forget SERVER and its password."""
    if not forget(server):
        raise NotFoundError(f"There is no server {server!r} to forget.")
    click.echo(f"Forgot {server}.")
