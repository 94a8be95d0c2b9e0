"""``manage.py collection``: where clients deposit."""

import json
from argparse import ArgumentParser, BooleanOptionalAction
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import transaction
from django.db.models import Count

from deposit.actors import Channel, system_actor
from deposit.management.actions import ActionsCommand, Row
from deposit.management.profile_options import add_profile_options, take_profile_options
from deposit.models import Collection, Profile
from deposit.models.limits import TopFolder
from deposit.services import accounts
from deposit.services.destinations import set_destinations

ACTOR = system_actor(Channel.COMMAND)
_YES_OR_NO = {
    "public": "everybody may read what is archived of its deposits",
    "closed": "operators do not see what its deposits hold",
    "special_files": "FIFOs and devices in packages are archived as empty files",
    "source_only": "warn of programs and build products in packages",
    "confirm_warnings": "packages with warnings wait until their depositor has confirmed them",
}


def _row_of(collection: Collection) -> dict[str, Any]:
    return {
        "name": collection.name,
        "title": collection.title,
        **{n: getattr(collection, n) for n in _YES_OR_NO},
        "destinations": collection.destinations,
        "top_folder": collection.top_folder,
        "bag_profile": collection.bag_profile,
        "profile": collection.profile,
        "profile_options": collection.profile_options,
    }


def _fields(parser: ArgumentParser) -> None:
    parser.add_argument("--name", required=True, help="a segment of web addresses: letters, digits, . _ -")
    parser.add_argument("--title", help="what people read")
    for name, meaning in _YES_OR_NO.items():
        parser.add_argument(f"--{name.replace('_', '-')}", action=BooleanOptionalAction, help=meaning)
    parser.add_argument(
        "--profile", choices=["", *Profile.values], help="what is demanded of its packages; '' for nothing"
    )
    add_profile_options(parser)
    parser.add_argument(
        "--top-folder",
        choices=["", *TopFolder.values],
        help="warn of packages that do not have one folder at the top, or that have one; '' for neither",
    )
    parser.add_argument(
        "--bag-profile", metavar="FILE", help="the BagIt profile that bags have to be of; '' for none"
    )
    parser.add_argument(
        "--destination",
        type=_names,
        action="extend",
        metavar="NAME[,NAME]",
        help=f"where its deposits are taken, in this order: {', '.join(sorted(settings.DESTINATIONS))}",
    )
    parser.add_argument(
        "--pipeline",
        type=_names,
        action="extend",
        metavar="NAME[,NAME]",
        help="for destination archivematica: the pipelines, of which the least loaded takes a deposit",
    )


def _document(name: str) -> Any:
    """The JSON document in a file; None without a name."""
    try:
        return json.loads(Path(name).read_text("utf-8")) if name else None
    except (OSError, ValueError) as error:
        raise CommandError(f"--bag-profile: {error}") from error


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _writes(service: Callable[..., Collection]) -> Callable[[ArgumentParser], Callable[..., Row]]:
    def set_up(parser: ArgumentParser) -> Callable[..., Row]:
        _fields(parser)

        def run(name: str, destination: list[str] | None, pipeline: list[str] | None, **fields: Any) -> Row:
            options = take_profile_options(fields)
            bag_profile = fields.pop("bag_profile", None)
            given = {field: value for field, value in fields.items() if value is not None}
            if options is not None:
                given["profile_options"] = options
            if bag_profile is not None:
                given["bag_profile"] = _document(bag_profile)
            with transaction.atomic():
                collection = service(actor=ACTOR, name=name, **given)
                if destination or pipeline:
                    more = {"pipelines": pipeline} if pipeline else {}
                    collection = set_destinations(
                        actor=ACTOR, name=name, destinations=destination, options=more
                    )
            return _row_of(collection)

        return run

    return set_up


def _list(parser: ArgumentParser) -> Callable[..., list[dict[str, Any]]]:
    def run() -> list[dict[str, Any]]:
        collections = Collection.objects.annotate(
            client_count=Count("clients", distinct=True), deposit_count=Count("deposits", distinct=True)
        )
        return [
            {**_row_of(c), "clients": c.client_count, "deposits": c.deposit_count}
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
