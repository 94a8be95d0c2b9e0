"""``manage.py user``: the clients that deposit."""

import sys
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User

from deposit.actors import Channel, system_actor
from deposit.authentication.provider import issuer
from deposit.management.actions import ActionsCommand, Row, ask_password
from deposit.models import Client, ProviderIdentity
from deposit.services import accounts, identities

ACTOR = system_actor(Channel.COMMAND)


def _row_of(client: Client) -> dict[str, Any]:
    return {
        "username": client.user.get_username(),
        "active": client.user.is_active,
        "provider_url": client.provider_url,
        "domain": client.domain,
        "collections": [collection.name for collection in client.collections.order_by("name")],
    }


def _password_options(parser: ArgumentParser) -> None:
    parser.add_argument("--password", help="visible to other users of this machine; prefer the prompt")
    parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")


def _create(parser: ArgumentParser) -> Callable[..., Row]:
    parser.add_argument("--username", required=True)
    _password_options(parser)
    parser.add_argument("--collection", action="append", default=[], help="may be given several times")
    parser.add_argument("--provider-url", default="", help="the web address below which its origins lie")
    parser.add_argument("--domain", default="")
    for name in ("firstname", "lastname", "email"):
        parser.add_argument(f"--{name}", default="")

    def run(**options: Any) -> Row:
        client = accounts.create_client(
            actor=ACTOR,
            username=options["username"],
            password=ask_password(options["password"], from_stdin=options["password_stdin"]),
            collections=options["collection"],
            provider_url=options["provider_url"],
            domain=options["domain"],
            first_name=options["firstname"],
            last_name=options["lastname"],
            email=options["email"],
        )
        return _row_of(client)

    return run


def _list(parser: ArgumentParser) -> Callable[..., list[dict[str, Any]]]:
    return lambda: [
        _row_of(client)
        for client in Client.objects.select_related("user").prefetch_related("collections").order_by("pk")
    ]


def _exists(parser: ArgumentParser) -> Callable[..., None]:
    parser.add_argument("username")

    def run(username: str) -> None:
        exists = Client.objects.filter(user__username=username).exists()
        print(f"Client {username} {'exists' if exists else 'does not exist'}.")
        if not exists:
            sys.exit(1)

    return run


def _activity(active: bool) -> Callable[[ArgumentParser], Callable[..., Row]]:
    def set_up(parser: ArgumentParser) -> Callable[..., Row]:
        parser.add_argument("--username", required=True)
        return lambda username: _row_of(accounts.set_active(actor=ACTOR, username=username, active=active))

    return set_up


def _membership(change: Callable[..., Client]) -> Callable[[ArgumentParser], Callable[..., Row]]:
    def set_up(parser: ArgumentParser) -> Callable[..., Row]:
        parser.add_argument("--username", required=True)
        parser.add_argument("--collection", required=True)
        return lambda username, collection: _row_of(
            change(actor=ACTOR, username=username, collection=collection)
        )

    return set_up


def _set_password(parser: ArgumentParser) -> Callable[..., Row]:
    parser.add_argument("--username", required=True)
    _password_options(parser)

    def run(username: str, password: str | None, password_stdin: bool) -> Row:
        accounts.client_named(username)
        secret = ask_password(password, from_stdin=password_stdin)
        return _row_of(accounts.set_password(actor=ACTOR, username=username, password=secret))

    return run


def _bind(parser: ArgumentParser) -> Callable[..., Row]:
    parser.add_argument("--username", required=True)
    parser.add_argument(
        "--subject", default="", help="the claim sub; without it, whoever logs in next by that name"
    )

    def run(username: str, subject: str) -> Row:
        bound = identities.bind(actor=ACTOR, username=username, issuer=issuer(), subject=subject)
        return _bound(bound)

    return run


def _unbind(parser: ArgumentParser) -> Callable[..., Row]:
    parser.add_argument("--username", required=True)
    return lambda username: _bound(identities.unbind(actor=ACTOR, username=username))


def _bound(user: User) -> Row:
    known = ProviderIdentity.objects.filter(user=user).first()
    return {
        "username": user.get_username(),
        "bound": known is not None,
        "subject": known.subject if known else "",
    }


class Command(ActionsCommand):
    """Create, list and change the clients that deposit."""

    help = "The clients that deposit."
    verbs = {
        "create": ("make a client; one that exists is left as it is", _create),
        "list": ("show all clients", _list),
        "exists": ("exit with 0 if there is such a client, else with 1", _exists),
        "disable": ("keep a client out; its deposits stay", _activity(active=False)),
        "enable": ("let a disabled client in again", _activity(active=True)),
        "grant": ("let a client deposit into a collection", _membership(accounts.grant)),
        "revoke": ("stop a client from depositing into a collection", _membership(accounts.revoke)),
        "bind": (
            "let a person at the identity provider log in as an account that has a password here",
            _bind,
        ),
        "unbind": ("forget which person at the identity provider an account is", _unbind),
        "set-password": ("give a client a new password", _set_password),
    }
