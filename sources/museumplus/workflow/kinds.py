"""The museum's kinds of work, registered when the application is ready."""

from deposit.actors import Channel, system_actor
from deposit.models import Deposit, Status, WorkItem
from deposit.queue.policies import POLL, REQUEST, Policy
from deposit.queue.registry import Kind, register
from deposit.services import operations
from sources.museumplus.models import WorkflowJob

# A MuseumPlus that is down for a night, or a day, is waited for.
PATIENT = Policy(
    name="museum", attempts=60, first_wait_seconds=10, longest_wait_seconds=1800, stall_seconds=7200
)

DOWNLOAD, CONFIRM, ENQUEUE, FOLLOW = "museum.download", "museum.confirm", "museum.enqueue", "museum.follow"


def register_kinds() -> None:
    """Make them known."""
    register(Kind(name=DOWNLOAD, task=DOWNLOAD, queue="fetch", policy=PATIENT, exhausted=_download_exhausted))
    register(
        Kind(name=CONFIRM, task=CONFIRM, queue="housekeeping", policy=PATIENT, exhausted=_confirm_exhausted)
    )
    register(Kind(name=ENQUEUE, task=ENQUEUE, queue="housekeeping", policy=REQUEST))
    register(Kind(name=FOLLOW, task=FOLLOW, queue="housekeeping", policy=POLL))


def redeliver(deposit_id: int | None) -> None:
    """Let a deposit that failed or was rejected be tried again."""
    deposit = Deposit.objects.filter(pk=deposit_id).first() if deposit_id else None
    if deposit is None:
        return
    actor = system_actor(Channel.SOURCE)
    if deposit.status == Status.REJECTED:
        operations.recheck(deposit_id=deposit.pk, actor=actor)
    elif deposit.status == Status.FAILED:
        operations.reschedule(deposit_id=deposit.pk, actor=actor)


def _download_exhausted(item: WorkItem) -> None:
    _fail(item.key, WorkflowJob.Queue.DOWNLOAD_OBJECT, item.last_fault)


def _confirm_exhausted(item: WorkItem) -> None:
    jobs = WorkflowJob.objects.filter(
        museum_object__packages=int(item.key), queue=WorkflowJob.Queue.CONFIRM_SIP
    )
    jobs.update(state=WorkflowJob.State.FAILED, error=item.last_fault)


def _fail(number: str, queue: str, fault: str) -> None:
    WorkflowJob.objects.filter(pk=int(number), queue=queue).update(
        state=WorkflowJob.State.FAILED, error=fault
    )
