"""``manage.py batch``: deposit a folder of folders, one deposit each."""

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from deposit.actors import Channel, system_actor
from deposit.management.actions import ActionsCommand, Row
from sources.batches import services
from sources.batches.models import Batch

ACTOR = system_actor(Channel.COMMAND)


def _start(parser: ArgumentParser) -> Callable[..., Any]:
    parser.add_argument("folder", metavar="FOLDER")
    parser.add_argument("--collection", required=True)
    parser.add_argument("--client", help="in whose name; a client of the collection's batches if not given")
    parser.add_argument(
        "--depth", type=int, default=1, help="1: what lies in it; 2: what lies in its folders (1)"
    )
    parser.add_argument("--completed-dir", default="", help="where originals go once they are stored")
    parser.add_argument(
        "--strip-top-level-dir", action="store_true", help="leave the one folder in each away"
    )
    parser.add_argument("--exclude-hidden-files", action="store_true")
    parser.add_argument("--dry-run", action="store_true", help="say what would be deposited")

    def run(folder: str, dry_run: bool, collection: str, **options: Any) -> Any:
        if dry_run:
            wanted = {name: options[name] for name in ("depth", "completed_dir")}
            return [{"name": name} for name in services.preview(actor=ACTOR, folder=folder, **wanted)]
        return services.summary(services.start(actor=ACTOR, folder=folder, collection=collection, **options))

    return run


def _list(parser: ArgumentParser) -> Callable[..., list[dict[str, Any]]]:
    parser.add_argument("--limit", type=int, default=50)
    found = Batch.objects.select_related("collection", "client__user").order_by("-id")
    return lambda limit: [services.summary(batch) for batch in found.all()[:limit]]


def _show(parser: ArgumentParser) -> Callable[..., Row]:
    parser.add_argument("batch_id", metavar="ID", type=int)
    return lambda batch_id: services.whole(services.batch_numbered(batch_id))


def _cancel(parser: ArgumentParser) -> Callable[..., Row]:
    parser.add_argument("batch_id", metavar="ID", type=int)
    return lambda batch_id: services.summary(services.cancel(actor=ACTOR, batch_id=batch_id))


class Command(ActionsCommand):
    """Deposit folders of folders."""

    help = "Deposit a folder of folders, one deposit each."
    verbs = {
        "start": ("deposit what lies in a folder", _start),
        "list": ("show the newest batches", _list),
        "show": ("show one batch and what became of each thing in it", _show),
        "cancel": ("deposit nothing more of a batch", _cancel),
    }
