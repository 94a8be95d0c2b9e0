"""The queue, for operators: what is open, who has it, why it failed; have it tried at once, strike it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from dashboard.pages import page
from dashboard.ttl_cache import TTLCache
from deposit.actors import Actor
from deposit.lifecycle import TransitionRefused
from deposit.permissions import Operation, require_service
from deposit.queue import reading, registry
from deposit.refusals import Refusal
from deposit.services import queue as services

_SHOWN = 100
counted = TTLCache(reading.counted, 3.0)


@require_GET
@page
def queue(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What is open, by kind and piece by piece."""
    require_service(actor, Operation.SEE_QUEUES)
    kind, state = request.GET.get("kind", ""), request.GET.get("state", "")
    kinds = counted.get()
    kind = kind if kind in {one.kind for one in kinds} else ""
    state = state if state in set(reading.State) else ""
    failed = bool(request.GET.get("failed"))
    items = list(reading.open_work(kind=kind, state=state, failed=failed)[: _SHOWN + 1])
    for item in items:
        known = registry.KINDS.get(item.kind)
        item.cancellable = known is None or known.cancellable  # type: ignore[attr-defined]
    context = {
        "kinds": kinds,
        "items": items[:_SHOWN],
        "more": len(items) > _SHOWN,
        "shown": _SHOWN,
        "kind": kind,
        "state": state,
        "failed": failed,
        "states": list(reading.State),
        "back": request.get_full_path(),
    }
    return render(request, "dashboard/queue.html", context)


@require_POST
@page
def change(request: HttpRequest, actor: Actor, item_id: int) -> HttpResponse:
    """Have a piece of work tried at once, or strike it."""
    try:
        if request.POST.get("action") == "cancel":
            services.cancel(item_id=item_id, actor=actor)
            messages.success(request, _("The work was cancelled."))
        else:
            services.retry(item_id=item_id, actor=actor)
            messages.success(request, _("The work is due now."))
    except (Refusal, TransitionRefused) as refused:
        require_service(actor, Operation.SEE_QUEUES)
        messages.warning(request, str(refused))
    counted.forget()
    return redirect("dashboard:queue")
