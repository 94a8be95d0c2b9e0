"""Signs of life: of real workers, of those that fell silent, of those that were stopped."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from deposit.models import Heartbeat
from deposit.monitoring import heartbeats
from deposit.tasks import scheduler_heartbeat

pytestmark = pytest.mark.django_db


def silent_for(name: str, seconds: float) -> None:
    Heartbeat.objects.filter(name=name).update(beat_at=Now() - timedelta(seconds=seconds))


def test_a_worker_that_beats_is_alive() -> None:
    heartbeats.beat("checker@here", "check,housekeeping", begins=True)
    heartbeats.beat("checker@here", "check,housekeeping")
    (worker,) = heartbeats.workers()
    assert (worker.name, worker.queues, worker.is_alive) == ("checker@here", ["check", "housekeeping"], True)
    assert worker.began_at < worker.beat_at


def test_a_silent_worker_is_remembered_for_a_day_and_not_taken_for_alive() -> None:
    heartbeats.beat("loader@here", "load", begins=True)
    silent_for("loader@here", heartbeats.SILENT_SECONDS + 1)
    assert [worker.is_alive for worker in heartbeats.workers()] == [False]
    silent_for("loader@here", 90_000)
    assert heartbeats.workers() == []
    heartbeats.forget_old()
    assert not Heartbeat.objects.exists()


def test_a_worker_that_stopped_in_good_order_is_not_missed() -> None:
    heartbeats.beat("loader@here", "load", begins=True)
    heartbeats.end("loader@here")
    assert heartbeats.workers() == []


def test_the_scheduler_may_be_silent_while_an_audit_reads() -> None:
    scheduler_heartbeat()
    silent_for(heartbeats.SCHEDULER, heartbeats.SILENT_SECONDS + 1)
    assert [worker.is_alive for worker in heartbeats.workers()] == [True]
    silent_for(heartbeats.SCHEDULER, heartbeats.SCHEDULER_SILENT_SECONDS + 1)
    assert [worker.is_alive for worker in heartbeats.workers()] == [False]
