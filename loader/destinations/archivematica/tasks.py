"""The destination's Celery tasks."""

from celery import shared_task

from loader.destinations.archivematica import health


@shared_task(name="archivematica.probe")
def probe() -> None:
    """Look at the pipelines that nobody has looked at lately. Safe to run twice."""
    health.look_at_all()


@shared_task(name="archivematica.check")
def check(pipeline_id: int) -> None:
    """Look at everything about one pipeline, and record it. Safe to run twice."""
    health.check_and_record(pipeline_id)
