"""``manage.py receipt``: where the receipts of a collection's deliveries go."""

import json
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from deposit.actors import Channel, system_actor
from deposit.management.actions import ActionsCommand, Row
from deposit.models import ReceiptTarget
from deposit.notices import receipt_targets

ACTOR = system_actor(Channel.COMMAND)


def _row_of(target: ReceiptTarget) -> dict[str, Any]:
    return {
        "id": target.pk,
        "collection": target.collection.name,
        "destination": target.destination,
        "kind": target.kind,
        "place": target.shown,
        "file_name": target.file_name,
        "template": json.dumps(target.template),
    }


def _template(name: str) -> Any:
    try:
        return json.loads(Path(name).read_text("utf-8")) if name else None
    except (OSError, ValueError) as error:
        raise CommandError(f"--template: {error}") from error


def _add(parser: ArgumentParser) -> Callable[..., Row]:
    parser.add_argument("--collection", required=True)
    parser.add_argument("--to", required=True, help="/a/folder, s3://bucket/prefix or https://host/path")
    parser.add_argument("--destination", default="", help="only of deliveries to this destination")
    parser.add_argument("--template", default="", metavar="FILE", help="JSON with {names} in its texts")
    parser.add_argument("--file-name", default="", help="such as Receipt_{external_id}_{delivery}.json")

    def run(to: str, template: str, **chosen: str) -> Row:
        target, secret = receipt_targets.add(actor=ACTOR, place=to, template=_template(template), **chosen)
        shown = {"secret": secret, "note": "shown this once"} if secret else {}
        return {**shown, **_row_of(target)}

    return run


def _list(parser: ArgumentParser) -> Callable[..., list[dict[str, Any]]]:
    return lambda: [_row_of(target) for target in receipt_targets.targets_for(ACTOR)]


def _remove(parser: ArgumentParser) -> Callable[..., Row]:
    parser.add_argument("--id", type=int, required=True)
    return lambda id: _row_of(receipt_targets.remove(actor=ACTOR, target_id=id))


class Command(ActionsCommand):
    """Add, list and remove the places of receipts."""

    help = "Receipts: a file or a webhook as the last step of each delivery of a collection."
    verbs = {
        "add": ("have a receipt sent of each delivery; a webhook's secret is shown once", _add),
        "list": ("show where receipts go", _list),
        "remove": ("send none there any more", _remove),
    }
