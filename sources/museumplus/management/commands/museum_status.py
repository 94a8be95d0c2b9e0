"""``manage.py museum_status``: how many of the museum's objects stand at each step."""

from typing import Any

from sources.museumplus import selectors
from sources.museumplus.management.console import MuseumCommand


class Command(MuseumCommand):
    """What the overview of the pages counts."""

    help = "Count the museum's objects by the step that they stand at."
    can_dry_run = False

    def act(self, options: dict[str, Any]) -> dict[str, int]:
        """Count them."""
        stats = selectors.overview_stats()
        return {"objects": stats["total_count"]} | {
            step: told["count"] for step, told in stats["steps"].items()
        }
