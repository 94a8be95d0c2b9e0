"""Signs of life of workers: each tells the record every few seconds that it takes messages, and from which queues.

A step of Celery's consumer, so it beats only while the worker is connected to its broker: a worker that runs and
cannot reach it is as silent as one that died. (Celery's own events would need the broker, and the web never talks to
it.) The scheduler's sign of life is a task of its own: it shows that what the scheduler orders is done.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from celery import bootsteps
from django.db import Error, connection
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.db.models.functions import Now
from django.utils.timezone import now

from deposit.models import Heartbeat

logger = logging.getLogger(__name__)

BEAT_SECONDS = 15.0
# A worker not heard for this long is taken for dead. The database may be away for a moment.
SILENT_SECONDS = 60.0
# The scheduler orders its own heartbeat this often; the order waits behind other housekeeping (an audit may take
# minutes).
SCHEDULER_BEAT_SECONDS = 60.0
SCHEDULER_SILENT_SECONDS = 600.0
SCHEDULER = "scheduler"
QUEUES = ("check", "load", "housekeeping", "fetch")
# Of a worker nobody wants to know after a day: its queues are missed, not its name. There is one scheduler, and it is
# missed until it is back.
_REMEMBERED = Q(name=SCHEDULER) | Q(beat_at__gt=Now() - timedelta(days=1))


@dataclass(frozen=True, kw_only=True, slots=True)
class Worker:
    """A process, what it does, and since when it was heard or not."""

    name: str
    queues: list[str]
    began_at: datetime
    beat_at: datetime
    is_alive: bool


def beat(name: str, queues: str, *, slots: int = 0, begins: bool = False) -> None:
    """Note that a worker is alive; ``slots``: how many tasks it does side by side. Raises django.db.Error."""
    fields: dict[str, Any] = {"queues": queues[:300], "slots": slots, "beat_at": Now()}
    first = fields | {"began_at": Now()}
    Heartbeat.objects.update_or_create(
        name=name[:200], defaults=first if begins else fields, create_defaults=first
    )


def end(name: str) -> None:
    """Note that a worker has stopped in good order. Raises django.db.Error."""
    Heartbeat.objects.filter(name=name[:200]).delete()


def workers() -> list[Worker]:
    """All that were heard within a day, and the scheduler whenever it was heard last, by name."""
    silent = Q(name=SCHEDULER, beat_at__gt=Now() - timedelta(seconds=SCHEDULER_SILENT_SECONDS))
    alive = silent | Q(beat_at__gt=Now() - timedelta(seconds=SILENT_SECONDS))
    rows = Heartbeat.objects.annotate(is_alive=ExpressionWrapper(alive, output_field=BooleanField()))
    return [
        Worker(
            name=row.name,
            queues=row.queues.split(","),
            began_at=row.began_at,
            beat_at=row.beat_at,
            is_alive=row.is_alive,
        )
        for row in rows.filter(_REMEMBERED).order_by("name")
    ]


def is_heard(heartbeat: Heartbeat) -> bool:
    """Whether a worker (not the scheduler) was heard lately, by this machine's clock."""
    return now() - heartbeat.beat_at < timedelta(seconds=SILENT_SECONDS)


def alive(known: Iterable[Worker], queue: str) -> int:
    """How many living workers read a queue."""
    return sum(one.is_alive for one in known if queue in one.queues)


def forget_old() -> None:
    """Remove the heartbeats of workers that were not heard for long."""
    Heartbeat.objects.exclude(_REMEMBERED).delete()


class HeartbeatStep(bootsteps.StartStopStep):
    """Beats while the worker is connected. Named as a string in ``settings.celery``."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        super().__init__(consumer, **kwargs)
        self._timer: Any = None

    def start(self, consumer: Any) -> None:
        """Beat at once, and then every few seconds."""
        name, queues = consumer.hostname, ",".join(sorted(consumer.app.amqp.queues.consume_from))
        slots = int(consumer.pool.num_processes or 0)
        _quietly(lambda: beat(name, queues, slots=slots, begins=True))
        self._timer = consumer.timer.call_repeatedly(
            BEAT_SECONDS, _quietly, (lambda: beat(name, queues, slots=slots),)
        )

    def stop(self, consumer: Any) -> None:
        """Beat no more: the connection is lost, or the worker stops."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def shutdown(self, consumer: Any) -> None:
        """A worker that stops in good order is not missed by name."""
        self.stop(consumer)
        _quietly(lambda: end(consumer.hostname))


def _quietly(note: Any) -> None:
    """A heartbeat that cannot be written is one that is missed; nothing else depends on it."""
    try:
        note()
    except Error as error:
        logger.warning("heartbeat not written: %s", error)
    finally:
        # The pool forks new children from this process: no connection of it goes with them.
        connection.close()
