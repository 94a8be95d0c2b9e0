"""What the museum's workers do with an item of the queue. Each may be run twice, and may die at any line."""

import logging

from django.db import transaction

from deposit.models import Deposit, Status, WorkItem
from deposit.models import Finding as FindingRow
from deposit.queue import items
from deposit.queue.claims import Claim
from deposit.queue.leases import Busy, Lease, kept
from deposit.refusals import Kind as RefusalKind
from deposit.refusals import Refusal
from packages.formats.preservable import NotPreservable
from sources.museumplus.harvest.client import MuseumPlusError, connect
from sources.museumplus.harvest.documents import BadDocument
from sources.museumplus.locks import ObjectBusy, object_lock
from sources.museumplus.models import MuseumObject, MuseumPackage, WorkflowJob
from sources.museumplus.setup import NotSetUp
from sources.museumplus.workflow import enqueuing, freezing, kinds, queueing, steps
from sources.museumplus.workflow.depositing import deposit_package

logger = logging.getLogger(__name__)

Queue, State = WorkflowJob.Queue, WorkflowJob.State
FOLLOW_SECONDS = 5.0


def download(key: str, *, worker: str) -> None:
    """Fetch an object and deposit it, if it is still to be."""
    claim = items.claim(kinds.DOWNLOAD, key, worker=worker)
    if claim is None:
        return
    with kept(claim) as lease:
        job = WorkflowJob.objects.filter(pk=int(key), queue=Queue.DOWNLOAD_OBJECT).first()
        if job is None or MuseumObject.objects.filter(pk=key, frozen=True).exists():
            WorkflowJob.objects.filter(pk=int(key), queue=Queue.DOWNLOAD_OBJECT).delete()
            items.finish(claim)
            return
        _download(int(key), job.sip_id, claim, lease)


def _download(number: int, sip_id: str, claim: Claim, lease: Lease) -> None:
    queueing.note(number, sip_id, Queue.DOWNLOAD_OBJECT, State.STARTED)
    try:
        with object_lock(number), connect() as client:
            package = steps.download(client, number, sip_id, alive=lease.check)
            deposit = deposit_package(package, lease.check)
    except NotPreservable as refused:
        lease.check()
        freezing.freeze_running_object(number, refused, sip_id)
        items.finish(claim)
    except (steps.StepRefused, BadDocument, NotSetUp) as error:
        _give_up(number, sip_id, claim, error)
    except MuseumPlusError as error:
        if not error.transient:
            _give_up(number, sip_id, claim, error)
            return
        queueing.note(number, sip_id, Queue.DOWNLOAD_OBJECT, State.PENDING, str(error))
        raise
    except Refusal as refusal:
        if refusal.kind is RefusalKind.TOO_LARGE:
            _give_up(number, sip_id, claim, refusal)
            return
        # Too much waits, or a disk is full: that passes.
        queueing.note(number, sip_id, Queue.DOWNLOAD_OBJECT, State.PENDING, refusal.summary)
        raise Busy(refusal.summary) from refusal
    except ObjectBusy as error:
        raise Busy(str(error)) from error
    except Exception as error:
        queueing.note(number, sip_id, Queue.DOWNLOAD_OBJECT, State.PENDING, str(error))
        raise
    else:
        with transaction.atomic():
            WorkflowJob.objects.filter(pk=number, sip_id=sip_id, queue=Queue.DOWNLOAD_OBJECT).update(
                queue=Queue.CREATE_SIP, state=State.PENDING, deposit_id=deposit.pk, error=""
            )
            items.finish(claim)


