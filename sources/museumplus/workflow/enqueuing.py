"""Which objects go into the workflow, and when again."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Exists, OuterRef

from sources.museumplus.locks import workflow_lock
from sources.museumplus.models import MuseumObject, WorkflowJob
from sources.museumplus.workflow import queueing


@dataclass(frozen=True, kw_only=True, slots=True)
class Enqueued:
    """How many objects were enqueued, and which."""

    enqueued: int
    object_ids: list[int] = field(default_factory=list)


class NotRejected(ValueError):
    """An object cannot be enqueued again; the message says why."""


def enqueue_objects(
    count: int = 10,
    *,
    at_random: bool = False,
    object_ids: Iterable[int] | None = None,
    dry_run: bool = False,
) -> Enqueued:
    """Enqueue up to ``count`` objects that are pending and not being worked on; of ``object_ids`` all that are."""
    with workflow_lock():
        due = MuseumObject.objects.pending().filter(~Exists(WorkflowJob.objects.filter(pk=OuterRef("pk"))))
        if object_ids is not None:
            wanted = list(object_ids)
            due, count = due.filter(pk__in=wanted), len(wanted)
        chosen = list(due.order_by("?" if at_random else "pk").values_list("pk", flat=True)[:count])
        if not dry_run:
            chosen = queueing.enqueue_downloads(chosen)
    return Enqueued(enqueued=len(chosen), object_ids=chosen)


def available() -> int:
    """How many objects could be enqueued now."""
    return (
        MuseumObject.objects.pending().filter(~Exists(WorkflowJob.objects.filter(pk=OuterRef("pk")))).count()
    )


def reenqueue_object(number: int, *, dry_run: bool = False) -> None:
    """Enqueue an object whose latest package was rejected. Raises MuseumObject.DoesNotExist, NotRejected."""
    with workflow_lock():
        museum_object = MuseumObject.objects.select_for_update(of=("self",)).get(pk=number)
        package = museum_object.latest_package
        if package is None:
            raise NotRejected(f"Object {number} has no package.")
        if not package.rejected:
            raise NotRejected(f"The latest package of object {number} was not rejected.")
        if museum_object.frozen:
            raise NotRejected(f"Object {number} is frozen.")
        if WorkflowJob.objects.filter(pk=number).exists():
            raise NotRejected(f"Object {number} is being worked on already.")
        if dry_run:
            return
        museum_object.latest_package = None
        museum_object.save(update_fields=["latest_package"])
        queueing.enqueue_downloads([number])
