"""Archivematica pipelines, for operators."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dashboard.pages import page
from deposit.actors import Actor
from deposit.permissions import Operation, require_service
from loader.destinations.archivematica import capacity, describing
from loader.destinations.archivematica.models import Pipeline


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
