"""Taking a batch further, a few things at a time: read, deposit, follow, move what is stored.

What it reads is deposited under a key made of its place and version: the same folder again makes no second deposit.
"""

import hashlib
import logging
import time
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from deposit.intake.limits import Sizes
from deposit.metadata.minimal import entry_for
from deposit.models import Deposit, Status
from deposit.queue import items
from deposit.queue.claims import LeaseLost
from deposit.queue.leases import Lease, kept
from deposit.refusals import Kind, Refusal
from deposit.services.parts import Package
from deposit.services.submission import submit, was_used
from deposit.staging.storage import remove, staging_file
from sources.batches.models import Batch, BatchItem, BatchState, ItemState
from sources.batches.work import BATCH
from sources.folders import disposal
from sources.folders.place import FolderPlace
from sources.folders.scanning import stamp_of, version_of
from sources.places import Changed, Gone, NotTakeable, Original

logger = logging.getLogger(__name__)

# How long a worker is at one batch before it lets others have their turn, and how often deposits are looked at.
TURN_SECONDS = 20.0
FOLLOW_SECONDS = 5.0
_NO_ROOM_SECONDS = 60.0
# What will pass: the service has no room, or too much to do.
_PASSING = {Kind.STORAGE_FULL, Kind.TOO_MANY_REQUESTS, Kind.UNAVAILABLE, Kind.INTERNAL}
_ENDED = {Status.DONE: ItemState.DONE, Status.FAILED: ItemState.FAILED, Status.REJECTED: ItemState.FAILED}


def run(batch_id: int, *, worker: str) -> None:
    """Take a batch further if it waits for that; twice, late or in vain does no harm."""
    claim = items.claim(BATCH.name, batch_id, worker=worker)
    if claim is None:
        return
    try:
        with kept(claim) as lease:
            batch = Batch.objects.select_related("collection", "client__user").get(pk=batch_id)
            wait = _take_further(batch, lease) if batch.state == BatchState.RUNNING else None
            with transaction.atomic():
                if wait is None:
                    items.finish(claim)
                else:
                    items.again(claim, after_seconds=wait)
    except LeaseLost:
        logger.warning("batch=%s dropped: another worker has it", batch_id)


def _take_further(batch: Batch, lease: Lease) -> float | None:
    """In how many seconds to go on; None when the batch has ended."""
    deadline = time.monotonic() + TURN_SECONDS
    for item in batch.items.filter(state=ItemState.WAITING).order_by("id").iterator(chunk_size=100):
        lease.check()
        if time.monotonic() > deadline:
            return 0.0
        try:
            _deposit(batch, item)
        except Refusal as refusal:
            if refusal.kind in _PASSING:
                return float(refusal.retry_after or _NO_ROOM_SECONDS)
            _note(item, ItemState.FAILED, f"{refusal.summary} {refusal.hint}".strip())
    _follow(batch, lease)
    if batch.items.filter(state__in=[ItemState.WAITING, ItemState.DEPOSITED]).exists():
        return FOLLOW_SECONDS
    _end(batch)
    return None


def _end(batch: Batch) -> None:
    failed = batch.items.filter(state=ItemState.FAILED).exists()
    state = BatchState.FAILED if failed else BatchState.DONE
    Batch.objects.filter(pk=batch.pk, state=BatchState.RUNNING).update(state=state, ended_at=timezone.now())


def _note(item: BatchItem, state: ItemState, error: str) -> None:
    item.state, item.error = state, error
    item.save(update_fields=["state", "error"])


def _deposit(batch: Batch, item: BatchItem) -> None:
    """Read one thing and deposit it. Raises `Refusal`."""
    path = Path(batch.folder) / item.name
    stamp = stamp_of(path)
    if stamp is None:
        _note(item, ItemState.FAILED, "It is not there any more.")
        return
    try:
        version, size = version_of(path, stamp)
        original = Original(
            key=path.name, version=version, short_id=f"{item.pk}", is_directory=stamp.is_directory
        )
        place = FolderPlace(
            path.parent, strip=batch.strip_top_level_dir, exclude_hidden=batch.exclude_hidden_files
        )
        deposit = _submit(batch, path, original, place, size)
    except (Changed, Gone):
        _note(
            item,
            ItemState.FAILED,
            "It was changed while it was read: run the batch again when it is complete.",
        )
    except NotTakeable as error:
        _note(item, ItemState.FAILED, f"[{error.code}] {error.message}")
    except OSError as error:
        _note(item, ItemState.FAILED, f"It could not be read: {error}")
    else:
        item.deposit, item.version = deposit, version
        item.state, item.error = ItemState.DEPOSITED, ""
        item.save(update_fields=["deposit", "version", "state", "error"])


def _submit(batch: Batch, path: Path, original: Original, place: FolderPlace, size: int) -> Deposit:
    limit = Sizes.of(batch.collection).upload
    with staging_file(limit=limit, client=batch.client_id, promised=size) as file:
        read = place.read(original, file)
        package = Package(
            staged=file.finish(),
            name=read.name[-1000:],
            content_type=read.content_type,
            packaging=read.packaging,
        )
    with transaction.atomic():
        deposit = submit(
            client=batch.client,
            collection=batch.collection,
            files=[package],
            entry=entry_for(
                title=path.name,
                author=batch.collection.title or batch.collection.name,
                provenance=batch.client.provider_url,
            ),
            source=f"batch {batch.pk}",
            key=_key(batch, path, original.version),
        )
        if batch.strip_top_level_dir and not original.is_directory and not read.packaging:
            Deposit.objects.filter(pk=deposit.pk, status=Status.DEPOSITED).update(strip_top_folder=True)
    if not was_used(deposit, package):
        remove([package.staged.stored_as])
    return deposit


def _key(batch: Batch, path: Path, version: str) -> str:
    """The same for the same thing in the same state, in whatever batch."""
    told = (
        f"{batch.collection_id}\0{path}\0{version}\0{batch.strip_top_level_dir}\0{batch.exclude_hidden_files}"
    )
    return f"batch:{hashlib.sha256(told.encode(errors='surrogateescape')).hexdigest()}"


def _follow(batch: Batch, lease: Lease) -> None:
    """Note what became of the deposits, and move away what is stored."""
    open_items = batch.items.filter(state=ItemState.DEPOSITED).select_related("deposit").order_by("id")
    for item in open_items.iterator(chunk_size=100):
        lease.check()
        status = item.deposit.status if item.deposit else Status.FAILED
        state = _ENDED.get(Status(status))
        if state is ItemState.DONE:
            _move(batch, item)
            _note(item, state, item.error)
        elif state is not None:
            _note(item, state, f"The deposit is {status}; its page says why.")


def _move(batch: Batch, item: BatchItem) -> None:
    """Move a stored original into the folder for what is completed, if it is still what was stored."""
    if not batch.completed_dir or item.moved_at is not None:
        return
    path = Path(batch.folder) / item.name
    try:
        disposal.move(path, item.version, (Path(batch.completed_dir) / item.name).parent, f"{item.pk}")
    except (Changed, Gone):
        item.error = "It is stored; the original was changed or moved since, and is left where it is."
    except OSError as error:
        item.error = f"It is stored; the original could not be moved: {error}"
    else:
        item.moved_at = timezone.now()
        item.save(update_fields=["moved_at"])
