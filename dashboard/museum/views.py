"""The museum's pages: they read through selectors and act through the services that the commands use."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dashboard.middleware import POLICY
from dashboard.pages import page
from dashboard.ttl_cache import TTLCache
from deposit.actors import Actor
from deposit.permissions import Operation, require_service
from deposit.refusals import Refusal
from sources.museumplus import logs, selectors
from sources.museumplus.api.views import ids_in, is_true, number, package_or_404
from sources.museumplus.heartbeats import heartbeats
from sources.museumplus.models import MuseumObject, MuseumPackage, WorkflowJob
from sources.museumplus.workflow import enqueuing, freezing, queueing

# One pass over all objects serves everybody who looks, in seconds.
counted = TTLCache(selectors.overview_stats, 5.0)
_STATES = ("processing", "preserved", "rejected", "cancelled")
_FAILED_SHOWN = 100
_JOBS_SHOWN = 100


def operators(view: Callable[..., HttpResponse]) -> Any:
    """A page for operators."""

    @wraps(view)
    def inside(request: HttpRequest, actor: Actor, **parameters: Any) -> HttpResponse:
        require_service(actor, Operation.SEE_QUEUES)
        return view(request, **parameters)

    return page(inside)


def _shown(request: HttpRequest, template: str, **context: Any) -> HttpResponse:
    context["silent"] = [beat.source for beat in heartbeats() if beat.status == "inactive"]
    return render(request, f"dashboard/museum/{template}.html", context)


@require_GET
@operators
def overview(request: HttpRequest) -> HttpResponse:
    """Objects at each step; the counts renew themselves."""
    failed = WorkflowJob.objects.filter(state=WorkflowJob.State.FAILED).select_related("museum_object")
    return _shown(request, "overview", stats=counted.get(), failed=failed.order_by("pk")[:_FAILED_SHOWN])


@require_GET
@operators
def counts(request: HttpRequest) -> HttpResponse:
    """The counts alone."""
    return _shown(request, "counts", stats=counted.get())


@require_GET
@operators
def status(request: HttpRequest) -> HttpResponse:
    """Recurring runs and queues."""
    return _shown(request, "status", beats=heartbeats(), queues=selectors.queue_stats())


@require_http_methods(["GET", "POST"])
@operators
def enqueue(request: HttpRequest) -> HttpResponse:
    """So many objects, in the background."""
    available = enqueuing.available()
    if request.method == "POST":
        count = number(request.POST.get("object_count"), 0)
        if 1 <= count <= available:
            queueing.ask_for_enqueuing(count)
            told = ngettext(
                "%(count)s object will be enqueued.", "%(count)s objects will be enqueued.", count
            )
            messages.success(request, told % {"count": count})
            return redirect("museum:overview")
        messages.error(request, _("Say a number from 1 to %(most)s.") % {"most": available})
    return _shown(request, "enqueue", available=available)


@require_GET
@operators
def jobs(request: HttpRequest) -> HttpResponse:
    """What is in the queues, oldest first: of one step, in one state, or all."""
    queue, state = request.GET.get("queue", ""), request.GET.get("state", "")
    chosen = {"queue": queue} if queue in WorkflowJob.Queue.values else {}
    chosen |= {"state": state} if state in WorkflowJob.State.values else {}
    found = WorkflowJob.objects.filter(**chosen).select_related("museum_object").order_by("enqueued_at", "pk")
    shown = list(found[: _JOBS_SHOWN + 1])
    return _shown(
        request,
        "jobs",
        jobs=shown[:_JOBS_SHOWN],
        more=len(shown) > _JOBS_SHOWN,
        shown=_JOBS_SHOWN,
        queue=queue,
        state=state,
        queues=WorkflowJob.Queue.values,
        states=WorkflowJob.State.values,
    )


@require_GET
@operators
def sip_of(request: HttpRequest, object_id: int, sip_id: str) -> HttpResponse:
    """The SIP of an object by what tells its SIPs apart; there is none before its object is downloaded."""
    package = MuseumPackage.objects.filter(museum_object=object_id, sip_id=sip_id).last()
    if package is not None:
        return redirect("museum:sip", package.pk)
    messages.info(request, _("Object %(object)s has no such SIP yet.") % {"object": object_id})
    return redirect("museum:jobs")


@require_POST
@operators
def reenqueue(request: HttpRequest) -> HttpResponse:
    """An object whose package was rejected."""
    object_id = number(request.POST.get("object_id"), 0)
    try:
        enqueuing.reenqueue_object(object_id)
        messages.success(request, _("Object %(object)s is enqueued again.") % {"object": object_id})
    except MuseumObject.DoesNotExist:
        messages.error(request, _("There is no object %(object)s.") % {"object": object_id})
    except enqueuing.NotRejected as refused:
        messages.error(request, str(refused))
    return redirect("museum:sips")


@require_POST
@operators
def retry(request: HttpRequest) -> HttpResponse:
    """What failed: of one object, or of all."""
    if is_true(request.POST.get("all")):
        chosen = list(WorkflowJob.objects.filter(state="failed").values_list("pk", flat=True))
    else:
        chosen = [number(request.POST.get("object_id"), 0)]
    done = sum(queueing.retry(object_id) for object_id in chosen)
    told = ngettext("%(count)s job is tried again.", "%(count)s jobs are tried again.", done)
    messages.success(request, told % {"count": done})
    return redirect("museum:overview")


@require_GET
@operators
def frozen(request: HttpRequest) -> HttpResponse:
    """Frozen objects, and how many for which reason."""
    search, reason = request.GET.get("search", ""), request.GET.get("reason", "")
    listed = selectors.list_objects(
        frozen=True, search=search, reason=reason, page=number(request.GET.get("page"), 1)
    )
    query = urlencode({"search": search, "reason": reason})
    return _shown(
        request,
        "frozen",
        listed=listed,
        search=search,
        reason=reason,
        query=query,
        reasons=freezing.freeze_reasons(),
    )


@require_http_methods(["GET", "POST"])
@operators
def freeze(request: HttpRequest) -> HttpResponse:
    """Many objects at once, for a reason."""
    ids, reason = request.POST.get("object_ids", request.GET.get("object_ids", "")), ""
    if request.method == "POST":
        reason = request.POST.get("reason", "").strip()
        try:
            numbers = ids_in(ids) or []
            if not numbers or not reason:
                messages.error(request, _("Name objects, and a reason."))
            else:
                done = freezing.freeze_objects(numbers, reason=reason)
                told = _("%(frozen)s frozen, %(cancelled)s cancelled.")
                messages.success(request, told % {"frozen": done.frozen, "cancelled": done.cancelled})
                return redirect("museum:frozen")
        except (freezing.UnknownObjects, freezing.WorkflowJobRunningError, Refusal) as refused:
            messages.error(request, str(refused))
    return _shown(
        request,
        "freeze",
        object_ids=ids,
        reason=reason,
        reasons=[name for name, _ in freezing.freeze_reasons()],
    )


@require_POST
@operators
def unfreeze(request: HttpRequest) -> HttpResponse:
    """Chosen objects, or all of a reason."""
    ids = [number(text, 0) for text in request.POST.getlist("object_id")] or None
    reason = request.POST.get("reason") or None
    if ids is None and reason is None:
        messages.error(request, _("Choose objects, or a reason."))
    else:
        done = freezing.unfreeze_objects(
            reason=reason, object_ids=ids, enqueue=is_true(request.POST.get("enqueue"))
        )
        told = ngettext("%(count)s object is unfrozen.", "%(count)s objects are unfrozen.", len(done))
        messages.success(request, told % {"count": len(done)})
    return redirect("museum:frozen")


@require_GET
@operators
def sips(request: HttpRequest) -> HttpResponse:
    """Packages, newest first."""
    asked = request.GET
    chosen = [state for state in _STATES if is_true(asked.get(state))]
    only_latest, search = is_true(asked.get("only_latest")), asked.get("search", "")
    listed = selectors.list_packages(
        states=frozenset(chosen), only_latest=only_latest, search=search, page=number(asked.get("page"), 1)
    )
    kept = dict.fromkeys(chosen, "1") | ({"only_latest": "1"} if only_latest else {})
    return _shown(
        request,
        "sips",
        listed=listed,
        search=search,
        states=_STATES,
        chosen=chosen,
        only_latest=only_latest,
        query=urlencode(kept | {"search": search}),
    )


@require_GET
@operators
def sip(request: HttpRequest, package_id: int) -> HttpResponse:
    """One package: what it is, and its logs."""
    package = package_or_404(package_id)
    names = logs.log_filenames(package)
    wanted = request.GET.get("log", "")
    shown = wanted if wanted in names else ""
    text = logs.log_content(package, shown).decode("utf-8", "replace") if shown else ""
    answer = _shown(
        request,
        "sip",
        package=package,
        row=selectors.package_row(package),
        names=names,
        shown=shown,
        text=text,
        has_report="ingest-report.html" in names,
    )
    # The report is shown in a frame, in which it can do nothing.
    answer["Content-Security-Policy"] = f"{POLICY}; frame-src 'self'"
    return answer


@require_GET
@operators
def report(request: HttpRequest, package_id: int) -> HttpResponse:
    """The service's report as it made it, where it can do nothing: no scripts, no origin, no forms."""
    try:
        content = logs.log_content(package_or_404(package_id), "ingest-report.html", limit=None)
    except FileNotFoundError:
        return HttpResponse("There is no report.", status=404, content_type="text/plain")
    answer = HttpResponse(content, content_type="text/html; charset=utf-8")
    answer["Content-Security-Policy"] = (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
    )
    answer["X-Frame-Options"] = "SAMEORIGIN"
    answer["X-Content-Type-Options"] = "nosniff"
    return answer
