"""The processes that must exist, each missed when it is not there: the one list for all that watches the service.

The web process is not in it: while it is away, so are the pages and ``/metrics``. Prometheus says so by ``up``,
``check_deposit`` because its test deposit fails.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from django.conf import settings

from deposit.models import Status
from deposit.monitoring.heartbeats import SCHEDULER, Worker


@dataclass(frozen=True, kw_only=True, slots=True)
class Queue:
    """A Celery queue that a living worker has to read. ``status``: of the deposits that wait for it, if any do."""

    name: str
    worker: str
    status: Status | None = None


# Processes that other applications bring, by the name under which they beat: whether they must run now.
_optional: dict[str, Callable[[], bool]] = {}


def register_process(name: str, is_needed: Callable[[], bool]) -> None:
    """Have a process missed while ``is_needed`` says so; it beats with its name as its queue."""
    _optional[name] = is_needed


def required_queues(waiting: Collection[str] = ()) -> Iterator[Queue]:
    """The queues that must be read: always, by the settings of this service, or because work waits in them."""
    yield Queue(name="check", worker="checker", status=Status.DEPOSITED)
    yield Queue(name="load", worker="loader", status=Status.VERIFIED)
    yield Queue(name="housekeeping", worker="housekeeping")
    yield Queue(name="notices", worker="notifier")
    # Files elsewhere are fetched only where a setting says from which hosts.
    if settings.BY_REFERENCE_HOSTS or "fetch" in waiting:
        yield Queue(name="fetch", worker="fetcher")
    for name in sorted({*waiting} - {"check", "load", "housekeeping", "notices", "fetch"}):
        yield Queue(name=name, worker=name)


def required_processes() -> list[str]:
    """The processes beside Celery's workers that must run now, by the names under which they beat."""
    return [name for name, is_needed in sorted(_optional.items()) if is_needed()]


def is_read(workers: Sequence[Worker], queue: str) -> bool:
    """Whether a living worker takes messages from a queue."""
    return any(one.is_alive and queue in one.queues for one in workers)


def scheduler_of(workers: Sequence[Worker]) -> Worker | None:
    """The scheduler's last sign of life; None when it never gave one."""
    return next((one for one in workers if one.name == SCHEDULER), None)
