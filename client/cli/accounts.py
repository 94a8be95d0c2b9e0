"""``login`` and ``logout``."""

import sys
from urllib.parse import urlsplit

import click

from client.cli.options import json_option, show
from client.configuration import Account, forget, save
from client.errors import NotFoundError, UsageError


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
    from client.depositor import Depositor  # noqa: PLC0415  slow import

    if not token and not username:
        username = click.prompt("User name", err=True)
    if password_stdin:
        secret = sys.stdin.readline().rstrip("\n")
    else:
        secret = click.prompt("Token" if token else "Password", hide_input=True, err=True)
    if not secret:
        raise UsageError("No password was given.")
    _warn_of_plain_http(url)
    found = Account(
        url=url, username=username, password="" if token else secret, token=secret if token else ""
    )
    with Depositor(
        found.url, username=username or None, password=found.password or None, token=found.token or None
    ) as depositor:
        service = depositor.service()
    names = [each.name for each in service.collections]
    if collection and collection not in names:
        raise NotFoundError(
            f"You have no collection {collection}.", f"Yours are: {', '.join(names) or 'none'}"
        )
    name = server or urlsplit(url).hostname or "default"
    where = save(
        name,
        Account(
            url=found.url,
            username=username,
            password=found.password,
            token=found.token,
            collection=collection,
        ),
        keyring=keyring,
    )
    show(
        {"server": name, "title": service.title, "collections": ", ".join(names), "secret": where},
        as_json=as_json,
    )


def _warn_of_plain_http(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        click.echo("Warning: http:// sends your password for anybody on the way to read.", err=True)


@click.command("logout")
@click.argument("server")
def logout_command(server: str) -> None:
    """Forget SERVER and its password."""
    if not forget(server):
        raise NotFoundError(f"There is no server {server!r} to forget.")
    click.echo(f"Forgot {server}.")
