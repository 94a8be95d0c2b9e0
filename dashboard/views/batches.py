"""Batches: the list, how far each is, and starting one once one has seen what would be deposited."""

from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods

from dashboard import polling
from dashboard.pages import page
from deposit.actors import Actor
from deposit.permissions import Operation, may_service, require_service, visible_collections
from deposit.refusals import Kind, Refusal
from sources.batches import services
from sources.batches.models import Batch, BatchState, ItemState

_NEWEST = 50
_PREVIEWED = 500
_SECONDS = 5
# State -> its word, and the status of deposits whose colour it has.
STATES = {
    BatchState.RUNNING: "loading",
    BatchState.DONE: "done",
    BatchState.FAILED: "failed",
    BatchState.CANCELLED: "expired",
}


class BatchForm(forms.Form):
    """What `manage.py batch start` takes."""

    folder = forms.CharField(max_length=2000, label=_("Folder"))
    collection = forms.CharField(max_length=100, label=_("Collection"))
    depth = forms.TypedChoiceField(
        choices=[(1, _("what lies in the folder")), (2, _("what lies in the folders in it"))],
        coerce=int,
        initial=1,
        label=_("One deposit for each"),
    )
    completed_dir = forms.CharField(max_length=2000, required=False, label=_("Folder for what is stored"))
    strip_top_level_dir = forms.BooleanField(required=False, label=_("Leave the one folder in each away"))
    exclude_hidden_files = forms.BooleanField(required=False, label=_("Leave hidden files out"))


@require_GET
@page
def batch_list(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The newest batches and how far each is."""
    require_service(actor, Operation.SEE_QUEUES)
    found = Batch.objects.select_related("collection", "client__user").order_by("-id")[:_NEWEST]
    context = {
        "batches": [_shown(services.summary(one)) for one in found],
        "starts": may_service(actor, Operation.ADMINISTER),
    }
    return render(request, "dashboard/deliveries/batches.html", context)


def _shown(told: dict[str, Any]) -> dict[str, Any]:
    state = BatchState(told["state"])
    return {**told, "word": state.label, "colour": STATES[state], "ended": told["done"] + told["failed"]}


@require_http_methods(["GET", "POST"])
@page
def batch_page(request: HttpRequest, actor: Actor, batch_id: int) -> HttpResponseBase:
    """One batch, and what became of each thing in it; it keeps up. A POST cancels it."""
    require_service(actor, Operation.SEE_QUEUES)
    if request.method == "POST":
        services.cancel(actor=actor, batch_id=batch_id)
        return redirect("dashboard:batch", batch_id)
    told = _shown(services.whole(services.batch_numbered(batch_id)))
    for item in told["items"]:
        item["word"] = ItemState(item["state"]).label
    running = told["state"] == BatchState.RUNNING
    region = polling.region(
        request, "dashboard/deliveries/batch_state.html", {"batch": told}, seconds=_SECONDS if running else 0
    )
    context = {
        "batch": told,
        "live": region,
        "cancels": running and may_service(actor, Operation.ADMINISTER),
    }
    return polling.answer(request, region) or render(request, "dashboard/deliveries/batch.html", context)


@require_http_methods(["GET", "POST"])
@page
def batch_start(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    """The form; with its fields in the address, what would be deposited; a POST of the same starts it."""
    require_service(actor, Operation.ADMINISTER)
    asked = request.POST if request.method == "POST" else request.GET
    form = BatchForm(asked or None)
    context: dict[str, Any] = {
        "form": form,
        "collections": visible_collections(actor)[:500],
        "root": settings.BATCH_ROOT,
    }
    if form.is_valid():
        try:
            if request.method == "POST":
                return redirect("dashboard:batch", services.start(actor=actor, **form.cleaned_data).pk)
            context |= _preview(actor, form.cleaned_data)
        except Refusal as refusal:
            if refusal.kind is Kind.FORBIDDEN and refusal.code != "batch.root":
                raise
            context["refusal"] = refusal
    return render(request, "dashboard/deliveries/batch_start.html", context)


def _preview(actor: Actor, asked: dict[str, Any]) -> dict[str, Any]:
    names = services.preview(
        actor=actor, folder=asked["folder"], depth=asked["depth"], completed_dir=asked["completed_dir"]
    )
    return {"names": names[:_PREVIEWED], "number": len(names), "more": max(0, len(names) - _PREVIEWED)}
