"""Taking an item in: its bytes go into staging, then deposit and item are written in one transaction.

Killed before that transaction, the item waits as before and the staged bytes are cleaned up; after it, the deposit is
there and the item knows it. So an item is read at least once and deposited once.
"""

import logging
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from deposit.intake.admission import admit
from deposit.intake.limits import Sizes
from deposit.models import Status
from deposit.refusals import Kind, Refusal
from deposit.staging.files import StagedFile
from deposit.staging.storage import remove, staging_file
from sources.intake import submit_item
from sources.models import ItemState, Source, SourceItem
from sources.places import Changed, Gone, NotTakeable, NotYet, Original, Place, Read

logger = logging.getLogger(__name__)

# After a fault the next attempt waits so long, doubled with each, at most the second. In seconds.
RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 300.0
# The first half of the key of the advisory lock under which a source looks for duplicates.
_DUPLICATES = 0x5E4D_0018
# What will pass: the service has no room, or too much to do.
_PASSING = {Kind.STORAGE_FULL, Kind.TOO_MANY_REQUESTS, Kind.UNAVAILABLE, Kind.INTERNAL}


class NotMine(Exception):
    """Another watcher has dealt with the item meanwhile."""


def original_of(item: SourceItem) -> Original:
    """Where an item's original lies."""
    return Original(
        key=item.key, version=item.version, short_id=item.short_id, is_directory=item.is_directory
    )


def take(item_id: int, place: Place) -> ItemState | None:
    """Take one waiting item in; the state that it has then, None when it is not ours to change.

    Raises what the database raises; everything else is written down with the item.
    """
    item = SourceItem.objects.select_related("source__client__user", "source__collection").get(pk=item_id)
    if item.state != ItemState.WAITING:
        return None
    try:
        deposit_id = _take(item, place)
    except NotMine:
        return None
    except Gone:
        return _end(item, ItemState.IGNORED, "It was removed before it was taken in.")
    except Changed:
        return _end(
            item, ItemState.IGNORED, "It was replaced before it was taken in; what is there now counts."
        )
    except NotTakeable as error:
        return _reject(item, error.code, error.subject, error.message)
    except NotYet as error:
        return _wait(item, str(error), error.after_seconds, counts=False)
    except Refusal as refusal:
        text = f"{refusal.summary} {refusal.hint}".strip()
        if refusal.kind in _PASSING:
            return _wait(item, text, refusal.retry_after or _pause(item), counts=True)
        return _reject(item, refusal.code, "", text)
    except OSError as error:
        return _wait(item, f"It could not be read: {error}", _pause(item), counts=True)
    logger.info("source=%s item=%s deposit=%s taken", item.source, item.short_id, deposit_id)
    return ItemState.TAKEN


def _pause(item: SourceItem) -> float:
    return float(min(LONGEST_RETRY_SECONDS, RETRY_SECONDS * 2 ** min(item.attempts, 20)))


def _take(item: SourceItem, place: Place) -> int:
    source = item.source
    admit(source.client, item.size)
    limit = Sizes.of(source.collection).upload
    _refuse_name_again(item)
    with staging_file(limit=limit, client=source.client_id, promised=item.size) as file:
        read = place.read(original_of(item), file)
        if not file.size:
            raise NotTakeable("package.empty", item.key, f"{item.key} is empty. Upload the file itself.")
        staged = file.finish()
        return _settle(item, read, staged)


def _settle(item: SourceItem, read: Read, staged: StagedFile) -> int:
    """Deposit and item, in one transaction. What came in vain is removed from staging."""
    try:
        with transaction.atomic():
            held = SourceItem.objects.select_for_update().get(pk=item.pk)
            if held.state != ItemState.WAITING or held.source.paused:
                raise NotMine
            if item.source.reject_duplicates:
                _refuse_content_again(item, staged.sha256)
            deposit = submit_item(item.source, held, read, staged)
            SourceItem.objects.filter(pk=item.pk).update(
                state=ItemState.TAKEN, deposit=deposit, sha256=staged.sha256, error="", taken_at=Now()
            )
    except (NotMine, NotTakeable):
        remove([staged.stored_as])
        raise
    return int(deposit.pk)


def _kept(item: SourceItem, **match: str) -> SourceItem | None:
    """An earlier item of the source that was taken in and not rejected."""
    earlier = SourceItem.objects.filter(source=item.source_id, **match).exclude(pk=item.pk)
    is_kept = Q(state__in=[ItemState.TAKEN, ItemState.STORED, ItemState.FAILED], deposit__isnull=False)
    return earlier.filter(is_kept).exclude(deposit__status=Status.REJECTED).order_by("-id").first()


def _refuse_name_again(item: SourceItem) -> None:
    earlier = _kept(item, key=item.key) if item.source.reject_duplicates else None
    if earlier:
        raise NotTakeable(
            "source.duplicate-name",
            item.key,
            f"{item.key} was taken in before, as deposit {earlier.deposit_id}. Upload it under another name if it is "
            "another package.",
        )


def _refuse_content_again(item: SourceItem, sha256: str) -> None:
    with connection.cursor() as cursor:
        # Two with the same content at once: the second waits, and sees the first.
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_DUPLICATES, item.source_id])
    _refuse_name_again(item)
    earlier = _kept(item, sha256=sha256)
    if earlier:
        raise NotTakeable(
            "source.duplicate-content",
            item.key,
            f"{item.key} has the very content of {earlier.key}, which was taken in as deposit {earlier.deposit_id}.",
        )


def _end(item: SourceItem, state: ItemState, error: str) -> ItemState | None:
    changed = SourceItem.objects.filter(pk=item.pk, state=ItemState.WAITING).update(state=state, error=error)
    return state if changed else None


def _reject(item: SourceItem, code: str, subject: str, message: str) -> ItemState | None:
    """Rejected without a deposit: the finding stands in the item itself."""
    where = f" ({subject})" if subject and subject not in message else ""
    return _end(item, ItemState.REJECTED, f"[{code}] {message}{where}")


def _wait(item: SourceItem, error: str, seconds: float, *, counts: bool) -> ItemState:
    SourceItem.objects.filter(pk=item.pk, state=ItemState.WAITING).update(
        error=error, attempts=item.attempts + counts, due_at=Now() + timedelta(seconds=seconds)
    )
    logger.warning("source=%s item=%s waits: %s", item.source, item.short_id, error)
    return ItemState.WAITING


def due_items(source: Source, limit: int) -> list[int]:
    """The oldest items that wait to be taken in and are due."""
    waiting = SourceItem.objects.filter(source=source, state=ItemState.WAITING, due_at__lte=Now())
    return list(waiting.order_by("due_at", "id").values_list("pk", flat=True)[:limit])
