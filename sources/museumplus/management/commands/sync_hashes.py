"""``manage.py sync_hashes``: give each object the hash of its attachments together."""

from typing import Any

from sources.museumplus.harvest.sync import HashResult, sync_hashes
from sources.museumplus.management.console import MuseumCommand


class Command(MuseumCommand):
    """Objects with an attachment that is not harvested yet are skipped and counted."""

    help = "Compute the hashes that tell whether an object's attachments changed."

    def act(self, options: dict[str, Any]) -> HashResult:
        """Compute and write what changed."""
        return sync_hashes(dry_run=options["dry_run"], progress=self.progress)
