"""The Celery application. Messages are hints: the record in PostgreSQL is the queue's truth."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import celeryd_init, setup_logging, task_prerun
from django.conf import settings
from django.db import close_old_connections
from django.utils.module_loading import import_string
from kombu.transport import TRANSPORT_ALIASES

from settings.env import name_settings

name_settings()

TRANSPORT_ALIASES["filesystem"] = "server.filesystem_broker:Transport"
app = Celery("deposit")


def _transport_options(url: str) -> dict[str, object]:
    if not url.startswith("filesystem:"):
        return {"confirm_publish": True} if url.startswith("amqp") else {}
    folder = Path(settings.CELERY_BROKER_DIR)
    for name in ("messages", "control"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return {
        "data_folder_in": str(folder / "messages"),
        "data_folder_out": str(folder / "messages"),
        "control_folder": str(folder / "control"),
        # Where the kernel does not tell of messages, and while all slots of a worker are taken: a longer pause is time
        # lost for each message.
        "polling_interval": 0.02,
    }


app.conf.update(
    broker_url=settings.CELERY_BROKER_URL,
    broker_transport_options=_transport_options(settings.CELERY_BROKER_URL),
    broker_connection_timeout=4,
    broker_connection_retry_on_startup=True,
    imports=[
        "archive.tasks",
        "deposit.notices.tasks",
        "deposit.tasks",
        "checker.tasks",
        "loader.tasks",
        "loader.destinations.archivematica.tasks",
        "sources.batches.tasks",
        "sources.museumplus.tasks",
        "sources.tasks",
    ],
    accept_content=["json"],
    task_serializer="json",
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_default_queue="housekeeping",
    task_default_queue_type="quorum" if settings.CELERY_BROKER_URL.startswith("amqp") else "classic",
    task_routes={
        "checker.check": {"queue": "check"},
        "loader.load": {"queue": "load"},
        "deposit.fetch": {"queue": "fetch"},
        "museum.download": {"queue": "fetch"},
        "museum.sync_*": {"queue": "fetch"},
        "museum.*": {"queue": "housekeeping"},
        "deposit.fetch_file": {"queue": "fetch"},
        # Told by a worker that may live while those that the alerts are about do not.
        "deposit.tell_of_alerts": {"queue": "notices"},
        "notices.*": {"queue": "notices"},
        "deposit.*": {"queue": "housekeeping"},
        "archive.*": {"queue": "housekeeping"},
        "archivematica.*": {"queue": "housekeeping"},
        "batches.*": {"queue": "housekeeping"},
    },
    worker_pool="server.celery_pool:TaskPool",
    worker_prefetch_multiplier=1,
    worker_enable_remote_control=False,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_hijack_root_logger=False,
    worker_consumer="server.celery_watchdog:Consumer",
    beat_scheduler="server.celery_watchdog:Scheduler",
    beat_schedule_filename=str(Path(settings.DATA_DIR) / "celerybeat-schedule"),
    beat_schedule={
        "expire-partial-deposits": {"task": "deposit.expire_partials", "schedule": 3600.0},
        "mail-notices": {"task": "deposit.mail_notices", "schedule": 300.0},
        "forget-what-counts-no-more": {"task": "deposit.forget", "schedule": 21_600.0},
        "tell-of-alerts": {"task": "deposit.tell_of_alerts", "schedule": 60.0, "options": {"expires": 60}},
        "tell-of-expiry": {"task": "deposit.tell_of_expiry", "schedule": 3600.0},
        "expire-deletions": {"task": "deposit.expire_deletions", "schedule": 3600.0},
        "expire-uploads": {"task": "deposit.expire_uploads", "schedule": 600.0},
        # Orders that waited for long say nothing of the scheduler now.
        "pulse": {"task": "deposit.pulse", "schedule": 60.0, "options": {"expires": 300}},
        "tally": {"task": "deposit.tally", "schedule": 300.0, "options": {"expires": 300}},
        "sweep-staging": {"task": "deposit.sweep_staging", "schedule": 3600.0},
        "audit-packs": {"task": "archive.audit", "schedule": 600.0},
        "probe-archivematica": {"task": "archivematica.probe", "schedule": 60.0, "options": {"expires": 60}},
        "report-sources": {"task": "sources.report", "schedule": settings.SOURCE_REPORT_DAYS * 86_400.0},
        "replicate-packs": {"task": "archive.replicate", "schedule": 600.0},
        "merge-packs": {"task": "archive.merge", "schedule": 600.0},
        "erase-in-packs": {"task": "archive.erase", "schedule": 600.0},
    },
)

if settings.MUSEUM_SCHEDULE:
    app.conf.beat_schedule |= settings.MUSEUM_BEAT

# Workers tell the record that they live.
app.steps["consumer"].add("deposit.monitoring.heartbeats:HeartbeatStep")

# Without this every task opens a database connection of its own, which takes longer than the work on a small deposit.
app.conf["CELERY_DB_REUSE_MAX"] = 500


@celeryd_init.connect
def _name_worker(instance: Any, options: Mapping[str, Any], **kwargs: object) -> None:
    """Two workers without a name of their own are two."""
    queues = options.get("queues") or ()
    queues = queues.split(",") if isinstance(queues, str) else queues
    unique_name = import_string("server.celery_names.unique_name")
    instance.hostname = unique_name(instance.hostname, queues, Path(settings.DATA_DIR) / "workers")


@task_prerun.connect
def _drop_broken_connection(**kwargs: object) -> None:
    """A connection that died since the last task is replaced before this one uses it."""
    close_old_connections()


@setup_logging.connect
def _leave_logging_to_django(**kwargs: object) -> None:
    """Being connected is all it does: Celery would silence our own lines along with its chatter."""
