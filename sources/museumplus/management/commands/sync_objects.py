"""``manage.py sync_objects``: harvest the museum's objects from MuseumPlus."""

from sources.museumplus.harvest.sync import Harvest, objects_harvest
from sources.museumplus.management.harvesting import HarvestCommand


class Command(HarvestCommand):
    """Whole runs, and runs that go on where the last was stopped."""

    help = "Synchronise objects from MuseumPlus. Run sync_hashes after it."

    def kind(self) -> Harvest:
        """Of objects."""
        return objects_harvest()
