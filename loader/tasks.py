"""The loader's Celery task."""

from celery import Task, shared_task

from loader.workflow import load


@shared_task(name="loader.load", bind=True)
def load_task(task: "Task[..., None]", deposit_id: int | str) -> None:
    """Take one deposit further on its way to its destinations. Safe to run twice: the claim lets one through."""
    load(int(deposit_id), worker=f"loader:{task.request.hostname}")
