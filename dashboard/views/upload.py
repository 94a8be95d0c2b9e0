"""Uploading by browser: the plain form works without JavaScript; with it there is progress, and drag and drop."""

from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from dashboard.forms import LICENCES, DescriptionForm, entry_of
from dashboard.pages import page
from dashboard.receiving import UploadForm, received
from deposit.actors import Actor
from deposit.limits import Sizes, metadata_too_large
from deposit.metadata.entry import read_entry
from deposit.metadata.errors import MetadataError
from deposit.metadata.origins import decode_slug
from deposit.models import Deposit
from deposit.permissions import Operation, forbidden
from deposit.refusals import Kind, Refusal
from deposit.selectors import collection_for, collections_of
from deposit.services import deposits
from deposit.services.arrivals import Arrival
from deposit.staging import too_large
from deposit.sword.errors import WIRE


class _Incomplete(Refusal):
    """The description has faults; the form shows them."""

    def __init__(self, form: DescriptionForm) -> None:
        super().__init__(
            Kind.BAD_REQUEST,
            "form.incomplete",
            _("Something is missing or cannot be read."),
            "; ".join(
                f"{form.fields[name].label}: {' '.join(map(str, errors))}"
                for name, errors in form.errors.items()
            ),
        )
        self.form = form


# The form's token is checked by `received`, because Django would read the whole body to find it.
@csrf_exempt
@require_http_methods(["GET", "POST"])
@page
def upload(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The form, and what it sends."""
    if actor.client is None:
        raise forbidden(actor, Operation.DEPOSIT)
    names = [collection.name for collection in collections_of(actor)]
    if request.method == "GET":
        return _page(request, DescriptionForm(collections=names))
    wants_json = "application/json" in request.headers.get("Accept", "")
    try:
        with received(request, actor.client) as form:
            deposit = _deposit(actor, names, form)
    except Refusal as refused:
        return _refused(request, refused, names, wants_json=wants_json)
    if wants_json:
        address = reverse("dashboard:deposit", args=[deposit.pk])
        return JsonResponse({"id": deposit.pk, "url": address}, status=HTTPStatus.CREATED)
    return redirect("dashboard:deposit", deposit.pk)


def _deposit(actor: Actor, names: list[str], form: UploadForm) -> Deposit:
    if form.package is None:
        raise Refusal(
            Kind.BAD_REQUEST,
            "form.no_package",
            _("There is no file."),
            _("Choose a zip or tar file and send the form again."),
        )
    described = DescriptionForm(form.fields, collections=names, described=bool(form.metadata))
    if not described.is_valid():
        raise _Incomplete(described)
    fields = described.cleaned_data
    try:
        entry = read_entry(form.metadata or entry_of(fields))
    except MetadataError as error:
        raise Refusal(Kind.BAD_REQUEST, error.code, str(error)) from error
    collection = collection_for(actor, fields["collection"])
    bounds = Sizes.of(collection)
    if form.package.staged.size > bounds.upload:
        raise too_large(bounds.upload)
    if len(entry.document) > bounds.metadata:
        raise metadata_too_large(bounds.metadata)
    return deposits.create(
        actor=actor,
        collection=collection,
        arrival=Arrival(package=form.package, entry=entry),
        in_progress=False,
        slug=decode_slug(fields["slug"]) or None if fields["slug"] else None,
    )


def _page(request: HttpRequest, form: DescriptionForm, status: int = 200, **context: object) -> HttpResponse:
    context |= {"form": form, "licences": LICENCES, "limit": settings.MAX_UPLOAD_SIZE}
    return render(request, "dashboard/upload.html", context, status=status)


def _refused(request: HttpRequest, refused: Refusal, names: list[str], *, wants_json: bool) -> HttpResponse:
    status = WIRE[refused.kind].status
    if wants_json:
        return JsonResponse(
            {"summary": refused.summary, "hint": refused.hint, "code": refused.code}, status=status
        )
    if isinstance(refused, _Incomplete):
        form = refused.form
    else:
        form = DescriptionForm(getattr(request, "_post", None), collections=names)
    return _page(request, form, status, refusal=refused)
