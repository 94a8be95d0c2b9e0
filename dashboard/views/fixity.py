"""Is everything that was archived still what it was: audits, damage, repairs."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from archive import audits
from archive.models import Outcome
from archive.storage import replica_storage
from dashboard.pages import page
from dashboard.plots import Plot, Series, draw
from dashboard.ttl_cache import TTLCache
from deposit.actors import Actor
from deposit.permissions import Operation, require_service

_AMISS = (Outcome.DAMAGED, Outcome.MISSING, Outcome.UNREADABLE)


def _compute() -> dict[str, Any]:
    return {"state": audits.state(), "days": audits.days()}


known = TTLCache(_compute, 30)


@require_GET
@page
def fixity(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The archive's health on one page, for operators."""
    require_service(actor, Operation.SEE_QUEUES)
    remembered = known.get()
    plot = _plot(remembered["days"])
    context = remembered | {
        "damaged": audits.damaged(),
        "repairs": audits.repairs(),
        "readings": audits.readings(),
        "has_replica": replica_storage() is not None,
        "plots": [plot],
        "drawn": draw([plot]),
    }
    return render(request, "dashboard/fixity.html", context)


def _plot(days: list[audits.AuditDay]) -> Plot:
    def number(*outcomes: Outcome) -> list[int]:
        return [sum(day.outcomes.get(one, 0) for one in outcomes) for day in days]

    return Plot(
        name="audits",
        title=_("Packs read per day"),
        days=[day.day for day in days],
        series=[
            Series(_("sound"), "good", number(Outcome.SOUND)),
            Series(_("repaired"), "busy", number(Outcome.REPAIRED)),
            Series(_("amiss"), "bad", number(*_AMISS)),
        ],
    )
