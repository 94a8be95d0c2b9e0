"""The museum's Celery tasks. Messages are hints: each claims its item of the queue, and does nothing without."""

from celery import Task, shared_task

from sources.museumplus import processed, working


@shared_task(name="museum.download", bind=True)
def download_task(task: "Task[..., None]", key: str) -> None:
    """Download one object and deposit it."""
    working.download(str(key), worker=f"museum:{task.request.hostname}")


@shared_task(name="museum.confirm", bind=True)
def confirm_task(task: "Task[..., None]", key: str) -> None:
    """Finish with one package."""
    working.confirm(str(key), worker=f"museum:{task.request.hostname}")


@shared_task(name="museum.enqueue", bind=True)
def enqueue_task(task: "Task[..., None]", key: str) -> None:
    """Enqueue objects in the background."""
    working.enqueue(str(key), worker=f"museum:{task.request.hostname}")


@shared_task(name="museum.follow", bind=True)
def follow_task(task: "Task[..., None]", key: str) -> None:
    """Look what became of deposits."""
    working.follow(str(key), worker=f"museum:{task.request.hostname}")


@shared_task(name="museum.sync_processed_sips")
def sync_processed_sips_task() -> None:
    """Read the verdicts of the preservation service."""
    processed.sync_processed_sips()
