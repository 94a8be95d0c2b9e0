"""The Celery tasks of notices. Each may be lost, come twice, or run beside itself."""

from celery import Task, shared_task

from deposit.notices import digest, sending


@shared_task(name="notices.send", bind=True)
def send(task: "Task[..., None]", notification_id: int | str) -> None:
    """Send one notification."""
    sending.send(int(notification_id), worker=f"notifier:{task.request.hostname}")


@shared_task(name="notices.digest", bind=True)
def send_digest(task: "Task[..., None]", subscription_id: int | str) -> None:
    """Send the digest of one subscription."""
    digest.send(int(subscription_id), worker=f"notifier:{task.request.hostname}")
