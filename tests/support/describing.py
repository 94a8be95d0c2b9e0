"""The loader's work on metadata documents that came alone, done here and now."""

from deposit.models import WorkItem
from deposit.services.work import DESCRIBE, DESCRIBE_ELSEWHERE
from loader.describing import describe_elsewhere
from loader.destinations.archive.describing import describe


def describe_all() -> int:
    """Archive every document that waits for it; how many waited."""
    keys = list(WorkItem.objects.filter(kind=DESCRIBE.name).values_list("key", flat=True))
    for key in keys:
        describe(int(key), worker="test")
    return len(keys)


def describe_all_elsewhere() -> int:
    """Take every document that was archived to the other destinations it waits for; how many waited."""
    keys = list(WorkItem.objects.filter(kind=DESCRIBE_ELSEWHERE.name).values_list("key", flat=True))
    for key in keys:
        describe_elsewhere(key, worker="test")
    return len(keys)
