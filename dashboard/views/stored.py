"""Is this stored? By SWHID, by SHA-256, by a file that the browser hashes; and what became of an origin."""

import re
import time

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from archive.identifiers import SWHID
from archive.retrieval import find_by_sha256, known
from dashboard.pages import page
from deposit.actors import Actor
from deposit.archive_permissions import readable, wait_in_vain
from deposit.models import Status
from deposit.permissions import Operation, deposits_for, may_service, visible_deposits

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_LISTED = 20


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
    is_stored = swhid is not None and _has(actor, swhid)
    # The identifier behind a digest is told of what is theirs only, too.
    if swhid is not None and (is_stored or not _SHA256.fullmatch(text)):
        context["swhid"] = str(swhid)
        context["is_stored"] = is_stored
        context["deposits"] = list(visible_deposits(actor).filter(swhid=str(swhid)).order_by("-pk")[:_LISTED])
    if not is_stored:
        wait_in_vain(began)
    return render(request, "dashboard/stored.html", context | {"asked": True})


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
