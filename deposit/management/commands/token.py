"""``manage.py token``: what machines show instead of a password."""

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User

from deposit.actors import Channel, Scope, system_actor
from deposit.management.actions import ActionsCommand, Row
from deposit.models import ApiToken
from deposit.services import tokens
from deposit.services.accounts import AccountError

ACTOR = system_actor(Channel.COMMAND)


def _row_of(token: ApiToken) -> dict[str, Any]:
    return {
        "id": token.pk,
        "user": token.user.get_username(),
        "name": token.name,
        "starts": token.start,
        "scopes": list(token.scopes),
        "expires": f"{token.expires_at:%Y-%m-%d}",
        "revoked": f"{token.revoked_at:%Y-%m-%d}" if token.revoked_at else "",
        "last_used": f"{token.last_used_at:%Y-%m-%d %H:%M}" if token.last_used_at else "",
        "from": token.last_used_from,
    }


def _user(username: str) -> User:
    user = User.objects.filter(username=username).first()
    if user is None:
        raise AccountError(f"There is no user {username}.")
    return user


def _create(parser: ArgumentParser) -> Callable[..., Row]:
    parser.add_argument("--username", required=True)
    parser.add_argument("--name", required=True, help="where it will be used")
    parser.add_argument("--scope", action="append", choices=list(Scope), help="may be given several times")
    parser.add_argument("--days", type=int, default=tokens.DEFAULT_DAYS, help="until it expires (365)")

    def run(username: str, name: str, scope: list[str] | None, days: int) -> Row:
        token, text = tokens.issue(
            actor=ACTOR, user=_user(username), name=name, scopes=scope or [Scope.DEPOSIT], days=days
        )
        return {"token": text, "note": "shown this once", **_row_of(token)}

    return run


def _list(parser: ArgumentParser) -> Callable[..., list[dict[str, Any]]]:
    parser.add_argument("--username", help="only those of this user")

    def run(username: str | None) -> list[dict[str, Any]]:
        rows = ApiToken.objects.select_related("user").order_by("user__username", "id")
        if username:
            rows = rows.filter(user=_user(username))
        return [_row_of(token) for token in rows]

    return run


def _revoke(parser: ArgumentParser) -> Callable[..., Row]:
    parser.add_argument("--id", type=int, required=True, help="as `manage.py token list` shows it")
    return lambda id: _row_of(tokens.revoke(actor=ACTOR, token_id=id))


class Command(ActionsCommand):
    """Create, list and revoke API tokens."""

    help = "API tokens: what machines show instead of a password."
    verbs = {
        "create": ("make a token and show it, once", _create),
        "list": ("show the tokens, without their text", _list),
        "revoke": ("stop a token from opening anything", _revoke),
    }
