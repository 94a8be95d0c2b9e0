"""Objects that are not to be preserved for now: frozen by a person, or by the workflow at an error it knows."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db.models import Count, QuerySet

from packages.formats.preservable import NotPreservable
from sources.museumplus import logs
from sources.museumplus.locks import workflow_lock
from sources.museumplus.models import FreezeSource, MuseumObject, MuseumPackage, WorkflowJob
from sources.museumplus.workflow import queueing


class WorkflowJobRunningError(Exception):
    """Objects are being worked on right now; nothing was frozen."""

    def __init__(self, object_ids: list[int]) -> None:
        self.object_ids = object_ids
        shown = ", ".join(map(str, object_ids[:20]))
        super().__init__(f"These objects have running jobs: {shown}. Wait until they have ended.")


class UnknownObjects(Exception):
    """There are no such objects."""

    def __init__(self, object_ids: list[int]) -> None:
        self.object_ids = object_ids
        super().__init__(f"There are no such objects: {', '.join(map(str, object_ids[:20]))}.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Frozen:
    """How many objects were frozen, how many packages cancelled, how many jobs removed."""

    frozen: int
    cancelled: int
    jobs_removed: int


def freeze_objects(
    object_ids: Iterable[int],
    *,
    reason: str,
    source: FreezeSource = FreezeSource.USER,
    delete_jobs: bool = True,
    dry_run: bool = False,
) -> Frozen:
    """Freeze objects, and cancel their packages that have no verdict yet.

    Raises WorkflowJobRunningError and UnknownObjects, and then freezes none.
    """
    wanted = sorted(set(object_ids))
    with workflow_lock():
        there = MuseumObject.objects.filter(pk__in=wanted)
        _refuse_unknown(wanted, there)
        jobs = WorkflowJob.objects.filter(museum_object_id__in=wanted)
        running = sorted(jobs.filter(state=WorkflowJob.State.STARTED).values_list("pk", flat=True))
        if running:
            raise WorkflowJobRunningError(running)
        open_packages = MuseumPackage.objects.filter(
            pk__in=there.values("latest_package_id"), preserved=False, rejected=False, cancelled=False
        )
        cancelled = list(open_packages)
        removed = list(jobs) if delete_jobs else []
        result = Frozen(frozen=len(wanted), cancelled=len(cancelled), jobs_removed=len(removed))
        if dry_run:
            return result
        there.update(frozen=True, freeze_reason=reason, freeze_source=source)
        open_packages.update(cancelled=True)
        for job in removed:
            queueing.drop(job)
    for package in cancelled:
        _put_away(package, remove=delete_jobs)
    return result


def freeze_running_object(number: int, refused: NotPreservable, sip_id: str = "") -> None:
    """Freeze an object at an error that the workflow knows; cancel the package that was being made."""
    with workflow_lock():
        museum_object = MuseumObject.objects.select_for_update().get(pk=number)
        museum_object.frozen = True
        museum_object.freeze_reason = refused.reason
        museum_object.freeze_source = FreezeSource.AUTOMATIC
        museum_object.save(update_fields=["frozen", "freeze_reason", "freeze_source"])
        package = museum_object.latest_package
        if package is not None and (package.sip_id or "") == sip_id and not logs.is_archived(package):
            package.cancelled = True
            package.save(update_fields=["cancelled"])
        else:
            package = None
        WorkflowJob.objects.filter(pk=number, sip_id=sip_id).delete()
    if package is not None:
        _put_away(package, remove=True)
    else:
        remove_work(number)


def unfreeze_objects(
    *,
    reason: str | None = None,
    object_ids: Iterable[int] | None = None,
    enqueue: bool = False,
    dry_run: bool = False,
) -> list[int]:
    """Unfreeze the objects with this very reason, or of these ids, or both; return their ids.

    They are pending again, unless they are preserved; ``enqueue``: they are enqueued at once, pending or not.
    """
    if reason is None and object_ids is None:
        raise ValueError("Name a reason, or ids.")
    with workflow_lock():
        chosen: QuerySet[MuseumObject] = MuseumObject.objects.filter(frozen=True)
        if reason is not None:
            chosen = chosen.filter(freeze_reason=reason)
        if object_ids is not None:
            chosen = chosen.filter(pk__in=list(object_ids))
        numbers = sorted(chosen.values_list("pk", flat=True))
        if dry_run:
            return numbers
        there = MuseumObject.objects.filter(pk__in=numbers)
        there.exclude(latest_package__preserved=True).update(latest_package=None)
        there.update(frozen=False, freeze_reason=None, freeze_source=None)
        if enqueue:
            busy = set(WorkflowJob.objects.filter(pk__in=numbers).values_list("pk", flat=True))
            queueing.enqueue_downloads(number for number in numbers if number not in busy)
    return numbers


def freeze_reasons() -> list[tuple[str, int]]:
    """Reasons and how many objects are frozen for each, most frequent first."""
    return [
        (str(row["freeze_reason"]), int(row["count"]))
        for row in MuseumObject.objects.filter(frozen=True)
        .values("freeze_reason")
        .annotate(count=Count("pk"))
        .order_by("-count", "freeze_reason")
    ]


def remove_work(number: int) -> None:
    """Remove the work folder of an object."""
    shutil.rmtree(Path(settings.PACKAGE_DIR, str(number)), ignore_errors=True)


def _refuse_unknown(wanted: list[int], there: QuerySet[MuseumObject]) -> None:
    known = set(there.values_list("pk", flat=True))
    if unknown := [number for number in wanted if number not in known]:
        raise UnknownObjects(unknown)


def _put_away(package: MuseumPackage, *, remove: bool) -> None:
    """Archive the logs of a package that was cancelled; slow, and so outside of the transaction."""
    logs.archive_logs(package, package.workflow_log_dir)
    if remove:
        remove_work(package.museum_object_id)
