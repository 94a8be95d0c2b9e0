"""From deposit back to item: what became of it, the report beside the upload, and the original's way out.

Storage is proven by the record: a deposit is done when every destination of its collection has it.
"""

import logging
from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Case, CharField, F, Q, Value, When
from django.db.models.functions import Now

from deposit.lists.packages import version_number
from deposit.models import Deposit, Finding, Status
from sources.models import Disposal, ItemState, Source, SourceItem
from sources.places import Changed, Gone, Place
from sources.reports import OUTCOMES, Report, ReportedFinding, as_json, as_text, stem
from sources.taking import original_of

logger = logging.getLogger(__name__)

_BATCH = 200
# What an item's state follows from: the status of its deposit. What is not listed is under way.
STATE_OF = {
    Status.DONE: ItemState.STORED,
    Status.REJECTED: ItemState.REJECTED,
    Status.FAILED: ItemState.FAILED,
    Status.EXPIRED: ItemState.FAILED,
}
_ACCEPTED = (Status.VERIFIED, Status.LOADING)
_OUTCOME = {
    ItemState.TAKEN: "success",
    ItemState.STORED: "stored",
    ItemState.REJECTED: "failed",
    ItemState.FAILED: "failed",
}


def follow(source: Source, *, ended_too: bool) -> int:
    """Give items the state of their deposits; how many changed. ``ended_too``: also where one had failed before."""
    states = [ItemState.TAKEN, *([ItemState.REJECTED, ItemState.FAILED] if ended_too else [])]
    now = Case(
        *[When(deposit__status=status, then=Value(state)) for status, state in STATE_OF.items()],
        default=Value(ItemState.TAKEN),
        output_field=CharField(),
    )
    items = SourceItem.objects.filter(source=source, state__in=states, deposit__isnull=False)
    changed = 0
    for item in items.annotate(now=now).exclude(state=F("now")).values("pk", "state", "now")[:_BATCH]:
        fields: dict[str, object] = {"state": item["now"], "error": ""}
        if item["now"] == ItemState.STORED:
            fields["stored_at"] = Now()
        changed += SourceItem.objects.filter(pk=item["pk"], state=item["state"]).update(**fields)
    return changed


def to_report(source: Source) -> list[SourceItem]:
    """The items whose report does not tell yet what is the case."""
    accepted = Q(state=ItemState.TAKEN, deposit__status__in=_ACCEPTED)
    ended = Q(state__in=[ItemState.REJECTED, ItemState.FAILED, ItemState.STORED])
    items = SourceItem.objects.filter(accepted | ended, source=source).exclude(reported=F("state"))
    return list(items.select_related("deposit").order_by("id")[:_BATCH])


def report(source: Source, item: SourceItem, place: Place) -> None:
    """Write the report of an item, remove those of other outcomes, and remember that. Twice does no harm."""
    told = report_of(source, item)
    # The text last: whoever waits for it finds the JSON there.
    place.put_report(f"{told.stem}.json", as_json(told))
    place.put_report(f"{told.stem}.log", as_text(told))
    if item.deposit is not None:
        place.mark(original_of(item), _tags(told, item))
    stale = {item.report} | {stem(item.key, outcome, item.seen_at, item.short_id) for outcome in OUTCOMES}
    for name in sorted(stale - {told.stem, ""}):
        place.drop_report(f"{name}.log")
        place.drop_report(f"{name}.json")
    SourceItem.objects.filter(pk=item.pk, state=item.state).update(reported=item.state, report=told.stem)


def _tags(told: Report, item: SourceItem) -> dict[str, str]:
    tags = {"deposit-id": str(told.deposit_id), "deposit-state": item.state}
    if told.external_id:
        tags["deposit-external-id"] = told.external_id
    return tags | {f"deposit-{scheme}": value for scheme, value in told.identifiers[:5]}


def report_of(source: Source, item: SourceItem) -> Report:
    """What there is to tell of an item now."""
    deposit = item.deposit
    return Report(
        key=item.key,
        outcome=_OUTCOME[ItemState(item.state)],
        item_id=item.short_id,
        seen_at=item.seen_at,
        source=source.name,
        collection=source.collection.name,
        deposit_id=deposit.pk if deposit else None,
        external_id=(deposit.external_id or "") if deposit else "",
        version=version_number(deposit) if deposit else None,
        page=page_of(deposit) if deposit else "",
        ours=item.state == ItemState.FAILED,
        identifiers=tuple(identifiers_of(deposit)) if deposit else (),
        findings=tuple(_findings(item)),
    )


def page_of(deposit: Deposit) -> str:
    """The address of a deposit's page; "" while nobody has said where the service is reached."""
    return f"{settings.PUBLIC_URL.rstrip('/')}/deposits/{deposit.pk}/" if settings.PUBLIC_URL else ""


def identifiers_of(deposit: Deposit) -> Iterable[tuple[str, str]]:
    """What a deposit is known by once it is stored: its SWHID, and what destinations call it."""
    if deposit.swhid:
        yield "swhid", deposit.swhid
    others = deposit.identifiers.exclude(scheme__startswith="swhid")
    yield from others.order_by("id").values_list("scheme", "value")


def _findings(item: SourceItem) -> Iterable[ReportedFinding]:
    if item.deposit is None:
        code, _, message = item.error.removeprefix("[").partition("] ")
        if item.error.startswith("["):
            yield ReportedFinding(code=code, severity="error", subject="", message=message)
        elif item.error:
            yield ReportedFinding(code="source.failed", severity="error", subject="", message=item.error)
        return
    for found in Finding.objects.filter(deposit=item.deposit).order_by("id"):
        yield ReportedFinding(
            code=found.code, severity=found.severity, subject=found.subject, message=found.message
        )


def to_dispose(source: Source) -> list[SourceItem]:
    """The items whose original may go: stored, for as long as the source keeps originals after that."""
    if source.retention_days is None and not source.completed_dir:
        return []
    days = source.retention_days or 0
    due = SourceItem.objects.filter(
        source=source, state=ItemState.STORED, disposal="", stored_at__lte=Now() - timedelta(days=days)
    )
    # With the report first: who sees that the original has gone finds out why.
    return list(due.filter(reported=ItemState.STORED).order_by("stored_at")[:_BATCH])


def dispose(source: Source, item: SourceItem, place: Place) -> Disposal | None:
    """Delete or move an original, if its storage is proven at this moment. Raises `OSError`."""
    stored = Deposit.objects.filter(source_item=item, status=Status.DONE)
    if not stored.exists():
        return None
    try:
        if source.completed_dir:
            place.move(original_of(item), source.completed_dir)
            done = Disposal.MOVED
        else:
            place.delete(original_of(item))
            done = Disposal.DELETED
    except (Gone, Changed):
        # It went by another hand; or by ours, before we could write that down.
        done = Disposal.GONE
    with transaction.atomic():
        SourceItem.objects.filter(pk=item.pk, disposal="").update(disposal=done, disposed_at=Now())
    logger.info("source=%s item=%s original %s", source, item.short_id, done)
    return done
