"""The museum's Celery tasks. Messages are hints: each claims its item of the queue, and does nothing without."""

import logging
from collections.abc import Callable

from celery import Task, shared_task
from django.conf import settings

from sources.museumplus.harvest import sync
from sources.museumplus.harvest.client import connect
from sources.museumplus.workflow import processed, working

logger = logging.getLogger(__name__)


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


@shared_task(name="museum.sync_objects")
def sync_objects_task() -> None:
    """Harvest objects for as long as a night allows; go on in the next."""
    _harvest(sync.sync_objects)


@shared_task(name="museum.sync_attachments")
def sync_attachments_task() -> None:
    """Harvest attachments, likewise."""
    _harvest(sync.sync_attachments)


@shared_task(name="museum.sync_hashes")
def sync_hashes_task() -> None:
    """Compute the hashes of attachments."""
    try:
        sync.sync_hashes()
    except sync.AlreadyRunning as busy:
        logger.info("sync_hashes: %s", busy)


def _harvest(run: Callable[..., object]) -> None:
    try:
        with connect() as client:
            run(client, save_progress=True, max_runtime=settings.MUSEUM_SYNC_SECONDS)
    except sync.AlreadyRunning as busy:
        logger.info("harvest: %s", busy)
