"""``manage.py check_heartbeats``: whether the museum's recurring runs show signs of life, for Icinga and its kin."""

import sys
from typing import Any

from sources.museumplus.heartbeats import heartbeats
from sources.museumplus.management.console import MuseumCommand


class Command(MuseumCommand):
    """Exit codes: 0 all are alive, 1 one never was, 2 one fell silent."""

    help = "Check the heartbeats of the museum's recurring runs."
    can_dry_run = False

    def act(self, options: dict[str, Any]) -> dict[str, str]:
        """Judge them; the exit code follows in ``handle``."""
        self._judged = {beat.source: beat.status for beat in heartbeats()}
        return self._judged

    def handle(self, *args: Any, **options: Any) -> None:
        """Say it, and exit."""
        super().handle(*args, **options)
        told = set(self._judged.values())
        if code := 2 if "inactive" in told else 1 if "no heartbeat" in told else 0:
            sys.exit(code)
