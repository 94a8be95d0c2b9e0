"""Packages by external identifier: is it stored, which versions are there; as a page and as CSV."""

import csv
import io

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dashboard.pages import page
from dashboard.views.deposits import harmless
from deposit.actors import Actor
from deposit.lists.packages import PackageFilter, packages_for, version_number
from deposit.models import Deposit, Status

_PER_PAGE = 50
_EXPORTED = 10_000
COLUMNS = (
    "external_id",
    "version",
    "collection",
    "deposit",
    "status",
    "stored_at",
    "file_name",
    "title",
    "swhid",
)
FIELDS = ("external_id", "accession", "file_name", "sha256", "stored_after", "stored_before")


def _found(request: HttpRequest, actor: Actor) -> PackageFilter:
    return PackageFilter(request.GET, queryset=packages_for(actor).order_by("-id"))


@require_GET
@page
def package_list(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The newest versions that fit."""
    wanted = _found(request, actor)
    asked = {name: request.GET.get(name, "") for name in FIELDS}
    rows = []
    if any(asked.values()) and wanted.is_valid():
        rows = [(deposit, version_number(deposit)) for deposit in wanted.qs[:_PER_PAGE]]
    context = {
        "asked": asked,
        "is_asked": any(asked.values()),
        "errors": wanted.form.errors,
        "rows": rows,
        "is_stored": any(deposit.status == Status.DONE for deposit, _ in rows),
        "query": request.GET.urlencode(),
    }
    return render(request, "dashboard/packages.html", context)


@require_GET
@page
def package_csv(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The same as CSV, all that fit up to ten thousand."""
    wanted = _found(request, actor)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    if wanted.is_valid():
        writer.writerows(map(_line, wanted.qs[:_EXPORTED]))
    response = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="packages.csv"'
    return response


def _line(deposit: Deposit) -> list[str]:
    stored_at = deposit.status_changed_at.isoformat() if deposit.status == Status.DONE else ""
    cells = (
        deposit.external_id,
        version_number(deposit),
        deposit.collection.name,
        deposit.pk,
        deposit.status,
        stored_at,
        deposit.package_name,
        deposit.title,
        deposit.swhid,
    )
    return [harmless(cell) for cell in cells]
