"""Archivematica pipelines and batches, for operators."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dashboard.pages import page
from deposit.actors import Actor
from deposit.permissions import Operation, require_service
from loader.destinations.archivematica import capacity, describing
from loader.destinations.archivematica.models import Pipeline
from sources.batches import services
from sources.batches.models import Batch

_NEWEST = 50


@require_GET
@page
def pipeline_list(request: HttpRequest, actor: Actor) -> HttpResponse:
    """All pipelines: how full, how well, and what is inside."""
    require_service(actor, Operation.SEE_QUEUES)
    pipelines = capacity.with_load(Pipeline.objects.order_by("name"))
    rows = [
        {**describing.summary(one), "inside": [describing.place(each) for each in capacity.inside(one)[:200]]}
        for one in pipelines
    ]
    return render(request, "dashboard/deliveries/pipelines.html", {"pipelines": rows})


@require_GET
@page
def batch_list(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The newest batches and how far each is."""
    require_service(actor, Operation.SEE_QUEUES)
    found = Batch.objects.select_related("collection", "client__user").order_by("-id")[:_NEWEST]
    return render(
        request, "dashboard/deliveries/batches.html", {"batches": [services.summary(one) for one in found]}
    )


@require_GET
@page
def batch_page(request: HttpRequest, actor: Actor, batch_id: int) -> HttpResponse:
    """One batch, and what became of each thing in it."""
    require_service(actor, Operation.SEE_QUEUES)
    told = services.whole(services.batch_numbered(batch_id))
    return render(request, "dashboard/deliveries/batch.html", {"batch": told})
