"""The destination's Celery tasks."""

from celery import Task, shared_task

from loader.destinations.archivematica import health


@shared_task(name="archivematica.probe")
def probe() -> None:
    """Look at the pipelines that nobody has looked at lately. Safe to run twice."""
    health.look_at_all()


@shared_task(name="archivematica.check", bind=True)
def check(task: "Task[..., None]", pipeline_id: int | str) -> None:
    """Look at everything about one pipeline, and record it. Safe to run twice: the claim lets one through."""
    health.check_and_record(int(pipeline_id), worker=f"archivematica:{task.request.hostname}")
