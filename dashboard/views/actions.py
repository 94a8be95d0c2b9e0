"""Acting on deposits: look at what would happen, confirm, be told what did."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from dashboard.actions import ACTIONS, MANY, Action, perform, preview
from dashboard.pages import page
from dashboard.views.deposits import filtered
from deposit.actors import Actor
from deposit.refusals import Kind, Refusal

# More refusals than this are counted, not listed.
_LISTED = 10


def _action(name: str) -> Action:
    try:
        return ACTIONS[name]
    except KeyError:
        raise Refusal(
            Kind.BAD_REQUEST,
            "action.unknown",
            _("There is no such action."),
            _("Go back to the list and choose one of the buttons below it."),
        ) from None


def _ids(texts: list[str]) -> list[int]:
    return [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 19][:MANY]


@require_GET
@page
def confirm(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What would happen to the chosen deposits, or to all that a filter finds."""
    action = _action(request.GET.get("action", ""))
    if request.GET.get("scope") == "filter":
        ids = list(filtered(request, actor).qs.order_by("-pk").values_list("pk", flat=True)[:MANY])
    else:
        ids = _ids(request.GET.getlist("id"))
    seen = preview(actor, action, ids)
    context = {"action": action, "preview": seen, "many": MANY, "is_full": len(ids) >= MANY}
    return render(request, "dashboard/confirm.html", context)


@require_POST
@page
def act(request: HttpRequest, actor: Actor) -> HttpResponseRedirect:
    """Do it, and say how it went."""
    action = _action(request.POST.get("action", ""))
    ids = _ids(request.POST.getlist("id"))
    outcome = perform(actor, action, ids)
    if outcome.changed:
        told = ngettext("ordered for %(count)d deposit.", "ordered for %(count)d deposits.", outcome.changed)
        messages.success(request, f"{action.label}: " + told % {"count": outcome.changed})
    for refusal in outcome.refusals[:_LISTED]:
        messages.warning(request, refusal)
    if len(outcome.refusals) > _LISTED:
        more = len(outcome.refusals) - _LISTED
        messages.warning(request, _("%(count)d more were refused.") % {"count": more})
    if not ids:
        messages.info(request, _("No deposit was chosen, so nothing was done."))
    if len(ids) == 1:
        return redirect("dashboard:deposit", ids[0])
    return redirect(reverse("dashboard:deposits"))
