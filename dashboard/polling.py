"""Pages that keep up with the record: they ask again every few seconds, and that costs next to nothing.

A region of a page tells with every request which state it shows (``seen``, a hash of its HTML). As long as no event
was written anywhere since that state was rendered, the answer is 204 without any look at the deposits; the number of
the newest event is read once a second for all browsers together.
"""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from deposit.models import Event

NOTHING_NEW = 204
# htmx stops polling at this one.
STOP = 286
_REMEMBERED = 2000


class _Newest:
    """The number of the newest event, at most a second old."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until = 0.0
        self._number = 0

    def number(self) -> int:
        with self._lock:
            if time.monotonic() >= self._until:
                self._number = Event.objects.aggregate(newest=Max("pk"))["newest"] or 0
                self._until = time.monotonic() + 1
            return self._number


_newest = _Newest()
_shown: OrderedDict[tuple[object, ...], tuple[int, str]] = OrderedDict()
_lock = threading.Lock()


def _key(request: HttpRequest) -> tuple[object, ...]:
    query = request.GET.copy()
    query.pop("seen", None)
    language = getattr(request, "LANGUAGE_CODE", "")
    return request.user.pk, request.path, query.urlencode(), language


def nothing_new(request: HttpRequest) -> HttpResponse | None:
    """The answer for a region that shows what is so; None when it has to be rendered to know."""
    seen = request.GET.get("seen")
    with _lock:
        event, state = _shown.get(_key(request), (-1, ""))
    if seen and seen == state and event == _newest.number():
        return HttpResponse(status=NOTHING_NEW)
    return None


def region(
    request: HttpRequest, template: str, context: Mapping[str, Any], *, seconds: int
) -> dict[str, Any]:
    """Render a region that asks again every ``seconds`` (0: never); for ``{% include 'dashboard/live.html' %}``."""
    newest = _newest.number()
    html = render_to_string(template, dict(context), request)
    state = hashlib.sha256(html.encode()).hexdigest()[:16]
    with _lock:
        _shown[_key(request)] = newest, state
        _shown.move_to_end(_key(request))
        while len(_shown) > _REMEMBERED:
            _shown.popitem(last=False)
    query = request.GET.copy()
    query["seen"] = state
    return {
        "html": html,
        "state": state,
        "url": f"{request.path}?{query.urlencode()}",
        "seconds": seconds,
    }


def answer(request: HttpRequest, shown: Mapping[str, Any]) -> HttpResponse | None:
    """What a region that asks again gets; None when a whole page is asked for."""
    if request.headers.get("HX-Request") != "true":
        return None
    if request.GET.get("seen") == shown["state"]:
        return HttpResponse(status=NOTHING_NEW)
    html = render_to_string("dashboard/live.html", {"live": shown}, request)
    return HttpResponse(html, status=200 if shown["seconds"] else STOP)
