"""Doing what the queue has for the museum, as its workers would, until nothing is due."""

from collections.abc import Callable

from django.db.models.functions import Now

from checker.checking import check
from deposit.models import WorkItem
from deposit.queue.dispatcher import release_passed_leases
from loader.workflow import load
from sources.museumplus.workflow import working

WORK: dict[str, Callable[[str], None]] = {
    "check": lambda key: check(int(key), worker="checker"),
    "load": lambda key: load(int(key), worker="loader"),
    "museum.download": lambda key: working.download(key, worker="museum"),
    "museum.confirm": lambda key: working.confirm(key, worker="museum"),
    "museum.enqueue": lambda key: working.enqueue(key, worker="museum"),
    "museum.follow": lambda key: working.follow(key, worker="museum"),
}


def work_off(*, rounds: int = 50, raising: bool = True) -> None:
    """Do all work that is due now, and what it makes due."""
    for _ in range(rounds):
        due = list(WorkItem.objects.filter(due_at__lte=Now()).order_by("id").values_list("kind", "key"))
        if not due:
            return
        for kind, key in due:
            try:
                WORK[kind](key)
            except Exception:
                if raising:
                    raise
    raise AssertionError(f"work that never ends: {due}")


def pass_time() -> None:
    """Let everything that waits for its turn be due, and leases that nobody keeps pass."""
    WorkItem.objects.filter(lease_expires_at__isnull=True).update(due_at=Now())
    WorkItem.objects.filter(lease_expires_at__isnull=False).update(lease_expires_at=Now(), due_at=Now())
    release_passed_leases()
