"""Writing down what a source saw. An item is written at least once and kept once, however often it is seen."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from sources.models import ItemState, Source, SourceItem
from sources.places import Sighting

_BATCH = 500


def record_complete(
    source: Source, sightings: Iterable[Sighting], *, present: Callable[[], set[str]] | None = None
) -> int:
    """Let complete things wait to be taken in; how many of them were not known.

    ``present`` answers with the names that are there now; it is asked only when something may have been renamed. What
    was seen under another name that is not there any more has been renamed: it stays the item it is.
    """
    left, new = iter(sightings), 0
    while batch := list(islice(left, _BATCH)):
        new += _record(source, batch, present)
    return new


def _record(source: Source, sightings: Sequence[Sighting], present: Callable[[], set[str]] | None) -> int:
    with transaction.atomic():
        keys = [each.key for each in sightings]
        SourceItem.objects.filter(source=source, key__in=keys, version="").delete()
        known = set(SourceItem.objects.filter(source=source, key__in=keys).values_list("key", "version"))
        fresh = [each for each in sightings if (each.key, each.version) not in known]
        renamed = _follow_renames(source, fresh, present) if present and fresh else set()
        new = [each for each in fresh if each.key not in renamed]
        SourceItem.objects.bulk_create(
            [
                SourceItem(
                    source=source,
                    key=each.key,
                    version=each.version,
                    size=each.size,
                    is_directory=each.is_directory,
                    state=ItemState.WAITING,
                )
                for each in new
            ],
            ignore_conflicts=True,
        )
    return len(new)


def _follow_renames(
    source: Source, sightings: Sequence[Sighting], present: Callable[[], set[str]]
) -> set[str]:
    """Give items that were renamed their new keys; answers with these."""
    by_version = {each.version: each.key for each in sightings}
    same = SourceItem.objects.filter(source=source, version__in=by_version, disposal="")
    candidates = list(same.exclude(state=ItemState.IGNORED).select_for_update())
    there = present() if candidates else set()
    renamed: set[str] = set()
    for item in candidates:
        key = by_version[item.version]
        if item.key not in there and key not in renamed:
            SourceItem.objects.filter(pk=item.pk).update(key=key, reported="")
            renamed.add(key)
    return renamed


def record_seen(source: Source, keys: Iterable[str]) -> None:
    """Show what is there and not complete yet."""
    known = set(SourceItem.objects.filter(source=source, version="").values_list("key", flat=True))
    SourceItem.objects.bulk_create(
        [SourceItem(source=source, key=key, version="") for key in keys if key not in known],
        ignore_conflicts=True,
    )


def noted_keys(source: Source, limit: int) -> list[str]:
    """What was written down to be looked at, the oldest first."""
    noted = SourceItem.objects.filter(source=source, version="").order_by("id")
    return list(noted.values_list("key", flat=True)[:limit])


def record_vanished(source: Source, keys: Sequence[str]) -> None:
    """What went before it was complete was never an item."""
    if keys:
        SourceItem.objects.filter(source=source, version="", key__in=keys).delete()


def known_versions(source: Source) -> dict[str, set[str]]:
    """The versions of each key that have been written down."""
    found: dict[str, set[str]] = {}
    rows = SourceItem.objects.filter(source=source).exclude(version="").values_list("key", "version")
    for key, version in rows.iterator(chunk_size=5000):
        found.setdefault(key, set()).add(version)
    return found


def retry(source: Source, key: str) -> int:
    """Let what was rejected or failed under this key wait again; how many items that are.

    An item with a deposit gets a new one: the earlier one stays as it is in the record.
    """
    again = SourceItem.objects.filter(
        source=source,
        key=key,
        state__in=[ItemState.REJECTED, ItemState.FAILED, ItemState.IGNORED, ItemState.WAITING],
    ).order_by("-id")[:1]
    return SourceItem.objects.filter(pk__in=[item.pk for item in again]).update(
        state=ItemState.WAITING,
        deposit=None,
        error="",
        attempts=0,
        retries=F("retries") + 1,
        due_at=Now(),
        taken_at=None,
    )
