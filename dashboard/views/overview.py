"""What operators look at first: is all well, what waits, what came in, how fast it went."""

from datetime import date, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from dashboard.labels import STATUS_LABELS
from dashboard.pages import page
from dashboard.plots import Plot, Series, draw, in_bytes
from dashboard.sizes import size_in_words
from dashboard.ttl_cache import TTLCache
from deposit.actors import Actor
from deposit.models import Deposit
from deposit.monitoring import heartbeats, statistics
from deposit.monitoring.alerts import alerts
from deposit.monitoring.snapshot import read_space
from deposit.permissions import Operation, require_service
from settings.postgres.replica import may_read_from_standby

# Figures over many rows are computed this seldom, in seconds, however many operators look.
_FRESH = 30.0


def _compute() -> dict[str, Any]:
    everything = Deposit.objects.all()
    size, packs = statistics.stored()
    total, is_exact = statistics.total_of(everything, everything=True)
    return {
        "days": statistics.days(everything),
        "growth": statistics.growth(),
        "speeds": statistics.speeds(),
        "stored": size,
        "packs": packs,
        "total": total,
        "is_exact": is_exact,
    }


figures = TTLCache(_compute, _FRESH)
# What waits is looked up more often, and still once for all who look.
queues = TTLCache(lambda: statistics.queues(Deposit.objects.all()), 5.0)


@require_GET
@page
@may_read_from_standby
def overview(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The state of the service on one page."""
    require_service(actor, Operation.SEE_QUEUES)
    known = figures.get()
    plots = [_days_plot(known["days"]), _growth_plot(known["growth"])]
    context = known | {
        "alerts": alerts(),
        "space": read_space(),
        "queues": queues.get(),
        "busy": statistics.workers(),
        "workers": heartbeats.workers(),
        "plots": plots,
        "drawn": draw(plots),
        "labels": STATUS_LABELS,
        "today": known["days"][-1] if known["days"] else None,
    }
    return render(request, "dashboard/overview.html", context)


def _dates(moments: list[datetime]) -> list[date]:
    return [moment.date() for moment in moments]


def _days_plot(days: list[statistics.Day]) -> Plot:
    """A line per fate of what was received on a day."""
    fates = (("done", "good"), ("rejected", "warn"), ("failed", "bad"))
    ended = [sum(day.statuses.get(name, 0) for name, _colour in fates) for day in days]
    lines = [
        Series(STATUS_LABELS[name], colour, [day.statuses.get(name, 0) for day in days])
        for name, colour in fates
    ]
    waiting = [day.received - number for day, number in zip(days, ended, strict=True)]
    return Plot(
        name="days",
        title=_("Received per day, and what became of it"),
        days=_dates([day.day for day in days]),
        series=[*lines, Series(_("under way"), "busy", waiting)],
    )


def _growth_plot(growth: list[statistics.Growth]) -> Plot:
    sizes = [day.size for day in growth]
    byte, unit = in_bytes([sizes])
    return Plot(
        name="growth",
        title=_("Growth of the archive, in %(unit)s") % {"unit": unit},
        days=_dates([day.day for day in growth]),
        series=[Series(_("stored"), "good", sizes)],
        shown=size_in_words,
        scale=byte,
    )
