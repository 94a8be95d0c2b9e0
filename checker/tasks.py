"""The checker's Celery task."""

from celery import Task, shared_task

from checker.checking import check


@shared_task(name="checker.check", bind=True)
def check_task(task: "Task[..., None]", deposit_id: int | str) -> None:
    """Check one deposit. Safe to run twice: the claim lets one through."""
    check(int(deposit_id), worker=f"checker:{task.request.hostname}")
