"""After the database was restored from a backup: packages that were half done are forgotten, and made anew."""

from dataclasses import dataclass, field

from django.db.models import F, Q

from sources.museumplus.locks import workflow_lock
from sources.museumplus.models import MuseumObject, MuseumPackage, WorkflowJob
from sources.museumplus.workflow.freezing import remove_work


class QueuesNotEmpty(Exception):
    """Objects are being worked on: let them end, or freeze them, first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reset:
    """The objects whose half-done packages were removed."""

    reset: int
    object_ids: list[int] = field(default_factory=list)


def reset_workflow(*, dry_run: bool = False) -> Reset:
    """Remove each object's latest package if it was downloaded or packaged and not uploaded, with its work folder.

    Raises QueuesNotEmpty.
    """
    with workflow_lock():
        busy = WorkflowJob.objects.count()
        if busy:
            raise QueuesNotEmpty(f"{busy} objects are in the queues. Let them end first.")
        half_done = MuseumPackage.objects.filter(
            Q(downloaded=True) | Q(packaged=True), uploaded=False, museum_object__latest_package=F("pk")
        )
        rows = list(half_done.values_list("pk", "museum_object_id"))
        numbers = sorted(number for _, number in rows)
        if dry_run:
            return Reset(reset=len(rows), object_ids=numbers)
        packages = [package for package, _ in rows]
        MuseumObject.objects.filter(latest_package__in=packages).update(latest_package=None)
        MuseumPackage.objects.filter(pk__in=packages).delete()
    for number in numbers:
        remove_work(number)
    return Reset(reset=len(rows), object_ids=numbers)
