"""Uploading by browser: the plain form brings the package itself; with JavaScript it deposits a segmented upload."""

from http import HTTPStatus
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from client import licences
from dashboard.description import FIELDS_OF_PACKAGES, form_of, form_of_package
from dashboard.forms import DescriptionForm, entry_of
from dashboard.pages import page
from dashboard.receiving import UploadForm, received, type_of
from deposit.actors import Actor
from deposit.http.statuses import HTTP_STATUS
from deposit.intake.limits import Sizes, metadata_too_large
from deposit.metadata.entry import Entry, read_entry
from deposit.metadata.errors import MetadataError
from deposit.metadata.origins import decode_slug
from deposit.models import Collection
from deposit.permissions import Operation, forbidden, require, visible_deposit
from deposit.refusals import Kind, Refusal
from deposit.selectors import collection_for, collections_of
from deposit.services import deposits, dry_run, uploads
from deposit.services.idempotency import Answer, fingerprint, once
from deposit.services.parts import Submission, Uploaded
from deposit.services.uploads import unknown_upload
from deposit.staging.files import too_large
from deposit.staging.storage import local_file
from packages.names import known_encoding


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
    collections = list(collections_of(actor))
    if request.method == "GET":
        described = _like(actor, request.GET.get("like", ""))
        return _page(
            request, DescriptionForm(collections=_names(collections), initial=described), collections
        )
    wants_json = "application/json" in request.headers.get("Accept", "")
    try:
        with received(request, actor.client) as form:
            deposit_id = _deposit(actor, _names(collections), form)
    except Refusal as refused:
        return _refused(request, refused, collections, wants_json=wants_json)
    if wants_json:
        address = reverse("dashboard:deposit", args=[deposit_id])
        return JsonResponse({"id": deposit_id, "url": address}, status=HTTPStatus.CREATED)
    return redirect("dashboard:deposit", deposit_id)


def _like(actor: Actor, number: str) -> dict[str, str]:
    """The description of an earlier deposit, to be sent again; nothing where it cannot be read."""
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return {}
    deposit = visible_deposit(actor, int(number))
    require(actor, Operation.READ_CONTENT, deposit)
    try:
        entry = deposits.effective_entry(deposit)
        return form_of(deposit, entry) if entry else {}
    except MetadataError:
        return {}


def _names(collections: list[Collection]) -> list[str]:
    return [collection.name for collection in collections]


def _deposit(actor: Actor, names: list[str], form: UploadForm) -> int:
    """Make the deposit; its number."""
    uploaded = _uploaded(form)
    if form.package is None and uploaded is None:
        raise Refusal(
            Kind.BAD_REQUEST,
            "form.no_package",
            _("There is no file."),
            _("Choose a zip or tar file and send the form again."),
        )
    as_packaged = _as_packaged(form)
    described = DescriptionForm(
        form.fields.dict() | dict.fromkeys(as_packaged, ""),
        collections=names,
        may_be_empty=("title", "authors") if form.metadata else as_packaged,
    )
    if not described.is_valid():
        raise _Incomplete(described)
    fields = described.cleaned_data
    collection = collection_for(actor, fields["collection"])
    says_something = any(fields[name] for name in FIELDS_OF_PACKAGES)
    document = form.metadata or (entry_of(fields) if says_something else b"")
    entry = _entry(document, Sizes.of(collection)) if document else None
    if form.package and form.package.staged.size > Sizes.of(collection).upload:
        raise too_large(Sizes.of(collection).upload)
    submission = Submission(
        package=form.package,
        entry=entry,
        files=(uploaded,) if uploaded else (),
        name_encoding=fields["name_encoding"],
        # Whoever looks at a page can be asked.
        confirm_warnings=True,
    )

    def create() -> Answer:
        deposit = deposits.create(
            actor=actor,
            collection=collection,
            submission=submission,
            in_progress=False,
            slug=decode_slug(fields["slug"]) or None if fields["slug"] else None,
        )
        return Answer(HTTPStatus.CREATED, str(deposit.pk).encode())

    # An upload is deposited once: whoever lost the answer and asks again is told the same deposit.
    key = f"dashboard upload {uploaded.upload_id}" if uploaded else None
    assert actor.user is not None
    outcome = once(user=actor.user, key=key, fingerprint=fingerprint(key), perform=create)
    return int(outcome.answer.body)


