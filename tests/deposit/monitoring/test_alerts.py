"""What is wrong, each in one sentence that says what to do; nothing when all is well."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now

from archive.models import FixityCheck, Outcome, Pack
from deposit import lifecycle
from deposit.lifecycle import Work
from deposit.models import AdvisoryLock, EventName, Heartbeat, Status, WorkItem
from deposit.monitoring import heartbeats
from deposit.monitoring.alerts import Alert, alerts
from deposit.monitoring.sessions import Sessions
from deposit.monitoring.snapshot import counted, read_snapshot, unread
from deposit.queue.items import give_back
from tests.support.lifecycle_fixtures import IDENTIFIERS, claimed, in_status, sent

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def well(settings: Any, tmp_path: Path) -> Iterator[None]:
    """A dispatcher leads (in a session of its own), a checker and a loader beat, the folders are there."""
    settings.STAGING_ROOT = settings.ARCHIVE_ROOT = str(tmp_path)
    counted.forget()
    unread.forget()
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [AdvisoryLock.DISPATCHER])
    heartbeats.beat("checker@here", "check,fetch", begins=True)
    heartbeats.beat("housekeeper@here", "housekeeping", begins=True)
    heartbeats.beat("loader@here", "load", begins=True)
    heartbeats.beat("notifier@here", "notices", begins=True)
    heartbeats.beat(heartbeats.SCHEDULER, "schedule", begins=True)
    yield
    other.close()


def told() -> dict[str, Alert]:
    return {one.code: one for one in alerts()}


def silence(*names: str) -> None:
    Heartbeat.objects.filter(name__in=names).update(beat_at=Now() - timedelta(hours=1))


def test_all_is_well() -> None:
    assert alerts() == []


@pytest.mark.parametrize(
    ("name", "code", "queue"),
    [
        ("checker@here", "checker.silent", "check"),
        ("loader@here", "loader.silent", "load"),
        ("housekeeper@here", "housekeeping.silent", "housekeeping"),
        ("notifier@here", "notifier.silent", "notices"),
    ],
)
def test_a_worker_that_is_gone_is_missed_before_anything_waits_long(name: str, code: str, queue: str) -> None:
    silence(name)
    (alert,) = alerts()
    assert (alert.code, alert.severity) == (code, "error")
    assert f"systemctl restart deposit-worker@{queue}" in alert.sentence


def test_workers_that_never_came_are_missed_too() -> None:
    Heartbeat.objects.all().delete()
    assert set(told()) == {"workers.silent"}


def test_when_all_fall_silent_the_broker_is_the_first_to_look_at() -> None:
    silence("checker@here", "housekeeper@here", "loader@here", "notifier@here", heartbeats.SCHEDULER)
    (alert,) = alerts()
    assert alert.code == "workers.silent"
    assert "broker" in alert.sentence
    assert "Nothing is lost" in alert.sentence


def test_a_scheduler_that_is_gone_is_missed() -> None:
    silence(heartbeats.SCHEDULER)
    assert [one.code for one in alerts()] == ["scheduler.silent"]


def test_no_dispatcher_comes_first() -> None:
    silence(heartbeats.SCHEDULER)
    with connection.cursor() as cursor:
        cursor.execute(
            # Not the session of another test, in a database beside this one.
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE objid = %s "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [AdvisoryLock.DISPATCHER],
        )
    for _ in range(100):
        if alerts()[0].code == "dispatcher.away":
            return
    raise AssertionError(alerts())


def test_workers_that_live_and_take_nothing_point_at_the_messages() -> None:
    sent()
    WorkItem.objects.update(due_at=Now() - timedelta(minutes=20))
    alert = told()["checker.slow"]
    assert "take none of the 1 pieces of work" in alert.sentence
    assert "20 minutes" in alert.sentence


def test_too_few_workers_are_told_from_none() -> None:
    sent()
    claimed(Work.CHECK, sent(origin="https://hal.example.org/other"))
    WorkItem.objects.update(due_at=Now() - timedelta(minutes=20))
    assert "start more workers" in told()["checker.slow"].sentence


def test_loads_that_fail_are_told_from_the_first_attempt_on_with_the_cause() -> None:
    deposit = in_status(Status.VERIFIED)
    for attempt, severity in ((1, "warning"), (2, "warning"), (3, "error")):
        give_back(
            claimed(Work.LOAD, deposit), reason="OSError: disk is read-only", after_seconds=0, counts=True
        )
        [alert] = alerts()
        assert (alert.code, alert.severity, alert.status) == ("work.failing", severity, Status.VERIFIED)
        assert f"Loads fail and are tried again: 1; the most attempts: {attempt}." in alert.sentence
        assert "The last cause: OSError: disk is read-only." in alert.sentence
        # Nothing fell silent, and nothing says so.
        assert "silent" not in alert.sentence
    claim = claimed(Work.LOAD, deposit)
    lifecycle.fire(EventName.FINISH, deposit.pk, actor="loader", token=claim.token, changes=IDENTIFIERS)
    assert alerts() == []


def test_failed_deposits_lead_to_their_list() -> None:
    in_status(Status.FAILED)
    alert = told()["deposits.failed"]
    assert (alert.severity, alert.status) == ("warning", "failed")


def test_a_damaged_pack_leads_to_the_page_that_says_which() -> None:
    Pack.objects.create(size=1, sha256=bytes(32), damaged_at=Now())
    alert = told()["archive.damaged"]
    assert "Fixity" in alert.sentence
    assert alert.severity == "error"


def test_an_audit_that_stopped_is_noticed(settings: Any) -> None:
    settings.ARCHIVE_AUDIT_DAYS = 90
    long_ago = Now() - timedelta(days=200)
    pack = Pack.objects.create(size=1, sha256=bytes(32))
    Pack.objects.update(published_at=long_ago)
    FixityCheck.objects.create(
        pack=pack, read=1, started_at=long_ago, ended_at=long_ago, thorough=False, outcome=Outcome.SOUND
    )
    assert "200 days ago" in told()["archive.unaudited"].sentence


def test_a_folder_that_is_away_is_named(settings: Any, tmp_path: Path) -> None:
    settings.STAGING_ROOT = str(tmp_path / "nowhere")
    assert "staging" in told()["disk.away"].sentence


@pytest.mark.parametrize(("used", "severity"), [(79, ""), (80, "warning"), (95, "error")])
def test_sessions_that_run_out_are_told_of(used: int, severity: str) -> None:
    seen = replace(
        read_snapshot(), sessions=Sessions(used={"web": used - 1, "others": 1}, limit=100, slots=0)
    )
    assert [(one.code, one.severity) for one in alerts(seen)] == [("database.sessions", severity)] * bool(
        severity
    )
