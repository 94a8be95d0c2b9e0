"""``manage.py role``: curators, operators, administrators."""

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q

from deposit.actors import Channel, system_actor
from deposit.management.actions import ActionsCommand, Row, ask_password
from deposit.permissions import Role
from deposit.services import roles

ACTOR = system_actor(Channel.COMMAND)
GRANTED = [str(role) for role in Role if role not in (Role.DEPOSITOR, Role.SOURCE)]


def _row_of(user: User) -> dict[str, Any]:
    return {
        "username": user.get_username(),
        "active": user.is_active,
        "superuser": user.is_superuser,
        "groups": sorted(group.name for group in user.groups.all()),
        "curates": sorted(row.collection.name for row in user.curatorships.all()),
    }


def _fresh(user: User) -> Row:
    return _row_of(_all().get(pk=user.pk))


def _all() -> Any:
    return User.objects.prefetch_related("groups", "curatorships__collection")


def _create(parser: ArgumentParser) -> Callable[..., Row]:
    parser.add_argument("--username", required=True)
    parser.add_argument("--email", default="")
    parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    parser.add_argument(
        "--no-password", action="store_true", help="the identity provider vouches for the user"
    )

    def run(username: str, email: str, password_stdin: bool, no_password: bool) -> Row:
        password = None if no_password else ask_password(None, from_stdin=password_stdin)
        return _fresh(roles.create_user(actor=ACTOR, username=username, password=password, email=email))

    return run


def _change(change: Callable[..., User]) -> Callable[[ArgumentParser], Callable[..., Row]]:
    def set_up(parser: ArgumentParser) -> Callable[..., Row]:
        parser.add_argument("--username", required=True)
        parser.add_argument("--role", required=True, choices=GRANTED)
        parser.add_argument("--collection", help="for a curator: which")

        def run(username: str, role: str, collection: str | None) -> Row:
            return _fresh(change(actor=ACTOR, username=username, role=Role(role), collection=collection))

        return run

    return set_up


def _list(parser: ArgumentParser) -> Callable[..., list[dict[str, Any]]]:
    some_role = (
        Q(groups__name__in=roles.GROUPS.values()) | Q(curatorships__isnull=False) | Q(is_superuser=True)
    )
    return lambda: [_row_of(user) for user in _all().filter(some_role).distinct().order_by("username")]


class Command(ActionsCommand):
    """Grant, withdraw and list roles."""

    help = "Roles: who curates a collection, who operates, who administers."
    verbs = {
        "create": ("make a user who deposits nothing", _create),
        "grant": ("give a user a role", _change(roles.grant)),
        "withdraw": ("take a role from a user", _change(roles.withdraw)),
        "list": ("show who has which role", _list),
    }
