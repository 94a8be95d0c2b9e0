"""Withdrawing: asking for it, the requests, and deciding on one."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dashboard.pages import page
from deposit.actors import Actor
from deposit.lifecycle import TransitionRefused
from deposit.models import DeletionKind, DeletionRequest, DeletionState, is_withdrawn
from deposit.permissions import Operation, deposit_to
from deposit.refusals import Kind, Refusal
from deposit.services import deletions

_SHOWN = 100


@require_GET
@page
def deletion_list(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The requests on deposits for which one may ask oneself, newest first."""
    state = request.GET.get("state", "")
    found = deletions.requests_for(actor)
    if state in DeletionState.values:
        found = found.filter(state=state)
    rows = list(found[: _SHOWN + 1])
    context = {
        "requests": rows[:_SHOWN],
        "more": len(rows) > _SHOWN,
        "shown": _SHOWN,
        "state": state,
        "states": DeletionState.choices,
    }
    return render(request, "dashboard/deletions/list.html", context)


@require_GET
@page
def deletion(request: HttpRequest, actor: Actor, request_id: int) -> HttpResponse:
    """One request: who asks, why, and the decision."""
    return _shown(request, actor, deletions.request_for(actor, request_id))


def _shown(
    request: HttpRequest, actor: Actor, asked: DeletionRequest, *, fault: str = "", note: str = ""
) -> HttpResponse:
    is_open = asked.state == DeletionState.REQUESTED
    context = {
        "asked": asked,
        "may_review": deletions.may_review(actor, asked),
        "may_cancel": is_open and actor.user is not None and actor.user.pk == asked.requester_id,
        "is_open": is_open,
        "fault": fault,
        "note": note,
    }
    return render(request, "dashboard/deletions/one.html", context, status=400 if fault else 200)


@require_http_methods(["GET", "POST"])
@page
def ask(request: HttpRequest, actor: Actor, deposit_id: int) -> HttpResponse:
    """The form that asks for a deposit to be withdrawn, or for a withdrawn one to be restored."""
    deposit = deposit_to(actor, Operation.REQUEST_DELETION, deposit_id)
    kind = DeletionKind.RESTORE if is_withdrawn(deposit) else DeletionKind.WITHDRAW
    reason, fault = request.POST.get("reason", ""), ""
    if request.method == "POST":
        try:
            made = deletions.request(actor=actor, deposit_id=deposit.pk, kind=kind, reason=reason)
        except (Refusal, TransitionRefused) as refused:
            fault = _words(refused)
        else:
            messages.success(request, _("Somebody else has to approve the request now."))
            return redirect("dashboard:deletion", made.pk)
    context = {
        "deposit": deposit,
        "kind": kind,
        "reason": reason,
        "fault": fault,
        "open": deletions.open_request(deposit),
    }
    return render(request, "dashboard/deletions/ask.html", context, status=400 if fault else 200)


_ACTS: dict[str, Callable[[Actor, int, str], DeletionRequest]] = {
    "approve": lambda actor, number, note: deletions.approve(actor=actor, request_id=number, note=note),
    "reject": lambda actor, number, note: deletions.reject(actor=actor, request_id=number, note=note),
    "cancel": lambda actor, number, note: deletions.cancel(actor=actor, request_id=number),
}


@require_POST
@page
def review(request: HttpRequest, actor: Actor, request_id: int) -> HttpResponse:
    """Approve, reject or cancel a request."""
    act = _ACTS.get(request.POST.get("action", ""))
    if act is None:
        raise Refusal(
            Kind.BAD_REQUEST, "deletion.action", "There is no such action.", "Use the buttons of the page."
        )
    note = request.POST.get("note", "")
    try:
        act(actor, request_id, note)
    except (Refusal, TransitionRefused) as refused:
        asked = deletions.request_for(actor, request_id)
        return _shown(request, actor, asked, fault=_words(refused), note=note)
    messages.success(request, _("Done."))
    return redirect("dashboard:deletion", request_id)


def _words(refused: Refusal | TransitionRefused) -> str:
    return f"{refused.summary} {refused.hint}" if isinstance(refused, Refusal) else str(refused)
