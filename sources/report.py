"""What came in from each source in some days, and what is not stored in time: for operators, by page, mail and CSV."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.db.models.functions import Now

from sources.models import ItemState, Source, SourceItem

# Names of overdue items are told up to here, for each source.
_NAMED = 20
_OPEN = (ItemState.SEEN, ItemState.WAITING, ItemState.TAKEN, ItemState.FAILED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One source: what came in, and what became of it. ``overdue``: open for longer than the source allows."""

    source: str
    collection: str
    came_in: int
    stored: int
    rejected: int
    failed: int
    under_way: int
    never_started: int
    overdue: int
    overdue_keys: tuple[str, ...]
    trouble: str


def lines(days: float, *, hours: float | None = None, sources: Sequence[Source] | None = None) -> list[Line]:
    """One line for each source about its last ``days`` days. ``hours`` in the place of each source's own limit."""
    found = Source.objects.filter(removed_at__isnull=True).select_related("collection").order_by("name")
    return [_line(source, days, hours) for source in (found if sources is None else sources)]


def _line(source: Source, days: float, hours: float | None) -> Line:
    lately = SourceItem.objects.filter(source=source, seen_at__gte=Now() - timedelta(days=days))

    def number(*states: ItemState) -> int:
        return lately.filter(state__in=states).count()

    late = overdue(source, source.alert_hours if hours is None else hours)
    return Line(
        source=source.name,
        collection=source.collection.name,
        came_in=lately.exclude(state=ItemState.IGNORED).count(),
        stored=number(ItemState.STORED),
        rejected=number(ItemState.REJECTED),
        failed=number(ItemState.FAILED),
        under_way=number(ItemState.TAKEN),
        never_started=number(ItemState.SEEN, ItemState.WAITING),
        overdue=late.count(),
        overdue_keys=tuple(late.values_list("key", flat=True)[:_NAMED]),
        trouble=source.trouble,
    )


def overdue(source: Source, hours: float) -> Any:
    """The items that came longer ago than so many hours, and are neither stored nor rejected; the oldest first."""
    old = Q(seen_at__lt=Now() - timedelta(hours=hours), state__in=_OPEN)
    return SourceItem.objects.filter(old, source=source).order_by("id")


def as_rows(found: Sequence[Line]) -> list[dict[str, Any]]:
    """Lines for programs."""
    return [asdict(line) | {"overdue_keys": list(line.overdue_keys)} for line in found]


def as_text(found: Sequence[Line], days: float) -> str:
    """Lines for a mail."""
    text = [f"What watched folders and buckets took in during the last {days:g} days", ""]
    for line in found:
        text.append(f"{line.source} (collection {line.collection})")
        text.append(
            f"  came in {line.came_in}: {line.stored} stored, {line.rejected} rejected, {line.failed} failed, "
            f"{line.under_way} under way, {line.never_started} not started"
        )
        if line.overdue:
            text.append(f"  NOT STORED IN TIME: {line.overdue}")
            text += [f"    {key}" for key in line.overdue_keys]
        if line.trouble:
            text.append(f"  trouble: {line.trouble}")
        text.append("")
    return "\n".join(text if found else [*text, "There are no sources."])
