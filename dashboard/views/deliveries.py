"""Deliveries: the list, one with its steps, and what operators do to one or many, once they saw what would happen."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from dashboard.deliveries import STATES, DeliveryLine, line_of
from dashboard.pages import page
from deposit.actors import Actor
from deposit.lifecycle import TransitionRefused
from deposit.lists import deliveries as told
from deposit.models import OPEN_DELIVERIES
from deposit.permissions import Operation, may_service
from deposit.refusals import Kind, Refusal
from deposit.services import deliveries

PER_PAGE = 50
MANY = 500
# Verb -> its label, and what it does.
VERBS: dict[str, tuple[Promise, Promise]] = {
    "retry": (
        gettext_lazy("Retry"),
        gettext_lazy(
            "What the earlier delivery has left is looked at first; only what came to nothing is done again."
        ),
    ),
    "cancel": (
        gettext_lazy("Cancel"),
        gettext_lazy("The delivery ends before its next step. What works elsewhere is not stopped by that."),
    ),
    "abandon": (
        gettext_lazy("Give up"),
        gettext_lazy("The delivery ends before its next step, as given up."),
    ),
}


@require_GET
@page
def delivery_list(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The newest deliveries that fit, a page at a time."""
    wanted = told.DeliveryFilter(request.GET, queryset=told.visible_deliveries(actor))
    found = wanted.qs
    before = request.GET.get("before", "")
    if before.isascii() and before.isdigit() and len(before) < 19:
        found = found.filter(pk__lt=int(before))
    rows = list(found[: PER_PAGE + 1])
    query = request.GET.copy()
    query.pop("before", None)
    context = {
        "rows": [(one, *STATES[one.state]) for one in rows[:PER_PAGE]],
        "older": rows[PER_PAGE - 1].pk if len(rows) > PER_PAGE else None,
        "query": query.urlencode(),
        "form": wanted.form,
        "states": [
            (value, word, value in request.GET.getlist("state"))
            for value, (word, _tone, _colour) in STATES.items()
        ],
        "verbs": _verbs(actor, [*VERBS]),
    }
    return render(request, "dashboard/deliveries/list.html", context)


def _verbs(actor: Actor, names: list[str]) -> list[tuple[str, Promise]]:
    if not may_service(actor, Operation.RESCHEDULE):
        return []
    return [(name, VERBS[name][0]) for name in names]


@require_GET
@page
def delivery_page(request: HttpRequest, actor: Actor, delivery_id: int) -> HttpResponse:
    """One delivery with its steps, what it asks, and what can be done to it."""
    delivery = deliveries.delivery_for(actor, delivery_id, Operation.READ)
    faults = may_service(actor, Operation.SEE_QUEUES)
    line: DeliveryLine = line_of(delivery, faults=faults)
    open_ = delivery.state in OPEN_DELIVERIES
    names = (
        ["cancel", "abandon"] if open_ else ["retry"] if delivery.state != "done" and delivery.current else []
    )
    context: dict[str, Any] = {
        "delivery": delivery,
        "line": line,
        "told": told.whole(delivery, faults=faults),
        "verbs": _verbs(actor, names),
        "options": delivery.question.get("options", {}).items()
        if may_service(actor, Operation.RESCHEDULE)
        else [],
        "reconciles": may_service(actor, Operation.RESCHEDULE) and not open_,
    }
    return render(request, "dashboard/deliveries/one.html", context)


def _verb(name: str) -> str:
    if name not in VERBS:
        raise Refusal(
            Kind.BAD_REQUEST,
            "delivery.verb",
            _("There is no such action."),
            _("Go back to the list and choose one of the buttons below it."),
        )
    return name


def _ids(texts: list[str]) -> list[int]:
    return [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 19][:MANY]


@require_GET
@page
def confirm(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What would happen to the chosen deliveries, or to all that a filter finds."""
    verb = _verb(request.GET.get("verb", ""))
    if request.GET.get("scope") == "filter":
        found = told.DeliveryFilter(request.GET, queryset=told.visible_deliveries(actor)).qs
        ids = list(found.values_list("pk", flat=True)[:MANY])
    else:
        ids = _ids(request.GET.getlist("id"))
    outcomes = deliveries.preview(verb, ids, actor=actor)
    label, effect = VERBS[verb]
    context = {"verb": verb, "label": label, "effect": effect, "outcomes": outcomes}
    context["ready"] = [one.delivery for one in outcomes if not one.refusal]
    return render(request, "dashboard/deliveries/confirm.html", context)


@require_POST
@page
def act(request: HttpRequest, actor: Actor) -> HttpResponseRedirect:
    """Do it, and say how it went."""
    verb = _verb(request.POST.get("verb", ""))
    ids = _ids(request.POST.getlist("id"))
    arguments = {"mode": request.POST.get("mode") or None} if verb == "retry" else {}
    for one in deliveries.perform(verb, ids, actor=actor, **arguments):
        if one.refusal:
            messages.warning(request, one.refusal)
        else:
            messages.success(request, f"{VERBS[verb][0]}: {one.delivery}")
    return redirect("dashboard:delivery", ids[0]) if len(ids) == 1 else redirect("dashboard:deliveries")


@require_POST
@page
def decide(request: HttpRequest, actor: Actor, delivery_id: int) -> HttpResponseRedirect:
    """Answer what a delivery asks."""
    return _act(request, delivery_id, deliveries.decide, actor=actor, option=request.POST.get("option", ""))


@require_POST
@page
def reconcile(request: HttpRequest, actor: Actor, delivery_id: int) -> HttpResponseRedirect:
    """Have a worker look what is stored."""
    return _act(request, delivery_id, deliveries.ask_for_reconciliation, actor=actor)


def _act(request: HttpRequest, delivery_id: int, service: Any, **arguments: Any) -> HttpResponseRedirect:
    try:
        service(delivery_id=delivery_id, **arguments)
    except TransitionRefused as refusal:
        messages.warning(request, str(refusal))
    return redirect("dashboard:delivery", delivery_id)
