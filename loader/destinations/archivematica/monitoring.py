"""What is wrong with pipelines, for the service's alerts, and how full they are, for its metrics."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from django.db.models import Count
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from prometheus_client.core import GaugeMetricFamily, Metric

from deposit.monitoring.alerts import Alert
from loader.destinations.archivematica import capacity
from loader.destinations.archivematica.models import Pipeline, Transfer

# A place that is held for longer wants somebody to look at Archivematica.
HELD_HOURS = 24


def alerts() -> Iterator[Alert]:
    """Pipelines that are out of order, and places that are held for long."""
    for pipeline in Pipeline.objects.exclude(fault="").filter(paused=False, uses__isnull=False).distinct():
        sentence = _(
            "Pipeline %(name)s is out of order since %(moment)s UTC, and its deposits wait: %(fault)s Look with "
            "`manage.py pipeline check %(name)s`."
        ) % {
            "name": pipeline.name,
            "moment": f"{pipeline.fault_since:%Y-%m-%d %H:%M}",
            "fault": pipeline.fault,
        }
        yield Alert(code="pipeline.unavailable", severity="error", sentence=sentence)
    held = Transfer.objects.filter(
        left_at__isnull=True, held_at__lt=Now() - timedelta(hours=HELD_HOURS)
    ).count()
    if held:
        sentence = ngettext(
            "%(number)d place of a pipeline is held for more than a day by a delivery that has ended: "
            "`manage.py pipeline show` tells which; `pipeline free` gives it back.",
            "%(number)d places of pipelines are held for more than a day by deliveries that have ended: "
            "`manage.py pipeline show` tells which; `pipeline free` gives them back.",
            held,
        ) % {"number": held}
        yield Alert(code="pipeline.held", severity="warning", sentence=sentence)


def metrics() -> Iterable[Metric]:
    """How full each pipeline is, and whether it can be used."""
    size = GaugeMetricFamily("deposit_pipeline_capacity", "Places of a pipeline.", labels=["pipeline"])
    used = GaugeMetricFamily("deposit_pipeline_used", "Places that are taken.", labels=["pipeline"])
    held = GaugeMetricFamily(
        "deposit_pipeline_held", "Of these, held by deliveries that have ended.", labels=["pipeline"]
    )
    up = GaugeMetricFamily("deposit_pipeline_up", "1 when a pipeline can be used.", labels=["pipeline"])
    holding = Transfer.objects.filter(left_at__isnull=True, held_at__isnull=False)
    numbers = dict(holding.values_list("pipeline").annotate(Count("pk")).order_by())
    for pipeline in capacity.with_load(Pipeline.objects.order_by("name")):
        size.add_metric([pipeline.name], pipeline.capacity)
        used.add_metric([pipeline.name], pipeline.inside)  # type: ignore[attr-defined]
        held.add_metric([pipeline.name], numbers.get(pipeline.pk, 0))
        up.add_metric([pipeline.name], float(not pipeline.fault and not pipeline.paused))
    return [size, used, held, up]
