"""From when on something is wrong: one set of numbers for pages, /metrics and ``check_deposit``."""

from dataclasses import dataclass
from typing import Self

from django.conf import settings

Pair = tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Thresholds:
    """Each as (warning, error)."""

    waiting_seconds: Pair
    free_percent: Pair
    fixity_days: Pair

    @classmethod
    def of_settings(cls) -> Self:
        """The operator's; an audit is late when a pack was not read for longer than its cycle and a quarter of it."""
        cycle = float(settings.ARCHIVE_AUDIT_DAYS)
        return cls(
            waiting_seconds=settings.ALERT_WAITING_SECONDS,
            free_percent=settings.ALERT_FREE_PERCENT,
            fixity_days=(1.25 * cycle, 2 * cycle),
        )
