"""A process that does all work of the museum until it is killed: ``python -m tests.support.museum_worker``.

The settings come from the environment, as for any process of the service.
"""

import logging
import os
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.embedded")
django.setup()

from django.db.models.functions import Now  # noqa: E402

from deposit.models import WorkItem  # noqa: E402
from deposit.queue.dispatcher import release_passed_leases  # noqa: E402
from tests.support.museum_workflow import WORK  # noqa: E402

logger = logging.getLogger("museum_worker")


def main() -> None:
    """Work until killed."""
    while True:
        release_passed_leases()
        due = list(
            WorkItem.objects.filter(due_at__lte=Now(), lease_expires_at__isnull=True)
            .order_by("due_at")
            .values_list("kind", "key")[:20]
        )
        for kind, key in due:
            try:
                WORK[kind](key)
            except Exception as error:  # noqa: BLE001  (the next attempt is the queue's)
                logger.warning("%s %s: %r", kind, key, error)
        time.sleep(0.05 if due else 0.2)


if __name__ == "__main__":
    main()
