"""Withdrawing and erasing: asking for it, the requests, deciding on one, and its report."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dashboard import polling
from dashboard.pages import page
from deposit.actors import Actor
from deposit.erasure.report import copy_facts, counted
from deposit.erasure.report_pdf import as_pdf
from deposit.lifecycle import TransitionRefused
from deposit.models import DeletionKind, DeletionRequest, DeletionState, is_erased, is_withdrawn
from deposit.permissions import Operation, deposit_to, may
from deposit.refusals import Kind, Refusal
from deposit.services import deletions, erasing

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
    """One request: who asks, why, and the decision; of an erasure its plan, and how far it is."""
    return _shown(request, actor, deletions.request_for(actor, request_id))


def _live(request: HttpRequest, actor: Actor, asked: DeletionRequest) -> dict[str, Any]:
    """What changes by itself: the plan while it is made, and what is erased while it goes."""
    plan = erasing.plan_for(actor, asked)
    is_open = asked.state == DeletionState.REQUESTED
    waits = (is_open and asked.plan is None) or (
        asked.state == DeletionState.APPROVED and not asked.erased_at
    )
    context = {
        "asked": asked,
        "is_open": is_open,
        "plan": plan,
        "made_at": datetime.fromisoformat(plan["made_at"]) if plan else None,
        "goes": counted(plan["goes"]) if plan else "",
        "stays": counted(plan["stays"]) if plan else "",
        "copies": copy_facts(erasing.copies_for(actor, asked)),
    }
    seconds = 2 if asked.kind == DeletionKind.ERASE and waits else 0
    return polling.region(request, "dashboard/deletions/plan.html", context, seconds=seconds)


def _shown(
    request: HttpRequest, actor: Actor, asked: DeletionRequest, *, fault: str = "", note: str = ""
) -> HttpResponse:
    is_open = asked.state == DeletionState.REQUESTED
    live = _live(request, actor, asked)
    if request.method == "GET" and (part := polling.answer(request, live)):
        return part
    context = {
        "asked": asked,
        "live": live,
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
    """The form that asks for a deposit to be withdrawn, for a withdrawn one to be restored, or for one to be erased."""
    deposit = deposit_to(actor, Operation.REQUEST_DELETION, deposit_id)
    kind = DeletionKind.RESTORE if is_withdrawn(deposit) else DeletionKind.WITHDRAW
    if (request.POST or request.GET).get("kind") == DeletionKind.ERASE:
        deposit = deposit_to(actor, Operation.REQUEST_ERASURE, deposit_id)
        kind = DeletionKind.ERASE
    reason, objects, fault = request.POST.get("reason", ""), request.POST.get("objects", ""), ""
    if request.method == "POST":
        try:
            made = deletions.request(
                actor=actor, deposit_id=deposit.pk, kind=kind, reason=reason, objects=objects.split()
            )
        except (Refusal, TransitionRefused) as refused:
            fault = _words(refused)
        else:
            messages.success(request, _("Somebody else has to approve the request now."))
            return redirect("dashboard:deletion", made.pk)
    context = {
        "deposit": deposit,
        "kind": kind,
        "reason": reason,
        "objects": objects,
        "fault": fault,
        "open": deletions.open_request(deposit),
        "erased": is_erased(deposit),
        "may_erase": may(actor, Operation.REQUEST_ERASURE, deposit),
    }
    return render(request, "dashboard/deletions/ask.html", context, status=400 if fault else 200)


@require_GET
@page
def report(request: HttpRequest, actor: Actor, request_id: int) -> HttpResponse:
    """The report of a request, to read and to print."""
    asked = deletions.request_for(actor, request_id)
    context = {"report": erasing.report_for(actor, asked), "number": asked.pk}
    return render(request, "dashboard/deletions/report.html", context)


@require_GET
@page
def report_pdf(request: HttpRequest, actor: Actor, request_id: int) -> HttpResponse:
    """The same as PDF."""
    asked = deletions.request_for(actor, request_id)
    return HttpResponse(
        as_pdf(erasing.report_for(actor, asked)),
        content_type="application/pdf",
        headers={"Content-Disposition": f'inline; filename="request-{asked.pk}.pdf"'},
    )


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
