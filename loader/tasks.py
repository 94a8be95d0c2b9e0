"""The loader's Celery task."""

from celery import Task, shared_task

from loader.destinations import archive
from loader.loading import load


@shared_task(name="loader.load", bind=True)
def load_task(task: "Task[..., None]", deposit_id: int) -> None:
    """Load one deposit. Safe to run twice: the claim lets one through."""
    load(deposit_id, worker=f"loader:{task.request.hostname}", destination=archive.load)
