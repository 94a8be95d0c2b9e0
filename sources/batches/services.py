"""What operators do with batches: start, look, cancel."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Count, Q
from django.utils import timezone

from deposit import audit
from deposit.actors import Actor, SystemActor
from deposit.models import Client, Collection, Membership
from deposit.permissions import Operation, require_service
from deposit.queue import items
from deposit.refusals import Kind, Refusal
from sources.batches.finding import names_in
from sources.batches.models import Batch, BatchItem, BatchState, ItemState
from sources.batches.work import BATCH


def start(
    *,
    actor: Actor,
    folder: str,
    collection: str,
    depth: int = 1,
    completed_dir: str = "",
    client: str | None = None,
    **options: Any,
) -> Batch:
    """Deposit what lies in a folder, one deposit each; a batch that has run in it before only adds what is new.

    Raises `Refusal`.
    """
    require_service(actor, Operation.ADMINISTER)
    place = _collection(collection)
    path, completed = plan(actor=actor, folder=folder, completed_dir=completed_dir)
    names = _names(path, depth, completed)
    try:
        with transaction.atomic():
            batch = Batch.objects.create(
                folder=str(path),
                depth=depth,
                collection=place,
                client=_client(place, client),
                completed_dir=str(completed or ""),
                started_by=str(actor.user or actor),
                **options,
            )
            BatchItem.objects.bulk_create(
                [BatchItem(batch=batch, name=name) for name in names], batch_size=1000
            )
            items.ask(BATCH.name, batch.pk)
            audit.record(
                "batch.start", subject=f"batch {batch.pk}", actor=actor, folder=str(path), depth=depth
            )
    except IntegrityError as error:
        raise Refusal(
            Kind.UNPROCESSABLE,
            "batch.running",
            f"A batch runs in {path} already.",
            "Wait until it has ended, or cancel it.",
        ) from error
    return batch


def _collection(name: str) -> Collection:
    found = Collection.objects.filter(name=name).first()
    if found is None:
        raise Refusal(
            Kind.NOT_FOUND,
            "batch.collection",
            f"There is no collection {name}.",
            "`manage.py collection create` makes one.",
        )
    return found


def plan(*, actor: Actor, folder: str, completed_dir: str = "") -> tuple[Path, Path | None]:
    """The folders of a batch, resolved. Whoever does not stand at the machine may name those below BATCH_ROOT only.

    Raises `Refusal`.
    """
    path = Path(folder).resolve()
    completed = Path(completed_dir).resolve() if completed_dir else None
    if not isinstance(actor, SystemActor):
        for one in (path, *([completed] if completed else [])):
            _require_below_root(one)
    if not path.is_dir():
        raise Refusal(
            Kind.BAD_REQUEST,
            "batch.folder",
            f"{path} is no folder that this machine can see.",
            "Make it first, or mount it.",
        )
    if completed == path:
        raise Refusal(
            Kind.BAD_REQUEST,
            "batch.completed",
            "The folder for what is completed cannot be the batch's own.",
            "Choose one beside it, or one in it.",
        )
    return path, completed


def _require_below_root(path: Path) -> None:
    root = settings.BATCH_ROOT
    if not root or not path.is_relative_to(Path(root).resolve()):
        raise Refusal(
            Kind.FORBIDDEN,
            "batch.root",
            f"Batches are not started in {path} from here.",
            "BATCH_ROOT says below which folder they are; `manage.py batch start` takes any.",
        )


def _names(path: Path, depth: int, completed: Path | None) -> list[str]:
    if depth not in (1, 2):
        raise Refusal(Kind.BAD_REQUEST, "batch.depth", f"A depth of {depth} is none.", "Choose 1 or 2.")
    try:
        names = names_in(path, depth, completed)
    except OSError as error:
        raise Refusal(
            Kind.BAD_REQUEST, "batch.folder", f"{path} cannot be read: {error}", "Let the service read it."
        ) from error
    if not names:
        raise Refusal(
            Kind.BAD_REQUEST,
            "batch.empty",
            f"There is nothing at depth {depth} of {path}.",
            "Look at the folder, or choose another depth.",
        )
    return names


def preview(*, actor: Actor, folder: str, depth: int = 1, completed_dir: str = "") -> list[str]:
    """What `start` would deposit. Raises `Refusal`."""
    require_service(actor, Operation.ADMINISTER)
    path, completed = plan(actor=actor, folder=folder, completed_dir=completed_dir)
    return _names(path, depth, completed)


def _client(collection: Collection, username: str | None) -> Client:
    """The depositor of a batch: the one that is named, else a machine client of the collection's batches."""
    name = username or f"batch-{collection.name}"
    client = Client.objects.filter(user__username=name).first()
    if client is None and username:
        raise Refusal(
            Kind.NOT_FOUND, "batch.client", f"There is no client {name}.", "`manage.py user list` shows them."
        )
    if client is None:
        user = User(username=name)
        user.set_unusable_password()
        user.save()
        base = settings.PUBLIC_URL.rstrip("/") or "http://localhost"
        client = Client.objects.create(user=user, provider_url=f"{base}/batches/{collection.name}/")
    Membership.objects.get_or_create(client=client, collection=collection)
    return client


def batch_numbered(batch_id: int) -> Batch:
    """A batch. Raises a 404 `Refusal`."""
    batch = (
        Batch.objects.select_related("collection", "client__user").filter(pk=min(batch_id, 2**63 - 1)).first()
    )
    if batch is None:
        raise Refusal(
            Kind.NOT_FOUND,
            "batch.unknown",
            f"There is no batch {batch_id}.",
            "`manage.py batch list` shows them.",
        )
    return batch


def cancel(*, actor: Actor, batch_id: int) -> Batch:
    """Deposit nothing more of a batch; what is deposited already goes on. Raises `Refusal`."""
    require_service(actor, Operation.ADMINISTER)
    batch = batch_numbered(batch_id)
    with transaction.atomic():
        running = Batch.objects.filter(pk=batch.pk, state=BatchState.RUNNING)
        if running.update(state=BatchState.CANCELLED, ended_at=timezone.now()):
            audit.record("batch.cancel", subject=f"batch {batch.pk}", actor=actor)
    batch.refresh_from_db()
    return batch


def summary(batch: Batch) -> dict[str, Any]:
    """A batch and how far it is."""
    numbers = {state: Count("pk", filter=Q(state=state)) for state in ItemState.values}
    counts = batch.items.aggregate(total=Count("pk"), **numbers)
    return {
        "id": batch.pk,
        "folder": batch.folder,
        "depth": batch.depth,
        "collection": batch.collection.name,
        "client": batch.client.user.username,
        "completed_dir": batch.completed_dir,
        "state": str(batch.state),
        "started_at": batch.created_at,
        "ended_at": batch.ended_at,
        **counts,
    }


def whole(batch: Batch, most: int = 1000) -> dict[str, Any]:
    """A batch with what became of each thing in it, the failed first."""
    rows = sorted(batch.items.order_by("id")[:most], key=lambda item: item.state != ItemState.FAILED)
    return {
        **summary(batch),
        "items": [
            {"name": item.name, "state": str(item.state), "deposit": item.deposit_id, "error": item.error}
            for item in rows
        ],
    }