def confirm(key: str, *, worker: str) -> None:
    """Finish with a package on which there is a verdict."""
    claim = items.claim(kinds.CONFIRM, key, worker=worker)
    if claim is None:
        return
    with kept(claim):
        package = MuseumPackage.objects.filter(pk=key).first()
        if package is None:
            items.finish(claim)
            return
        mine = WorkflowJob.objects.filter(
            pk=package.museum_object_id, queue=Queue.CONFIRM_SIP, sip_id=package.sip_id or ""
        )
        mine.update(state=State.STARTED)
        try:
            with object_lock(package.museum_object_id):
                steps.confirm_sip(package, connect)
        except ObjectBusy as error:
            raise Busy(str(error)) from error
        except MuseumPlusError as error:
            if error.transient:
                mine.update(state=State.PENDING, error=str(error)[:2000])
                raise
            mine.update(state=State.FAILED, error=str(error)[:2000])
        items.finish(claim)
    _wake_delivery(package)


def enqueue(key: str, *, worker: str) -> None:
    """Enqueue objects, as somebody asked for in the background."""
    claim = items.claim(kinds.ENQUEUE, key, worker=worker)
    if claim is None:
        return
    with kept(claim):
        count, at_random = int(claim.arguments["count"]), bool(claim.arguments.get("random"))
        enqueuing.enqueue_objects(count, at_random=at_random)
        items.finish(claim)


def follow(key: str, *, worker: str) -> None:
    """Look what became of the museum's deposits; again a little later, as long as any is under way."""
    claim = items.claim(kinds.FOLLOW, key, worker=worker)
    if claim is None:
        return
    with kept(claim):
        look_at_deposits()
        if WorkflowJob.objects.exclude(state=State.FAILED).exclude(queue=Queue.CONFIRM_SIP).exists():
            items.again(claim, after_seconds=FOLLOW_SECONDS)
        else:
            items.finish(claim)


def look_at_deposits() -> None:
    """Freeze objects whose packages the checks refused for a known reason; note what failed for another."""
    jobs = {
        job.deposit_id: job
        for job in WorkflowJob.objects.exclude(state=State.FAILED).select_related("museum_object")
        if job.deposit_id is not None
    }
    ended = (Status.REJECTED, Status.FAILED, Status.EXPIRED)
    for deposit in Deposit.objects.filter(pk__in=jobs, status__in=ended):
        job = jobs[deposit.pk]
        if job.museum_object.frozen:  # frozen by somebody meanwhile: that stopped it
            job.delete()
            continue
        findings = list(FindingRow.objects.filter(deposit=deposit, severity="error").order_by("id"))
        known = min(
            (finding for finding in findings if finding.code.startswith("museum.")), key=_order, default=None
        )
        if deposit.status == Status.REJECTED and known is not None:
            reason = known.message.partition(". ")[0]
            refused = NotPreservable(reason, known.message, known.code)
            freezing.freeze_running_object(job.museum_object_id, refused, job.sip_id)
            continue
        error = findings[-1].message if findings else f"The deposit is {deposit.status}."
        queueing.note(job.museum_object_id, job.sip_id, job.queue, State.FAILED, error)


def _order(finding: FindingRow) -> tuple[int, int]:
    """Of several faults the one that Passari would come upon first: names, then endings, then contents."""
    stages = ("museum.filename", "museum.extension")
    stage = next((place for place, code in enumerate(stages) if finding.code.startswith(code)), len(stages))
    return stage, finding.pk


def _give_up(number: int, sip_id: str, claim: Claim, error: Exception) -> None:
    logger.warning("object=%s download_object failed: %s", number, error)
    with transaction.atomic():
        queueing.note(number, sip_id, Queue.DOWNLOAD_OBJECT, State.FAILED, str(error))
        if isinstance(error, steps.Cancelled):
            WorkflowJob.objects.filter(pk=number, sip_id=sip_id).delete()
        items.finish(claim)


def _wake_delivery(package: MuseumPackage) -> None:
    """The delivery that waits for the verdict may look now, and again if it is looking at this moment."""
    waiting = WorkItem.objects.filter(kind="load", deposit__submission_keys__key=package.sip_filename)
    for key, deposit_id in list(waiting.values_list("key", "deposit_id")):
        if not items.make_due("load", key):
            items.ask("load", key, deposit_id=deposit_id)
