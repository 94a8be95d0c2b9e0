"""The loader's Celery tasks."""

from celery import Task, shared_task

from loader.cleanup import clean_up
from loader.describing import describe_elsewhere
from loader.destinations.archive.describing import describe
from loader.inspection import inspect
from loader.workflow import load, load_several


@shared_task(name="loader.load", bind=True)
def load_task(task: "Task[..., None]", deposit_id: int | str, *further: str) -> None:
    """Take deposits further on their way to their destinations. Safe to run twice: the claim lets one through."""
    worker = f"loader:{task.request.hostname}"
    if further:
        load_several([str(deposit_id), *further], worker=worker)
    else:
        load(int(deposit_id), worker=worker)


@shared_task(name="loader.clean_up", bind=True)
def clean_up_task(task: "Task[..., None]", delivery_id: int | str) -> None:
    """Clean up after one delivery. Safe to run twice: the claim lets one through."""
    clean_up(int(delivery_id), worker=f"loader:{task.request.hostname}")


@shared_task(name="loader.inspect", bind=True)
def inspect_task(task: "Task[..., None]", delivery_id: int | str) -> None:
    """Look what one delivery has left at its destination. Safe to run twice: the claim lets one through."""
    inspect(int(delivery_id), worker=f"loader:{task.request.hostname}")


@shared_task(name="loader.describe", bind=True)
def describe_task(task: "Task[..., None]", part_id: int | str) -> None:
    """Archive one metadata document that came alone. Safe to run twice: the claim lets one through."""
    describe(int(part_id), worker=f"loader:{task.request.hostname}")


@shared_task(name="loader.describe_elsewhere", bind=True)
def describe_elsewhere_task(task: "Task[..., None]", key: str) -> None:
    """Take such a document to one more destination. Safe to run twice: the claim lets one through."""
    describe_elsewhere(key, worker=f"loader:{task.request.hostname}")
