"""``manage.py collection``: where clients deposit."""

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.db.models import Count

from deposit.management.actions import ActionsCommand, Row
from deposit.models import Collection
from deposit.services import accounts


def _create(parser: ArgumentParser) -> Callable[..., Row]:
    parser.add_argument("--name", required=True, help="a segment of web addresses: letters, digits, . _ -")
    parser.add_argument("--title", default="", help="what people read")

    def run(name: str, title: str) -> Row:
        collection = accounts.create_collection(name=name, title=title)
        return {"name": collection.name, "title": collection.title}

    return run


def _list(parser: ArgumentParser) -> Callable[..., list[dict[str, Any]]]:
    def run() -> list[dict[str, Any]]:
        collections = Collection.objects.annotate(
            client_count=Count("clients", distinct=True), deposit_count=Count("deposits", distinct=True)
        )
        return [
            {"name": c.name, "title": c.title, "clients": c.client_count, "deposits": c.deposit_count}
            for c in collections.order_by("name")
        ]

    return run


class Command(ActionsCommand):
    """Create and list collections."""

    help = "The collections that clients deposit into."
    verbs = {
        "create": ("make a collection", _create),
        "list": ("show all collections", _list),
    }
