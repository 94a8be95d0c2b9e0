"""Reading the record of sources: as plain dictionaries, for the command line, the API and the pages."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Count, Q, QuerySet

from deposit.actors import Actor
from deposit.permissions import Operation, may_service, visible_collections
from sources.models import ItemState, Source, SourceItem


def visible_sources(actor: Actor) -> QuerySet[Source]:
    """The sources of collections that exist for the actor; operators and administrators see all."""
    sources = Source.objects.filter(removed_at__isnull=True).select_related("collection")
    if may_service(actor, Operation.SEE_QUEUES):
        return sources.order_by("name")
    return sources.filter(collection__in=visible_collections(actor)).order_by("name")


def with_counts(sources: QuerySet[Source]) -> QuerySet[Source]:
    """Sources with a count of items for each state, as ``n_<state>``."""
    counts = {f"n_{state}": Count("items", filter=Q(items__state=state)) for state in ItemState.values}
    return sources.annotate(**counts)


def source_summary(source: Source) -> dict[str, Any]:
    """A source for programs; secrets are references only."""
    told = {
        "name": source.name,
        "kind": source.kind,
        "location": source.location,
        "collection": source.collection.name,
        "profile": source.profile,
        "profile_options": source.profile_options,
        "paused": source.paused,
        "stable_seconds": source.stable_seconds,
        "ignore": source.ignore,
        "retention_days": source.retention_days,
        "completed_dir": source.completed_dir,
        "strip_top_level_dir": source.strip_top_level_dir,
        "reject_duplicates": source.reject_duplicates,
        "exclude_hidden_files": source.exclude_hidden_files,
        "polling": source.polling,
        "events": source.events,
        "alert_hours": source.alert_hours,
        "scanned_at": _moment(source.scanned_at),
        "seen_at": _moment(source.seen_at),
        "trouble": source.trouble,
    }
    if hasattr(source, "n_seen"):
        told["items"] = {state: getattr(source, f"n_{state}") for state in ItemState.values}
    return told


def _moment(value: Any) -> str | None:
    return value.isoformat(timespec="seconds") if value else None


def items_of(source: Source, *, state: str = "", key: str = "") -> QuerySet[SourceItem]:
    """A source's items, newest first."""
    found = SourceItem.objects.filter(source=source).select_related("deposit").order_by("-id")
    if state:
        found = found.filter(state=state)
    return found.filter(key=key) if key else found


def item_summary(item: SourceItem) -> dict[str, Any]:
    """An item for programs. ``report`` is the name of the report beside the upload, without its ending."""
    return {
        "key": item.key,
        "version": item.version,
        "state": item.state,
        "deposit": item.deposit_id,
        "error": item.error,
        "report": f"{item.report}.log" if item.report else "",
        "id": item.short_id,
        "size": item.size,
        "seen_at": _moment(item.seen_at),
        "taken_at": _moment(item.taken_at),
        "stored_at": _moment(item.stored_at),
        "disposal": item.disposal,
    }


def item_summaries(items: Iterable[SourceItem]) -> list[dict[str, Any]]:
    """Items for programs."""
    return [item_summary(item) for item in items]
