"""A worker of notices as a process of its own, to be killed at any instant: dispatcher and worker in one loop.

    python -m tests.support.notice_worker

The settings come from the environment, as in service.
"""

import os
import random
import time

import django


def run() -> None:
    """Make notices of events, take passed leases back, and send what is due, for ever."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.base")
    django.setup()
    from django.db.models.functions import Now  # noqa: PLC0415 - Django has to be set up

    from deposit.models import WorkItem  # noqa: PLC0415
    from deposit.notices import sending  # noqa: PLC0415
    from deposit.notices.names import QUEUE  # noqa: PLC0415
    from deposit.queue import dispatcher  # noqa: PLC0415

    name = f"notifier:{os.getpid()}"
    while True:
        dispatcher.produce()
        dispatcher.release_passed_leases()
        if random.random() < 0.02:
            sending.heal()
        due = WorkItem.objects.filter(queue=QUEUE, due_at__lte=Now(), lease_expires_at=None)
        keys = list(due.order_by("heavy", "due_at", "id").values_list("key", flat=True)[:40])
        random.shuffle(keys)
        for key in keys:
            sending.send(int(key), worker=name)
        if not keys:
            time.sleep(0.05)


if __name__ == "__main__":
    run()
