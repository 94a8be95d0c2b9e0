"""The checker's Celery task."""

from celery import Task, shared_task

from checker.checking import check
from checker.grouping import check_together


@shared_task(name="checker.check", bind=True)
def check_task(task: "Task[..., None]", deposit_id: int | str, *further: str) -> None:
    """Check one deposit, or several small ones. Safe to run twice: the claim lets one through."""
    worker = f"checker:{task.request.hostname}"
    if further:
        check_together([str(deposit_id), *further], worker=worker)
    else:
        check(int(deposit_id), worker=worker)
