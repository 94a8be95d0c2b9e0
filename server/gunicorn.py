"""How gunicorn serves the application: ``gunicorn -c server/gunicorn.py settings.wsgi``.

Why threads: a worker of gunicorn's default class is killed in the middle of any upload that takes longer than
``timeout``; a threaded one goes on telling that it lives while its threads read for hours.
"""

import os
import shutil
import tempfile

from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

from server import watchdog
from server.balance import COUNTS as CONNECTION_COUNTS
from settings.env import in_journal

wsgi_app = "settings.wsgi"
bind = os.environ.get("BIND") or f"127.0.0.1:{os.environ.get('PORT', '8080')}"

worker_class = "server.worker.Worker"
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", "32"))
keepalive = 15
# How long a worker may be dead to the world before it is replaced; not how long a request may take.
timeout = 60
# How long a stopping worker may finish what it is doing, uploads among them.
graceful_timeout = int(os.environ.get("WEB_GRACEFUL_SECONDS", "30"))
# Heartbeats are files; in memory they cannot be held up by a busy disk.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else None  # noqa: S108
# No body is limited here: MAX_UPLOAD_SIZE answers with words. Headers are.
limit_request_line = 8190
limit_request_fields = 100
limit_request_field_size = 8190

# The client of Software Heritage spells these two with underscores, which WSGI cannot tell from hyphens.
# Exactly these pass, and only from FORWARDED_ALLOW_IPS (gunicorn's own variable; the loopback addresses if
# not set), so that nobody forges another header. Any other header with an underscore is dropped.
forwarder_headers = "X_CHECK_SWHID,CONTENT_MD5"
header_map = "drop"

# Nothing but the port: no second way in.
control_socket_disable = True
http_parser = "python"

logger_class = "server.access_log.AccessLogger"
accesslog = "-"
errorlog = "-"
access_log_format = '%(h)s %(u)s "%(r)s" %(s)s %(B)s bytes %(M)s ms request=%({x-request-id}o)s'
if os.environ.get("LOG_TIMES", str(not in_journal())).lower() in ("true", "1", "yes", "on"):
    access_log_format = f"%(t)s {access_log_format}"
if os.environ.get("LOG_FORMAT") == "json":
    _ours: dict[str, object] = {"level": "INFO", "handlers": ["console"], "propagate": False}
    logconfig_dict = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "deposit.monitoring.logs.JsonFormatter"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
        "loggers": {"gunicorn.error": _ours, "gunicorn.access": _ours},
    }

# Where prometheus_client looks for the folder; not a setting, because each server makes its own.
COUNTS = "PROMETHEUS_MULTIPROC_DIR"


def on_starting(server: Arbiter) -> None:
    """Make the folder in which the processes add up their counts for ``/metrics``; gone with the server."""
    os.environ[COUNTS] = tempfile.mkdtemp(prefix="deposit-metrics-", dir=worker_tmp_dir)


def when_ready(server: Arbiter) -> None:
    """Let systemd's watchdog hear from the loop that looks after the workers; it replaces those that hang."""
    look_after = server.murder_workers

    def look_and_say() -> None:
        watchdog.alive()
        look_after()

    server.murder_workers = look_and_say


def child_exit(server: Arbiter, worker: Worker) -> None:
    """What a process counted stays counted when it ends."""
    # Not at the top: at its import it looks whether the folder is there.
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
    CONNECTION_COUNTS.forget(worker.age)


def on_exit(server: Arbiter) -> None:
    """Remove the counts."""
    shutil.rmtree(os.environ[COUNTS], ignore_errors=True)
