"""One deposit: what it is, where it stands, what to mend, and what was sent."""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from archive.identifiers import SWHID
from dashboard import polling
from dashboard.actions import possible
from dashboard.citation import cite, names_of
from dashboard.deliveries import deliveries_of
from dashboard.description import facts_of, licences_of
from dashboard.labels import AREAS, ERASED_WORDS, HELD_WORDS, MOVING, OPERATOR_WORDS, STATUS_WORDS
from dashboard.pages import open_page, page
from dashboard.timeline import history, steps_of, timeline
from deposit.actors import Actor
from deposit.http.downloads import SAFE, whole_package
from deposit.metadata.entry import Entry
from deposit.metadata.errors import MetadataError
from deposit.models import Deposit, DepositType, Finding, Part, PartKind, Status, is_erased
from deposit.monitoring.waiting import why_not_done
from deposit.permissions import Operation, may, require, visible_deposit
from deposit.services import confirmation
from deposit.services.deposits import effective_entry
from deposit.services.exports import exported

# A document longer than this, in bytes, is offered for download only.
_LONG_DOCUMENT = 100_000


@require_GET
@page
def deposit_page(request: HttpRequest, actor: Actor, deposit_id: int) -> HttpResponse:
    """The page of a deposit; it keeps up with the record while the deposit moves."""
    unchanged = polling.nothing_new(request)
    if unchanged:
        return unchanged
    deposit = visible_deposit(actor, deposit_id)
    context = _context(request, actor, deposit)
    seconds = 2 if deposit.status in MOVING else 0
    region = polling.region(request, "dashboard/deposit_state.html", context, seconds=seconds)
    return polling.answer(request, region) or render(
        request, "dashboard/deposit.html", context | {"live": region}
    )


def _context(request: HttpRequest, actor: Actor, deposit: Deposit) -> dict[str, Any]:
    content = may(actor, Operation.READ_CONTENT, deposit)
    # Whoever can load it again is told what the machine said; others what it means for them.
    runs_it = may(actor, Operation.RESCHEDULE, deposit)
    entry = _entry(deposit) if content else None
    held = confirmation.is_held(deposit)
    return {
        "deposit": deposit,
        "words": HELD_WORDS
        if held
        else ERASED_WORDS
        if is_erased(deposit)
        else (OPERATOR_WORDS if runs_it else {}).get(deposit.status, STATUS_WORDS[deposit.status]),
        "why": why_not_done(deposit, faults=runs_it) if deposit.status in MOVING and not held else "",
        "held": held,
        "withdrawal": getattr(deposit, "withdrawal", None),
        "may_ask": deposit.status == Status.DONE
        and not is_erased(deposit)
        and may(actor, Operation.REQUEST_DELETION, deposit),
        "may_change": may(actor, Operation.CHANGE, deposit),
        "expires": confirmation.expires(deposit) if held else None,
        "steps": steps_of(deposit),
        "findings": _findings(deposit, held=held),
        "areas": AREAS,
        "deliveries": deliveries_of(deposit, faults=runs_it),
        "moments": timeline(history(deposit), faults=runs_it),
        "parts": list(deposit.parts.defer("document").order_by("pk")[:200]),
        "reads_content": content,
        "entry": entry,
        "authors": names_of(entry) if entry else [],
        "licences": licences_of(entry) if entry else [],
        "facts": facts_of(entry) if entry else None,
        "again": _again(actor, deposit),
        "citation": cite(deposit, entry) if entry else None,
        "document": _document(entry),
        "actions": possible(actor, deposit),
        "badge": _badge_snippet(request, deposit),
        "superseded": [each for each in deposit.identifiers.order_by("pk") if each.is_superseded],
        "has_files": bool(content and deposit.type == "code" and deposit.swhid),
    }


def _findings(deposit: Deposit, *, held: bool) -> list[Finding]:
    """What the checks found. Where the page asks about the package, that comes first, and the question is its own."""
    found = deposit.findings.order_by("severity", "pk")
    if held:
        found = deposit.findings.exclude(code=confirmation.CODE).order_by("severity", "area", "pk")
    return list(found[:500])


def _again(actor: Actor, deposit: Deposit) -> str:
    """Where its depositor mends it: the upload form, with the same description."""
    ended = deposit.status in (Status.REJECTED, Status.EXPIRED) or confirmation.is_held(deposit)
    ended = ended and deposit.type == DepositType.CODE
    if not ended or actor.client is None or actor.client.pk != deposit.client_id:
        return ""
    return f"{reverse('dashboard:upload')}?like={deposit.pk}"


def _badge_snippet(request: HttpRequest, deposit: Deposit) -> str:
    """The badge in Markdown, for a README; it leads to the deposit's page."""
    if not deposit.swhid:
        return ""
    picture = request.build_absolute_uri(reverse("dashboard:badge", args=[deposit.swhid]))
    page = request.build_absolute_uri(reverse("dashboard:deposit", args=[deposit.pk]))
    return f"[![{deposit.swhid}]({picture})]({page})"


def _entry(deposit: Deposit) -> Entry | None:
    try:
        return effective_entry(deposit)
    except MetadataError:
        # The checks tell what is wrong with it; the parts have it as it was sent.
        return None


def _document(entry: Entry | None) -> str | None:
    if entry is None or len(entry.document) > _LONG_DOCUMENT:
        return None
    return entry.document.decode("utf-8", "replace")


@require_GET
@page
def part(request: HttpRequest, actor: Actor, deposit_id: int, part_id: int) -> HttpResponseBase:
    """A part as it was sent, to keep; nothing that was deposited is ever shown as a page of ours."""
    deposit = visible_deposit(actor, deposit_id)
    require(actor, Operation.READ_CONTENT, deposit)
    sent = get_object_or_404(Part, pk=part_id, deposit=deposit)
    response: HttpResponseBase
    if sent.kind == PartKind.METADATA:
        response = HttpResponse(bytes(sent.document or b""), content_type="application/octet-stream")
        response["Content-Disposition"] = f'attachment; filename="metadata-{sent.pk}.xml"'
    else:
        response = whole_package(sent)
    response["Content-Security-Policy"] = SAFE
    return response


@require_GET
@open_page
def export(request: HttpRequest, actor: Actor, deposit_id: int, name: str) -> HttpResponse:
    """The metadata in a format that others read, as a file; for everybody where what is archived is."""
    file = exported(actor, deposit_id, name)
    response = HttpResponse(file.content, content_type=file.content_type)
    response["Content-Disposition"] = f'attachment; filename="{file.file_name}"'
    return response


@require_GET
def badge(request: HttpRequest, swhid: str) -> HttpResponse:
    """A picture of an identifier for a README. It tells nothing but the identifier, so anybody may have it."""
    try:
        core = SWHID.parse(swhid)
    except ValueError:
        return HttpResponse(status=HTTPStatus.NOT_FOUND)
    text = f"{core.type.value}:{core.hash.hex()[:7]}"
    response = render(request, "dashboard/badge.svg", {"text": text, "swhid": str(core)}, "image/svg+xml")
    response["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
    response["Cache-Control"] = "public, max-age=604800, immutable"
    return response
