"""The batches' Celery task."""

from celery import Task, shared_task

from sources.batches.running import run


@shared_task(name="batches.run", bind=True)
def run_batch(task: "Task[..., None]", batch_id: int | str) -> None:
    """Take one batch further. Safe to run twice: the claim lets one through."""
    run(int(batch_id), worker=f"batches:{task.request.hostname}")
