"""What the museum asks of the queue: downloads, confirmations, enqueuing in the background, a look at deposits.

A row of ``WorkflowJob`` and the work item behind it are written in one transaction. A task that finds no such row has
nothing to do: so work is called off by removing the row.
"""

from collections.abc import Iterable
from datetime import timedelta
from itertools import count

from django.db import transaction
from django.utils import timezone

from deposit.queue import items
from sources.museumplus.models import MuseumObject, MuseumPackage, WorkflowJob
from sources.museumplus.workflow import kinds

Queue, State = WorkflowJob.Queue, WorkflowJob.State


def enqueue_downloads(numbers: Iterable[int]) -> list[int]:
    """Ask for the download of objects; return those that were not being worked on already."""
    with transaction.atomic():
        new = [number for number in numbers if _enqueue_download(number)]
        if new:
            # Last, for its one row is locked until the transaction ends.
            items.ask(kinds.FOLLOW, "all")
        return new


def _enqueue_download(number: int) -> bool:
    about = {"queue": Queue.DOWNLOAD_OBJECT, "sip_id": _new_sip_id(number)}
    _, is_new = WorkflowJob.objects.get_or_create(museum_object_id=number, defaults=about)
    if is_new:
        items.ask(kinds.DOWNLOAD, str(number))
    return is_new


def _new_sip_id(number: int) -> str:
    """What tells two SIPs of the same version of an object apart: this second, or the next that no package has."""
    used = set(MuseumPackage.objects.filter(museum_object=number).values_list("sip_id", flat=True))
    seconds = (timezone.now() + timedelta(seconds=later) for later in count())
    return next(sip_id for at in seconds if (sip_id := at.strftime("%Y%m%d-%H%M%S")) not in used)


def ask_for_confirmation(package: MuseumPackage) -> None:
    """Ask for a package to be finished with, on which there is a verdict; within the caller's transaction.

    A verdict that comes late, when a later package of the object is being made, leaves that one alone.
    """
    latest = MuseumObject.objects.values_list("latest_package_id", flat=True).get(pk=package.museum_object_id)
    if latest == package.pk:
        about = {
            "queue": Queue.CONFIRM_SIP,
            "state": State.PENDING,
            "error": "",
            "sip_id": package.sip_id or "",
        }
        WorkflowJob.objects.update_or_create(museum_object_id=package.museum_object_id, defaults=about)
    items.ask(kinds.CONFIRM, str(package.pk))


def ask_for_enqueuing(count: int, *, at_random: bool = False) -> None:
    """Ask for objects to be enqueued in the background."""
    with transaction.atomic():
        key = timezone.now().isoformat()
        items.ask(kinds.ENQUEUE, key, arguments={"count": count, "random": at_random})


def note(number: int, sip_id: str, queue: str, state: str, error: str = "") -> bool:
    """Note where the making of a SIP stands; return False if it is no longer in the workflow."""
    changed = WorkflowJob.objects.filter(pk=number, sip_id=sip_id).update(
        queue=queue, state=state, error=error[:2000], updated_at=timezone.now()
    )
    return bool(changed)


def drop(job: WorkflowJob) -> None:
    """Call off the work on an object."""
    job.delete()


def retry(number: int) -> bool:
    """Try again what failed; return False if nothing has."""
    with transaction.atomic():
        job = WorkflowJob.objects.select_for_update().filter(pk=number, state=State.FAILED).first()
        if job is None:
            return False
        job.state, job.error = State.PENDING, ""
        job.save(update_fields=["state", "error"])
        if job.queue == Queue.DOWNLOAD_OBJECT:
            items.ask(kinds.DOWNLOAD, str(number))
        elif job.queue == Queue.CONFIRM_SIP:
            package = MuseumPackage.objects.filter(museum_object_id=number, sip_id=job.sip_id).last()
            if package is not None:
                items.ask(kinds.CONFIRM, str(package.pk))
        else:
            kinds.redeliver(job.deposit_id)
        items.ask(kinds.FOLLOW, "all")
    return True
