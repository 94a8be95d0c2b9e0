"""Whether the recurring runs show signs of life."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from sources.museumplus.models import Heartbeat

_FALLBACK = 86_400


@dataclass(frozen=True, kw_only=True, slots=True)
class Beat:
    """One source: when it was last heard, and whether it is ``active``, ``inactive`` or has ``no heartbeat``."""

    source: str
    at: datetime | None
    status: str


def heartbeats(now: datetime | None = None) -> list[Beat]:
    """All sources that should be heard."""
    heard = dict(Heartbeat.objects.values_list("source", "at"))
    now = now or timezone.now()
    beats = []
    for source, seconds in settings.HEARTBEAT_INTERVALS.items():
        at = heard.get(source)
        if at is None:
            status = "no heartbeat"
        else:
            status = "active" if now - at <= timedelta(seconds=seconds or _FALLBACK) else "inactive"
        beats.append(Beat(source=source, at=at, status=status))
    return beats
