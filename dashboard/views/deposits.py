"""The list of deposits: filtered, kept up to date, exported."""

import csv
from collections.abc import Iterator
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from dashboard import polling
from dashboard.actions import offered
from dashboard.labels import STATUS_LABELS
from dashboard.pages import page
from deposit.actors import Actor
from deposit.lists.cursor import DepositFilter, Slice, slice_of
from deposit.models import Delivery, Deposit
from deposit.permissions import Operation, may_service, visible_collections, visible_deposits
from settings.postgres.replica import may_read_from_standby, read_alias

_POSITION = ("before", "after", "seen")
# Rows of an export that are asked for at once.
_SLICE = 2000
COLUMNS = (
    "id",
    "status",
    "type",
    "collection",
    "client",
    "title",
    "package",
    "external_id",
    "origin",
    "version",
    "received",
    "completed",
    "swhid",
)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None


def _without(query: QueryDict, *names: str) -> str:
    kept = query.copy()
    for name in names:
        kept.pop(name, None)
    for name in [name for name, values in kept.lists() if not any(values)]:
        del kept[name]
    return kept.urlencode()


def filtered(request: HttpRequest, actor: Actor) -> DepositFilter:
    """The deposits that the query string asks for, of those that exist for the actor."""
    return DepositFilter(request.GET, queryset=visible_deposits(actor))


@require_GET
@page
@may_read_from_standby
def deposit_list(request: HttpRequest, actor: Actor) -> HttpResponse:
    """A slice of the list, newest first."""
    unchanged = polling.nothing_new(request)
    if unchanged:
        return unchanged
    wanted = filtered(request, actor)
    rows: QuerySet[Deposit] = wanted.qs.select_related("client__user", "collection").prefetch_related(
        Prefetch("deliveries", Delivery.objects.filter(current=True), to_attr="current_deliveries")
    )
    before, after = _number(request.GET.get("before")), _number(request.GET.get("after"))
    shown = slice_of(rows, before=before, after=after)
    query = _without(request.GET, *_POSITION)
    actions = offered(actor)
    context = {
        "shown": shown,
        "links": _links(query, shown),
        "actions": actions,
        "is_filtered": bool(query),
        "deposits_here": actor.client is not None,
    }
    region = polling.region(request, "dashboard/deposit_rows.html", context, seconds=0 if before else 10)
    again = polling.answer(request, region)
    if again:
        return again
    return render(
        request, "dashboard/deposits.html", context | _form(actor, wanted, query) | {"live": region}
    )


def _links(query: str, shown: Slice) -> dict[str, str]:
    joined = f"?{query}&" if query else "?"
    links = {}
    if shown.newer:
        links["newer"] = f"{joined}after={shown.newer}"
    if shown.older:
        links["older"] = f"{joined}before={shown.older}"
    return links


def _form(actor: Actor, wanted: DepositFilter, query: str) -> dict[str, Any]:
    return {
        "form": wanted.form,
        "query": query,
        "statuses": [(value, label, value in wanted.form["status"].data) for value, label in _statuses()],
        "collections": visible_collections(actor)[:200],
        "sees_clients": may_service(actor, Operation.SEE_QUEUES),
    }


def _statuses() -> list[tuple[str, str]]:
    return [(value, str(label)) for value, label in STATUS_LABELS.items()]


class Echo:
    """A file whose lines are given back instead of kept."""

    def write(self, line: str) -> str:
        return line


def harmless(value: object) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _lines(deposits: QuerySet[Deposit]) -> Iterator[str]:
    writer = csv.writer(Echo())
    yield writer.writerow(COLUMNS)
    rows = deposits.order_by("-pk").values_list(
        "pk",
        "status",
        "type",
        "collection__name",
        "client__user__username",
        "title",
        "package_name",
        "external_id",
        "origin_url",
        "software_version",
        "reception_date",
        "complete_date",
        "swhid",
    )
    # In slices, so that no database session is held while a client reads, and no table is kept in memory.
    slice_ = list(rows[:_SLICE])
    while slice_:
        for *words, received, completed, swhid in slice_:
            times = ["" if at is None else at.isoformat(timespec="seconds") for at in (received, completed)]
            yield writer.writerow([harmless(cell) for cell in (*words, *times, swhid)])
        slice_ = list(rows.filter(pk__lt=slice_[-1][0])[:_SLICE])


@require_GET
@page
@may_read_from_standby
def export(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    """All deposits of the filtered list as CSV (RFC 4180, UTF-8), streamed."""
    wanted = filtered(request, actor)
    if not wanted.is_valid():
        return HttpResponse(_("These filters cannot be read."), status=400, content_type="text/plain")
    response = StreamingHttpResponse(
        _lines(wanted.qs.using(read_alias())), content_type="text/csv; charset=utf-8; header=present"
    )
    response["Content-Disposition"] = 'attachment; filename="deposits.csv"'
    return response
