"""Is this stored? By SWHID, by SHA-256, by a file that the browser hashes; and what became of an origin."""

import re
import time
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from archive.identifiers import SWHID
from archive.retrieval import find_by_sha256, known
from dashboard.pages import page
from deposit.actors import Actor
from deposit.archive_permissions import readable, wait_in_vain, whereabouts
from deposit.models import Deposit, Event, Part, PartKind, Status
from deposit.permissions import Operation, deposits_for, may_service, visible_deposits

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_LISTED = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where something is: a deposit; in it a path, or the name of the package that it is; and since when."""

    deposit: Deposit
    since: datetime
    path: str = ""
    url: str = ""
    package: str = ""


@require_GET
@page
def stored(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Whether the archive has something; depositors are told of what is theirs only."""
    text = request.GET.get("q", "").strip()
    context: dict[str, object] = {"q": text, "everything": may_service(actor, Operation.READ_CONTENT)}
    if not text:
        return render(request, "dashboard/stored.html", context)
    began = time.monotonic()
    swhid = _identify(text)
    if swhid is None and not _SHA256.fullmatch(text):
        return redirect(f"{reverse('dashboard:deposits')}?q={_quoted(text)}")
    in_archive = swhid is not None and _has(actor, swhid)
    packages = _packages(actor, text.lower()) if _SHA256.fullmatch(text) else []
    is_stored = in_archive or any(place.deposit.status == Status.DONE for place in packages)
    # The identifier behind a digest is told of what is theirs only, too.
    if swhid is not None and (in_archive or not _SHA256.fullmatch(text)):
        context["swhid"] = str(swhid)
    if swhid is not None and in_archive:
        context["places"] = _places(actor, swhid)
    context |= {"asked": True, "is_stored": is_stored, "packages": packages}
    if not is_stored:
        wait_in_vain(began)
    return render(request, "dashboard/stored.html", context)


def _packages(actor: Actor, sha256: str) -> list[Place]:
    """Deposits to which the very file was sent as a package, oldest first."""
    parts = Part.objects.filter(sha256=sha256, kind=PartKind.PACKAGE, deposit__in=visible_deposits(actor))
    listed = list(parts.select_related("deposit").defer("document").order_by("id")[:_LISTED])
    return [Place(deposit=part.deposit, since=part.created_at, package=part.name) for part in listed]


def _places(actor: Actor, swhid: SWHID) -> list[Place]:
    found = whereabouts(actor, swhid, most=_LISTED)
    loaded = Event.objects.filter(deposit__in=[deposit.pk for deposit, _path in found], name="finish")
    since = dict(loaded.order_by("-id").values_list("deposit_id", "at"))
    return [_place(deposit, path, since.get(deposit.pk)) for deposit, path in found]


def _place(deposit: Deposit, path: bytes, since: datetime | None) -> Place:
    url = reverse("dashboard:files", args=[deposit.pk]) + quote(path) if path else ""
    return Place(
        deposit=deposit,
        since=since or deposit.status_changed_at,
        path=path.decode(errors="backslashreplace"),
        url=url,
    )


def _quoted(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def _identify(text: str) -> SWHID | None:
    if _SHA256.fullmatch(text):
        return find_by_sha256(bytes.fromhex(text))
    try:
        return SWHID.parse(text.partition(";")[0])
    except ValueError:
        return None


def _has(actor: Actor, swhid: SWHID) -> bool:
    if may_service(actor, Operation.READ_CONTENT):
        return bool(known([swhid]))
    return readable(actor, swhid)


@require_GET
@page
def origin_history(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The deposits of an origin, newest first: its history as far as it is the actor's to see."""
    origin = request.GET.get("origin", "")
    deposits = deposits_for(actor, Operation.READ).filter(origin_url=origin, status=Status.DONE, type="code")
    rows = list(deposits.select_related("collection", "client__user").order_by("-pk")[:200]) if origin else []
    return render(request, "dashboard/origin.html", {"origin": origin, "deposits": rows})