def _as_packaged(form: UploadForm) -> list[str]:
    """The fields that stand as the package's own files fill them.

    They are left out: the checker takes them from the files, which say more than a form holds.
    """
    return [name for name in form.fields.get("from_package", "").split() if name in FIELDS_OF_PACKAGES]


@require_POST
@page
def describe(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What the package of a complete upload says of itself, for the form's empty fields.

    Answers ``{"fields": {name: {"value": …, "source": file}}, "notes": […]}`` as JSON; of a package that is too large
    to be looked at here, or is no good, nothing: the checker will say it.
    """
    try:
        upload = uploads.upload_of(actor, UUID(request.POST.get("upload", "")))
    except ValueError:
        raise unknown_upload() from None
    collection = collection_for(actor, request.POST.get("collection", ""))
    try:
        # What would not be looked at is not fetched from a bucket either.
        if upload.size > settings.CHECK_MAX_SIZE:
            raise dry_run.too_large_to_check()
        with local_file(upload.stored_as) as path:
            verdict = dry_run.check_file(
                path,
                collection=collection,
                name_encoding=_encoding_or_empty(request.POST.get("name_encoding", "")),
            )
    except FileNotFoundError:
        raise unknown_upload() from None
    except Refusal as refused:
        if refused.code not in ("check.too_large", "check.busy"):
            raise
        verdict = dry_run.Verdict([])
    fields = {
        name: {"value": value, "source": source}
        for name, (value, source) in form_of_package(verdict.description).items()
    }
    return JsonResponse({"fields": fields, "notes": verdict.description.notes})


def _encoding_or_empty(encoding: str) -> str:
    try:
        return known_encoding(encoding) if encoding.strip() else ""
    except ValueError:
        return ""


def _uploaded(form: UploadForm) -> Uploaded | None:
    """The segmented upload that the form deposits."""
    text = form.fields.get("upload", "")
    if not text:
        return None
    try:
        upload_id = UUID(text)
    except ValueError:
        raise unknown_upload() from None
    name = form.fields.get("package_name", "").replace("\\", "/").rpartition("/")[2].strip()[:1024]
    return Uploaded(upload_id=upload_id, name=name or "package", content_type=type_of(name))


def _entry(document: bytes, bounds: Sizes) -> Entry:
    try:
        entry = read_entry(document)
    except MetadataError as error:
        raise Refusal(Kind.BAD_REQUEST, error.code, str(error)) from error
    if len(entry.document) > bounds.metadata:
        raise metadata_too_large(bounds.metadata)
    return entry


def _page(
    request: HttpRequest,
    form: DescriptionForm,
    collections: list[Collection],
    status: int = 200,
    **context: object,
) -> HttpResponse:
    limits = [{"name": one.name, "limit": Sizes.of(one).upload} for one in collections]
    context |= {
        "form": form,
        "collections": limits,
        "licences": licences.COMMON,
        "limit": settings.MAX_UPLOAD_SIZE,
        "days": max(1, settings.STAGING_MAX_IDLE // 86400),
        "segments": {
            "least": settings.MIN_SEGMENT_SIZE,
            "most": settings.MAX_SEGMENT_SIZE,
            "count": settings.MAX_SEGMENTS,
        },
    }
    return render(request, "dashboard/upload.html", context, status=status)


def _refused(
    request: HttpRequest, refused: Refusal, collections: list[Collection], *, wants_json: bool
) -> HttpResponse:
    status = HTTP_STATUS[refused.kind]
    if wants_json:
        return JsonResponse(
            {"summary": refused.summary, "hint": refused.hint, "code": refused.code}, status=status
        )
    if isinstance(refused, _Incomplete):
        form = refused.form
    else:
        form = DescriptionForm(getattr(request, "_post", None), collections=_names(collections))
    return _page(request, form, collections, status, refusal=refused)
