"""Each process of the Procfile is taken away, for a minute up to a month: whoever watches the service is told so."""

import re
import shlex
import time
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.db.models.functions import Now
from django.test import Client as HttpClient
from django.utils.html import strip_tags

from deposit.models import AdvisoryLock, Client, Heartbeat
from deposit.monitoring import heartbeats
from deposit.monitoring.alerts import alerts
from deposit.monitoring.processes import required_queues
from deposit.monitoring.snapshot import counted, unread
from deposit.queue import dispatcher
from sources.models import Source, SourceKind

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[3]
PROCESSES = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines() if ": " in line)
AGES = {
    # The scheduler's heartbeat waits behind other housekeeping: it is missed after ten minutes.
    "a minute": timedelta(minutes=11),
    "an hour": timedelta(hours=1),
    "a day": timedelta(days=1, minutes=1),
    "a month": timedelta(days=31),
}


def queues_of(process: str) -> list[str]:
    """The queues that a Celery worker of the Procfile takes work from; none for other processes."""
    words = shlex.split(PROCESSES[process])
    return words[words.index("-Q") + 1].split(",") if "-Q" in words else []


WORKERS = [name for name in PROCESSES if queues_of(name)]
# The processes that the record is asked about, and the code of the alert when each is away.
CODES = {
    "checker": "checker.silent",
    "loader": "loader.silent",
    "fetcher": "fetcher.silent",
    "notifier": "notifier.silent",
    "watch": "watch.silent",
    "dispatcher": "dispatcher.away",
    "scheduler": "scheduler.silent",
}


@pytest.fixture
def leader(settings: Any, tmp_path: Path, depositor: Client) -> Iterator[Any]:
    """All processes run: workers beat, and a dispatcher leads in the session that is given."""
    settings.BY_REFERENCE_HOSTS = ["files.example.org"]
    settings.STAGING_ROOT = settings.ARCHIVE_ROOT = str(tmp_path)
    counted.forget()
    unread.forget()
    _install(timedelta(days=400))
    Source.objects.create(
        name="inbox",
        kind=SourceKind.FOLDER,
        location=str(tmp_path),
        client=depositor,
        collection=depositor.collections.get(),
    )
    for name in WORKERS:
        heartbeats.beat(f"{name}@here", ",".join(queues_of(name)), begins=True)
    # Housekeeping goes on when the checker, which does it here, is taken away.
    heartbeats.beat("housekeeper@here", "housekeeping", begins=True)
    heartbeats.beat(heartbeats.SCHEDULER, "schedule", begins=True)
    heartbeats.beat("watch@here", "watch", begins=True)
    session = connection.copy()
    with session.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [AdvisoryLock.DISPATCHER])
    yield session
    session.close()


def _install(ago: timedelta) -> None:
    with connection.cursor() as cursor:
        seconds = ago.total_seconds()
        cursor.execute("UPDATE django_migrations SET applied = now() - make_interval(secs => %s)", [seconds])


def take_away(process: str, leader: Any, age: timedelta) -> None:
    """As if it had died so long ago; what is forgotten meanwhile is forgotten."""
    if process == "dispatcher":
        with leader.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock_all()")
        return
    name = heartbeats.SCHEDULER if process == "scheduler" else f"{process}@here"
    Heartbeat.objects.filter(name=name).update(beat_at=Now() - age)
    heartbeats.forget_old()


def reported_everywhere(client: HttpClient) -> dict[str, set[str]]:
    """The codes that each way of showing alerts tells, the overview by their sentences."""
    by_sentence = {re.sub(r"\W+", " ", one.sentence): one.code for one in alerts()}
    client.force_login(User.objects.get_or_create(username="root", is_superuser=True, is_staff=True)[0])
    page = re.sub(r"\W+", " ", strip_tags(client.get("/overview/").text.replace("&#x27;", "'")))
    lines = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("check_deposit", stdout=lines)
    plugin = re.findall(r"\[([a-z]+\.[a-z_]+)\]", lines.getvalue())
    assert (ended.value.code == 0) == (plugin == [])
    return {
        "overview": {code for sentence, code in by_sentence.items() if sentence.strip() in page},
        "api": {one["code"] for one in client.get("/api/health/").json()},
        "nagios": set(plugin),
        "prometheus": set(re.findall(r'deposit_alert\{code="([^"]+)".*\} 1', client.get("/metrics").text)),
    }


def everywhere(*codes: str) -> dict[str, set[str]]:
    return {name: set(codes) for name in ("overview", "api", "nagios", "prometheus")}


def test_while_all_run_nothing_is_told_anywhere(leader: Any, client: HttpClient) -> None:
    assert reported_everywhere(client) == everywhere()


@pytest.mark.parametrize("age", AGES.values(), ids=AGES)
@pytest.mark.parametrize("process", CODES)
def test_a_process_that_is_away_is_told_everywhere(
    process: str, age: timedelta, leader: Any, client: HttpClient
) -> None:
    take_away(process, leader, age)
    assert reported_everywhere(client) == everywhere(CODES[process])


@pytest.mark.parametrize("process", CODES)
def test_a_process_that_never_ran_is_told_everywhere(process: str, leader: Any, client: HttpClient) -> None:
    take_away(process, leader, timedelta())
    Heartbeat.objects.filter(name__startswith=process).delete()
    assert reported_everywhere(client) == everywhere(CODES[process])


def test_a_service_that_was_just_installed_may_have_ordered_nothing_yet(
    leader: Any, client: HttpClient
) -> None:
    Heartbeat.objects.filter(name=heartbeats.SCHEDULER).delete()
    _install(timedelta(minutes=1))
    assert reported_everywhere(client) == everywhere()


def test_a_web_process_that_is_away_is_told_by_those_outside(leader: Any) -> None:
    lines = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("check_deposit", url="http://127.0.0.1:9/1/", username="hal", origin="x", stdout=lines)
    assert ended.value.code == 2
    assert "DEPOSIT CRITICAL - the test deposit failed" in lines.getvalue()
    assert 'up{job="deposit"} == 0' in (ROOT / "deploy/prometheus/deposit.rules.yml").read_text()


def test_every_process_of_the_procfile_is_watched() -> None:
    assert set(PROCESSES) == {*CODES, "web"}


def test_every_queue_that_must_be_read_has_a_worker_in_the_procfile(settings: Any) -> None:
    settings.BY_REFERENCE_HOSTS = ["example.org"]
    read = {queue for name in WORKERS for queue in queues_of(name)}
    assert {queue.name for queue in required_queues()} <= read


def test_a_dispatcher_that_hangs_is_missed(leader: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "dispatcher.away" not in {one.code for one in alerts()}
    # It keeps its lock, and does nothing.
    monkeypatch.setattr(dispatcher, "FROZEN_SECONDS", 0.2)
    time.sleep(0.3)
    assert "dispatcher.away" in {one.code for one in alerts()}
    told = StringIO()
    call_command("doctor", "--no-archive", stdout=told)
    assert "DOES NOT RUN  dispatcher  nobody gives out work" in told.getvalue()
