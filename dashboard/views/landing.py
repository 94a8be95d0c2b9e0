"""The page of a deposit for those who do not see the deposit itself, but may read what is archived of it."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dashboard.citation import cite, names_of
from dashboard.description import facts_of, licences_of
from dashboard.pages import open_page
from dashboard.views.deposit import deposit_page
from deposit.actors import Actor
from deposit.metadata.errors import MetadataError
from deposit.permissions import UNKNOWN_DEPOSIT, Operation, deposit_to
from deposit.refusals import Refusal
from deposit.services.deposits import effective_entry


@require_GET
def deposit_or_landing(request: HttpRequest, deposit_id: int) -> HttpResponseBase:
    """The deposit as it is for whoever asks: whole, or what is public of it."""
    if request.user.is_authenticated:
        try:
            return deposit_page(request, deposit_id)
        except Refusal as refusal:
            if refusal.code != UNKNOWN_DEPOSIT:
                raise
    return landing(request, deposit_id)


@open_page
def landing(request: HttpRequest, actor: Actor, deposit_id: int) -> HttpResponse:
    """What is public: title, authors, date, identifiers, and the way to the files."""
    deposit = deposit_to(actor, Operation.READ_ARCHIVED, deposit_id)
    try:
        entry = effective_entry(deposit)
    except MetadataError:
        entry = None
    context = {
        "deposit": deposit,
        "title": (entry and entry.title) or deposit.title or deposit.package_name,
        "authors": names_of(entry) if entry else [],
        "licences": licences_of(entry) if entry else [],
        "facts": facts_of(entry) if entry else None,
        "citation": cite(deposit, entry) if entry else None,
        "has_files": deposit.type == "code",
    }
    return render(request, "dashboard/landing.html", context)
