"""What operators look at first: is all well, what waits, what came in, how fast it went."""

import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from dashboard.pages import page
from dashboard.wording import STATUS_LABELS
from deposit import statistics
from deposit.actors import Actor
from deposit.complaints import complaints
from deposit.models import Deposit
from deposit.permissions import Operation, require_service

T = TypeVar("T")
# Figures over many rows are computed this seldom, in seconds, however many operators look.
_FRESH = 30.0


class Remembered(Generic[T]):
    """A value that is computed again when it is older than ``seconds``; by one thread, while the others wait."""

    def __init__(self, compute: Callable[[], T], seconds: float) -> None:
        self._compute = compute
        self._seconds = seconds
        self._lock = threading.Lock()
        self._kept: tuple[float, T] | None = None

    def get(self) -> T:
        """The value, at most ``seconds`` old."""
        with self._lock:
            if self._kept is None or time.monotonic() - self._kept[0] > self._seconds:
                self._kept = time.monotonic(), self._compute()
            return self._kept[1]

    def forget(self) -> None:
        """Compute it anew the next time."""
        with self._lock:
            self._kept = None


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


figures = Remembered(_compute, _FRESH)


@require_GET
@page
def overview(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The state of the service on one page."""
    require_service(actor, Operation.SEE_QUEUES)
    known = figures.get()
    context = known | {
        "complaints": complaints(),
        "queues": statistics.queues(Deposit.objects.all()),
        "workers": statistics.workers(),
        "plots": {"days": _days_plot(known["days"]), "growth": _growth_plot(known["growth"])},
        "labels": STATUS_LABELS,
        "today": known["days"][-1] if known["days"] else None,
    }
    return render(request, "dashboard/overview.html", context)


def _days_plot(days: list[statistics.Day]) -> dict[str, Any]:
    """Columns for the plot: one x per day, one series per fate."""
    series = ("done", "rejected", "failed")
    waiting = [day.received - sum(day.statuses.get(name, 0) for name in series) for day in days]
    return {
        "x": [int(day.day.timestamp()) for day in days],
        "series": [[str(STATUS_LABELS[name]), [day.statuses.get(name, 0) for day in days]] for name in series]
        + [[_("under way"), waiting]],
    }


def _growth_plot(growth: list[statistics.Growth]) -> dict[str, Any]:
    return {
        "x": [int(day.day.timestamp()) for day in growth],
        "series": [["MB", [round(day.size / 1e6, 3) for day in growth]]],
    }
