"""``manage.py collection``: where clients deposit."""

from argparse import ArgumentParser, BooleanOptionalAction
from collections.abc import Callable
from typing import Any

from django.db.models import Count

from deposit.actors import Channel, system_actor
from deposit.management.actions import ActionsCommand, Row
from deposit.management.profile_options import add_profile_options, take_profile_options
from deposit.models import Collection, Profile
from deposit.services import accounts

ACTOR = system_actor(Channel.COMMAND)
_YES_OR_NO = {
    "public": "everybody may read what is archived of its deposits",
    "closed": "operators do not see what its deposits hold",
}


def _told(collection: Collection) -> dict[str, Any]:
    return {
        "name": collection.name,
        "title": collection.title,
        **{n: getattr(collection, n) for n in _YES_OR_NO},
        "profile": collection.profile,
        "profile_options": collection.profile_options,
    }


def _fields(parser: ArgumentParser) -> None:
    parser.add_argument("--name", required=True, help="a segment of web addresses: letters, digits, . _ -")
    parser.add_argument("--title", help="what people read")
    for name, meaning in _YES_OR_NO.items():
        parser.add_argument(f"--{name}", action=BooleanOptionalAction, help=meaning)
    parser.add_argument(
        "--profile", choices=["", *Profile.values], help="what is demanded of its packages; '' for nothing"
    )
    add_profile_options(parser)


def _writes(service: Callable[..., Collection]) -> Callable[[ArgumentParser], Callable[..., Row]]:
    def set_up(parser: ArgumentParser) -> Callable[..., Row]:
        _fields(parser)

        def run(name: str, **fields: Any) -> Row:
            options = take_profile_options(fields)
            given = {field: value for field, value in fields.items() if value is not None}
            if options is not None:
                given["profile_options"] = options
            return _told(service(actor=ACTOR, name=name, **given))

        return run

    return set_up


def _list(parser: ArgumentParser) -> Callable[..., list[dict[str, Any]]]:
    def run() -> list[dict[str, Any]]:
        collections = Collection.objects.annotate(
            client_count=Count("clients", distinct=True), deposit_count=Count("deposits", distinct=True)
        )
        return [
            {**_told(c), "clients": c.client_count, "deposits": c.deposit_count}
            for c in collections.order_by("name")
        ]

    return run


class Command(ActionsCommand):
    """Create, change and list collections."""

    help = "The collections that clients deposit into."
    verbs = {
        "create": ("make a collection", _writes(accounts.create_collection)),
        "change": (
            "change a collection: what is not given stays",
            _writes(accounts.change_collection),
        ),
        "set": ("the same as change", _writes(accounts.change_collection)),
        "list": ("show all collections", _list),
    }
