"""Watched folders and buckets: what they have seen, what waits, one item's history, and the report."""

import csv
import io
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q
from django.db.models.functions import Now
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dashboard.pages import page
from dashboard.views.deposits import harmless
from deposit.actors import Actor
from sources import report, selectors
from sources.following import report_of
from sources.models import ItemState, Source, SourceItem
from sources.reports import as_text

_PER_PAGE = 50
_DAYS = 7.0


@require_GET
@page
def source_list(request: HttpRequest, actor: Actor) -> HttpResponse:
    """All sources that exist for the actor."""
    found = selectors.with_counts(selectors.visible_sources(actor))
    lately = Q(items__taken_at__gte=Now() - timedelta(days=1))
    rows = list(found.annotate(taken_lately=Count("items", filter=lately, distinct=True)))
    return render(request, "dashboard/sources/list.html", {"sources": rows})


def _source(actor: Actor, name: str) -> Source:
    source = selectors.with_counts(selectors.visible_sources(actor)).filter(name=name).first()
    if source is None:
        raise Http404
    return source


@require_GET
@page
def source(request: HttpRequest, actor: Actor, name: str) -> HttpResponse:
    """One source, and its items a page at a time."""
    shown = _source(actor, name)
    state, key, before = (request.GET.get(word, "") for word in ("state", "key", "before"))
    found = selectors.items_of(shown, state=state if state in ItemState.values else "", key=key)
    if before.isascii() and before.isdigit() and len(before) < 19:
        found = found.filter(pk__lt=int(before))
    rows = list(found[: _PER_PAGE + 1])
    context = {
        "source": shown,
        "told": selectors.source_summary(shown),
        "items": rows[:_PER_PAGE],
        "older": rows[_PER_PAGE - 1].pk if len(rows) > _PER_PAGE else None,
        "state": state,
        "key": key,
        "states": [(value, ItemState(value).label) for value in ItemState.values],
        "overdue": report.overdue(shown, shown.alert_hours).count(),
    }
    return render(request, "dashboard/sources/source.html", context)


@require_GET
@page
def item(request: HttpRequest, actor: Actor, name: str, item_id: str) -> HttpResponse:
    """One item: its times, its deposit's history, and the report as it stands beside the upload."""
    shown = _source(actor, name)
    # As PostgreSQL writes an identifier: the first hyphen comes after eight digits.
    start = f"{item_id[:8]}-{item_id[8:]}"
    found = SourceItem.objects.filter(source=shown, uuid__startswith=start).select_related("deposit").first()
    if found is None:
        raise Http404
    text = ""
    if found.state not in (ItemState.SEEN, ItemState.WAITING, ItemState.IGNORED):
        text = as_text(report_of(shown, found)).decode()
    events = list(found.deposit.events.order_by("id")[:200]) if found.deposit else []
    context = {"source": shown, "item": found, "report": text, "events": events}
    return render(request, "dashboard/sources/item.html", context)


def _lines(request: HttpRequest, actor: Actor) -> tuple[float, list[report.Line]]:
    asked = request.GET.get("days", "")
    days = float(asked) if asked.isascii() and asked.isdigit() and 0 < len(asked) < 5 else _DAYS
    return days, report.lines(days, sources=list(selectors.visible_sources(actor)))


@require_GET
@page
def source_report(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What came in from each source, and what is not stored in time."""
    days, found = _lines(request, actor)
    return render(request, "dashboard/sources/report.html", {"lines": found, "days": f"{days:g}"})


@require_GET
@page
def source_report_csv(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The same as CSV."""
    _, found = _lines(request, actor)
    rows: list[dict[str, Any]] = report.as_rows(found)
    text = io.StringIO()
    writer = csv.writer(text)
    names = [name for name in report.Line.__dataclass_fields__ if name != "overdue_keys"]
    writer.writerow([*names, "overdue_keys"])
    writer.writerows(
        [*(harmless(row[name]) for name in names), harmless("\n".join(row["overdue_keys"]))] for row in rows
    )
    response = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="sources.csv"'
    return response
