"""Signs of life: of real workers, of those that fell silent, of those that were stopped."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from deposit import pulse
from deposit.models import Pulse
from deposit.tasks import scheduler_pulse

pytestmark = pytest.mark.django_db


def silent_for(name: str, seconds: float) -> None:
    Pulse.objects.filter(name=name).update(beat_at=Now() - timedelta(seconds=seconds))


def test_a_worker_that_beats_is_alive() -> None:
    pulse.beat("checker@here", "check,housekeeping", begins=True)
    pulse.beat("checker@here", "check,housekeeping")
    (worker,) = pulse.workers()
    assert (worker.name, worker.queues, worker.is_alive) == ("checker@here", ["check", "housekeeping"], True)
    assert worker.began_at < worker.beat_at


def test_a_silent_worker_is_remembered_for_a_day_and_not_taken_for_alive() -> None:
    pulse.beat("loader@here", "load", begins=True)
    silent_for("loader@here", pulse.SILENT_SECONDS + 1)
    assert [worker.is_alive for worker in pulse.workers()] == [False]
    silent_for("loader@here", 90_000)
    assert pulse.workers() == []
    pulse.forget_old()
    assert not Pulse.objects.exists()


def test_a_worker_that_stopped_in_good_order_is_not_missed() -> None:
    pulse.beat("loader@here", "load", begins=True)
    pulse.end("loader@here")
    assert pulse.workers() == []


def test_the_scheduler_may_be_silent_while_an_audit_reads() -> None:
    scheduler_pulse()
    silent_for(pulse.SCHEDULER, pulse.SILENT_SECONDS + 1)
    assert [worker.is_alive for worker in pulse.workers()] == [True]
    silent_for(pulse.SCHEDULER, pulse.SCHEDULER_SILENT_SECONDS + 1)
    assert [worker.is_alive for worker in pulse.workers()] == [False]
