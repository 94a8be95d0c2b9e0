"""The scheduler's Celery tasks: housekeeping of the record. Each may be lost, come twice, or run beside itself."""

from datetime import timedelta

from celery import Task, shared_task
from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from deposit.actors import Channel, system_actor
from deposit.authentication import throttle
from deposit.authentication.session_store import SessionStore
from deposit.erasure import work as erasing
from deposit.models import Deposit, Status
from deposit.monitoring import daily_statistics, heartbeats
from deposit.monitoring.alerts import alerts
from deposit.notices import keeping, standing
from deposit.operations import erasures
from deposit.services import deletions, expiry, fetching, idempotency, notices, uploads
from deposit.services.operations import expire
from deposit.staging import cleanup


@shared_task(name="deposit.expire_partials")
def expire_partials() -> None:
    """Expire partial deposits that nobody completed."""
    age = timedelta(days=settings.PARTIAL_EXPIRES_DAYS)
    old = Deposit.objects.filter(status=Status.PARTIAL, reception_date__lt=Now() - age)
    # Whoever was asked to confirm warnings has the same time from then on.
    old = old.filter(Q(held_packages="") | Q(status_changed_at__lt=Now() - age))
    for deposit in old.order_by("id").iterator(chunk_size=500):
        expire(deposit_id=deposit.pk, actor=system_actor(Channel.SCHEDULER), quietly=True)


@shared_task(name="deposit.tell_of_expiry")
def notify_of_expiry() -> None:
    """Tell depositors whose partial deposits will expire soon."""
    expiry.notify()


@shared_task(name="deposit.tell_of_alerts")
def tell_of_alerts() -> None:
    """Tell operators of alerts that are new, worse or over."""
    standing.tell(alerts())


@shared_task(name="deposit.mail_notices")
def mail_notices() -> None:
    """Mail users what concerns their accounts."""
    notices.mail()


@shared_task(name="deposit.forget")
def forget() -> None:
    """Remove wrong passwords, sessions and answers for retries that count no more."""
    throttle.forget_old()
    SessionStore.clear_expired()
    idempotency.forget_old()
    heartbeats.forget_old()
    keeping.forget_old()


@shared_task(name="deposit.sweep_staging")
def sweep_staging() -> None:
    """Remove what uploads that were cut off left behind, and set aside what no row names."""
    cleanup.sweep()


@shared_task(name="deposit.expire_deletions")
def expire_deletions() -> None:
    """End requests to withdraw or restore a deposit that nobody reviewed in time."""
    deletions.expire_old()


@shared_task(name="deposit.plan_erasure", bind=True)
def plan_erasure(task: "Task[..., None]", request_id: int | str) -> None:
    """Make the plan of an erasure. Safe to run twice: the claim lets one through."""
    erasing.plan(int(request_id), worker=f"eraser:{task.request.hostname}")


@shared_task(name="deposit.erase", bind=True)
def erase(task: "Task[..., None]", request_id: int | str) -> None:
    """Remove the bytes of what is erased. Safe to run twice: the claim lets one through."""
    # First, so that no backup that is restored brings back what is gone here.
    erasures.tell_known_folders()
    erasing.erase(int(request_id), worker=f"eraser:{task.request.hostname}")


@shared_task(name="deposit.expire_uploads")
def expire_uploads() -> None:
    """Give up segmented uploads to which nothing comes any more."""
    uploads.expire_idle()


@shared_task(name="deposit.fetch_file", bind=True)
def fetch_file(task: "Task[..., None]", fetch_id: int | str) -> None:
    """Get one package that a depositor refers to. Safe to run twice: the claim lets one through."""
    fetching.fetch(int(fetch_id), worker=f"fetcher:{task.request.hostname}")


@shared_task(name="deposit.fetch")
def fetch() -> None:
    """Nothing: a scheduler of the version before orders it."""


@shared_task(name="deposit.pulse")
def scheduler_heartbeat() -> None:
    """Show that what the scheduler orders is done."""
    heartbeats.beat(heartbeats.SCHEDULER, "schedule")


@shared_task(name="deposit.tally")
def tally() -> None:
    """Count the days that were not counted yet."""
    daily_statistics.bring_up_to_date(steps=12)
