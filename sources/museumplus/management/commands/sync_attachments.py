"""``manage.py sync_attachments``: harvest the museum's attachments from MuseumPlus."""

from sources.museumplus.harvest.sync import Harvest, attachments_harvest
from sources.museumplus.management.harvesting import HarvestCommand


class Command(HarvestCommand):
    """Whole runs, and runs that go on where the last was stopped."""

    help = "Synchronise attachments from MuseumPlus. Run sync_hashes after it."

    def kind(self) -> Harvest:
        """Of attachments."""
        return attachments_harvest()
