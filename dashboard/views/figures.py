"""The service in numbers, over time: what came in, what failed, how long it took, how large it was, and whose."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from dashboard.labels import STATUS_LABELS
from dashboard.pages import page
from dashboard.plots import PALETTE, Plot, Series, draw, in_bytes, in_time
from dashboard.sizes import size_in_words
from dashboard.templatetags.deposits import duration
from dashboard.ttl_cache import TTLCache
from dashboard.views.deposits import Echo, harmless
from deposit.actors import Actor
from deposit.models import DailyStatistics
from deposit.monitoring import daily_statistics
from deposit.monitoring.daily_statistics import Span
from deposit.permissions import Operation, may_service, visible_collections, visible_statistics

PERIODS = (30, 90, 365)
# More days than this are drawn by weeks.
_DAILY = 90
# As many collections and clients have a line of their own in a plot.
_LINES = 5
COLUMNS = ("received", "size", "largest", "done", "rejected", "failed", "waited", "longest")

counted = TTLCache(lambda: daily_statistics.bring_up_to_date(), 30)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Which figures the query string asks for."""

    days: int
    collection: str
    client: str

    @property
    def until(self) -> date:
        """Today (UTC)."""
        return datetime.now(UTC).date()

    @property
    def since(self) -> date:
        """The first day."""
        return self.until - timedelta(days=self.days - 1)

    @property
    def is_weekly(self) -> bool:
        """Whether a point is a week."""
        return self.days > _DAILY


def _wanted(request: HttpRequest) -> Wanted:
    days = request.GET.get("days", "")
    return Wanted(
        days=int(days) if days in map(str, PERIODS) else PERIODS[0],
        collection=request.GET.get("collection", "").replace("\x00", "")[:100],
        client=request.GET.get("client", "").replace("\x00", "")[:150],
    )


def _statistics(actor: Actor, wanted: Wanted) -> QuerySet[DailyStatistics]:
    found = visible_statistics(actor)
    if wanted.collection:
        found = found.filter(collection__name=wanted.collection)
    if wanted.client:
        found = found.filter(client__user__username=wanted.client)
    return found


@require_GET
@page
def figures(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Plots and tables over the last month, quarter or year."""
    is_whole = counted.get()
    wanted = _wanted(request)
    mine = _statistics(actor, wanted)
    spans = daily_statistics.spans(mine, since=wanted.since, until=wanted.until, weekly=wanted.is_weekly)
    plots = [*_plots(wanted, spans)]
    groups = [_group(mine, wanted, *one) for one in _groupings(actor)]
    context = {
        "wanted": wanted,
        "periods": PERIODS,
        "collections": visible_collections(actor)[:200],
        "sees_clients": may_service(actor, Operation.SEE_QUEUES),
        "whole": daily_statistics.whole(mine, since=wanted.since, until=wanted.until),
        "plots": plots,
        "groups": groups,
        "drawn": draw(plots + [group["plot"] for group in groups]),
        "is_whole": is_whole,
        "query": request.GET.urlencode(),
    }
    return render(request, "dashboard/figures.html", context)


def _plots(wanted: Wanted, spans: list[Span]) -> Iterator[Plot]:
    days = [span.day for span in spans]
    tally = [span.tally for span in spans]

    def plot(name: str, title: str, *series: Series, shown: Any = str, scale: float = 1) -> Plot:
        return Plot(
            name=name,
            title=title,
            days=days,
            series=series,
            shown=shown,
            scale=scale,
            is_weekly=wanted.is_weekly,
        )

    def measured(name: str, title: str, units: Any, busy: Any, warn: Any, *, shown: Any) -> Plot:
        """Two lines in the unit that suits the larger."""
        scale, unit = units([busy[1], warn[1]])
        lines = Series(busy[0], "busy", busy[1]), Series(warn[0], "warn", warn[1])
        return plot(name, title % {"unit": unit}, *lines, shown=shown, scale=scale)

    yield plot(
        "throughput",
        _("Throughput"),
        Series(_("received"), "busy", [one.received for one in tally]),
        Series(STATUS_LABELS["done"], "good", [one.done for one in tally]),
    )
    yield plot(
        "failures",
        _("Failures"),
        Series(STATUS_LABELS["rejected"], "warn", [one.rejected for one in tally]),
        Series(STATUS_LABELS["failed"], "bad", [one.failed for one in tally]),
    )
    yield measured(
        "waits",
        _("From complete to archived, in %(unit)s"),
        in_time,
        (_("on average"), [one.mean_wait for one in tally]),
        (_("longest"), [one.longest for one in tally]),
        shown=lambda seconds: duration(timedelta(seconds=seconds)) if seconds else "-",
    )
    yield measured(
        "sizes",
        _("Received, in %(unit)s"),
        in_bytes,
        (_("in all"), [one.size for one in tally]),
        (_("largest deposit"), [one.largest for one in tally]),
        shown=size_in_words,
    )


def _groupings(actor: Actor) -> list[tuple[str, str, str, str]]:
    """How figures are told apart: the path of the name, the filter, the title, the name of the plot."""
    found = [("collection__name", "collection", _("By collection"), "collections")]
    if may_service(actor, Operation.SEE_QUEUES) or not actor.client:
        found.append(("client__user__username", "client", _("By client"), "clients"))
    return found


def _group(
    mine: QuerySet[DailyStatistics], wanted: Wanted, path: str, filtered: str, title: str, name: str
) -> dict[str, Any]:
    rows = daily_statistics.busiest(mine, path, since=wanted.since, until=wanted.until)
    lines = []
    days: list[date] = []
    for (label, _tally), colour in zip(rows[:_LINES], PALETTE, strict=False):
        spans = daily_statistics.spans(
            mine.filter(**{path: label}), since=wanted.since, until=wanted.until, weekly=wanted.is_weekly
        )
        days = [span.day for span in spans]
        lines.append(Series(label, colour, [span.tally.received for span in spans]))
    plot = Plot(name=name, title=title, days=days, series=lines, is_weekly=wanted.is_weekly)
    return {"plot": plot, "rows": rows, "filter": filtered, "lines": _LINES}


@require_GET
@page
def export(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    """The figures behind the plots as CSV: a line per day, collection and client."""
    counted.get()
    wanted = _wanted(request)
    rows = _statistics(actor, wanted).filter(day__gte=wanted.since, day__lte=wanted.until)
    response = StreamingHttpResponse(_lines(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="figures-{wanted.until}.csv"'
    return response


def _lines(rows: QuerySet[DailyStatistics]) -> Iterator[str]:
    writer = csv.writer(Echo())
    yield writer.writerow(("day", "collection", "client", *COLUMNS))
    named = rows.order_by("day", "collection__name", "client__user__username").values_list(
        "day", "collection__name", "client__user__username", *COLUMNS
    )
    for row in named.iterator(chunk_size=2000):
        yield writer.writerow([harmless(cell) for cell in row])
