"""After the database was restored from a backup: packages that were half done are forgotten, and made anew."""

from dataclasses import dataclass, field

from django.db.models import F, Q
from django.db.models.functions import Now

from deposit.models import WorkItem
from sources.museumplus.locks import workflow_lock
from sources.museumplus.models import MuseumObject, MuseumPackage, WorkflowJob
from sources.museumplus.workflow import kinds
from sources.museumplus.workflow.freezing import remove_work


class QueuesNotEmpty(Exception):
    """Objects are being worked on: let them end, or freeze them, first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reset:
    """The objects whose half-done packages were removed."""

    reset: int
    object_ids: list[int] = field(default_factory=list)


def reset_workflow(*, delete_jobs: bool = False, dry_run: bool = False) -> Reset:
    """Remove each object's latest package if it was downloaded or packaged and not uploaded, with its work folder.

    Passari's queues are not in its database and are empty after a restore; ours come back as they were at the backup.
    ``delete_jobs`` empties them, but for confirmations, which may be run again. Raises QueuesNotEmpty.
    """
    with workflow_lock():
        busy = _being_done() if delete_jobs else WorkflowJob.objects.count()
        if busy:
            raise QueuesNotEmpty(
                f"{busy} objects are in the queues. Let them end first; after a restore, stop the workers and use "
                "--delete-jobs."
            )
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
        if delete_jobs:
            WorkflowJob.objects.exclude(queue=WorkflowJob.Queue.CONFIRM_SIP).delete()
    for number in numbers:
        remove_work(number)
    return Reset(reset=len(rows), object_ids=numbers)


def _being_done() -> int:
    """How much work of the museum a worker has in hand: a lease of yesterday has passed."""
    deposits = WorkflowJob.objects.filter(deposit_id__isnull=False).values("deposit_id")
    mine = Q(kind__in=(kinds.DOWNLOAD, kinds.CONFIRM, kinds.ENQUEUE)) | Q(deposit__in=deposits)
    return WorkItem.objects.filter(mine, lease_expires_at__gt=Now()).count()
