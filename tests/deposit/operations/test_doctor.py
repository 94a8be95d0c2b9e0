"""The doctor finds every broken invariant, each by its code, and mends what is safe."""

import io
import json
import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models.functions import Now
from django.utils import timezone

from archive.models import Pack, Visit
from archive.storage import default_storage
from checker.checking import check
from deposit.lifecycle import Work, fire
from deposit.models import (
    Delivery,
    Deposit,
    Event,
    EventName,
    Finding,
    Heartbeat,
    Part,
    Status,
    Withdrawal,
    WorkItem,
)
from deposit.monitoring import heartbeats
from deposit.operations.doctor import examine, mend
from deposit.operations.invariants import INVARIANTS
from deposit.queue import dispatcher
from deposit.staging.files import path_of
from loader.workflow import load
from tests.support.lifecycle_fixtures import claimed, sent, staged, withdrawn
from tests.support.samples import make_zip

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, settings: Any) -> None:
    settings.STAGING_ROOT = str(tmp_path / "staging")
    settings.ARCHIVE_ROOT = str(tmp_path / "archive")


@pytest.fixture
def done() -> Deposit:
    deposit = sent()
    check(deposit.pk, worker="checker")
    load(deposit.pk, worker="loader")
    deposit.refresh_from_db()
    assert deposit.status == Status.DONE
    return deposit


def codes(**looks: Any) -> list[str]:
    return [problem.code for problem in examine(**looks)]


def alter(deposit: Deposit, **fields: Any) -> None:
    Deposit.objects.filter(pk=deposit.pk).update(**fields)


def stored(deposit: Deposit) -> Path:
    return path_of(Part.objects.get(deposit=deposit, kind="package").stored_as or "")


def rejected() -> Deposit:
    deposit = sent(make_zip({}))
    check(deposit.pk, worker="checker")
    return deposit


# --- Whole ---------------------------------------------------------------------------------------------
def test_a_whole_service_has_no_problems(done: Deposit) -> None:
    rejected()
    sent(complete=False)
    fire(EventName.EXPIRE, sent(complete=False).pk, actor="scheduler")
    assert codes(deep=True) == []


def test_deposits_that_wait_need_a_dispatcher(done: Deposit) -> None:
    sent()
    assert codes() == ["queue.no_dispatcher"]
    dispatcher.lead()
    try:
        assert codes() == []
    finally:
        connection.close()


# --- Broken --------------------------------------------------------------------------------------------
def break_status(done: Deposit) -> None:
    alter(done, status="failed", swhid=None)
    Finding.objects.create(deposit=done, area="loading", severity="error", code="x", message="x")


def break_history(done: Deposit) -> None:
    Event.objects.create(deposit=done, name="finish", from_status="loading", to_status="done", actor="x")


def break_transition(done: Deposit) -> None:
    Event.objects.create(deposit=done, name="expire", from_status="done", to_status="done", actor="x")


def break_reason(done: Deposit) -> None:
    rejected().findings.all().delete()


def break_withdrawal(done: Deposit) -> None:
    withdrawn(done)


def break_package(done: Deposit) -> None:
    stored(done).unlink()
    Part.objects.filter(deposit=done, kind="package").delete()


def break_object(done: Deposit) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM archive_object WHERE kind = 1")


def break_release(done: Deposit) -> None:
    alter(done, release_swhid=None)


def break_visit(done: Deposit) -> None:
    Visit.objects.all().delete()


def break_lease(done: Deposit) -> None:
    deposit = sent()
    claimed(Work.CHECK, deposit)
    WorkItem.objects.update(lease_expires_at=Now() - timedelta(hours=1))


def break_attempts(done: Deposit) -> None:
    sent()
    WorkItem.objects.update(attempts=1000)


def break_waiting(done: Deposit) -> None:
    sent()
    WorkItem.objects.update(sends=3, sent_at=Now(), due_at=Now() - timedelta(hours=1))


def break_missing(done: Deposit) -> None:
    alter(sent(), status_changed_at=Now() - timedelta(hours=1))
    WorkItem.objects.all().delete()


BREAKS: dict[str, Callable[[Deposit], None]] = {
    "record.status": break_status,
    "record.history": break_history,
    "record.transition": break_transition,
    "record.reason": break_reason,
    "record.withdrawal": break_withdrawal,
    "record.package": break_package,
    "archive.object": break_object,
    "archive.release": break_release,
    "archive.visit": break_visit,
    "queue.lease": break_lease,
    "queue.attempts": break_attempts,
    "queue.waiting": break_waiting,
    "queue.missing": break_missing,
}


@pytest.mark.parametrize("code", BREAKS)
def test_a_broken_invariant_is_found_by_its_code(code: str, done: Deposit) -> None:
    BREAKS[code](done)
    found = set(codes(archive=False)) - {"queue.no_dispatcher"}
    assert found == {code}


def test_a_withdrawal_that_the_history_tells_of_is_sound(done: Deposit) -> None:
    fire(EventName.WITHDRAW, done.pk, actor="test")
    withdrawn(done)
    assert set(codes(archive=False)) - {"queue.no_dispatcher"} == set()
    fire(EventName.RESTORE, done.pk, actor="test")
    Withdrawal.objects.all().delete()
    assert set(codes(archive=False)) - {"queue.no_dispatcher"} == set()


def test_what_went_elsewhere_than_to_the_archive_has_no_release(done: Deposit) -> None:
    alter(done, release_swhid=None, snapshot_swhid=None)
    Delivery.objects.update(destination="export")
    assert codes(archive=False) == []


def test_what_was_loaded_before_there_were_deliveries_is_looked_at_too(done: Deposit) -> None:
    Delivery.objects.all().delete()
    assert codes(archive=False) == []
    alter(done, snapshot_swhid=None)
    assert codes(archive=False) == ["archive.release"]


def test_every_invariant_is_broken_here() -> None:
    assert sorted(BREAKS) == sorted(invariant.code for invariant in INVARIANTS)


@pytest.mark.parametrize("deep", [False, True])
def test_a_package_that_is_missing_cut_or_altered_is_found(deep: bool, done: Deposit) -> None:
    path = stored(done)
    data = path.read_bytes()
    path.write_bytes(b"\0" * len(data))
    assert codes(deep=deep) == (["file.damaged"] if deep else [])
    path.write_bytes(data[:-1])
    assert codes(deep=deep) == ["file.size"]
    path.unlink()
    assert codes(deep=deep) == ["file.missing"]


def test_packs_that_are_missing_are_found(done: Deposit) -> None:
    default_storage().delete(Pack.objects.get().name)
    assert codes() == ["archive.difference"]


# --- Mended --------------------------------------------------------------------------------------------
def litter(tmp_path: Path) -> list[Path]:
    """What crashes leave: an upload cut off, a file without a row, a pack that was never published."""
    finished = path_of(staged(b"x").stored_as)
    half = tmp_path / "staging/incoming/half.part"
    half.write_bytes(b"x")
    pack = tmp_path / f"archive/packs/ab/ab{'0' * 62}.tar.zst"
    pack.parent.mkdir(parents=True, exist_ok=True)
    pack.write_bytes(b"x")
    for path in (finished, half, pack):
        os.utime(path, (time.time() - 10**7,) * 2)
    return [finished, half, pack]


def test_what_crashes_left_is_found_and_mended_and_nothing_else(done: Deposit, tmp_path: Path) -> None:
    left = litter(tmp_path)
    assert codes() == ["file.abandoned", "file.orphan", "archive.orphan"]
    assert mend() == [
        "abandoned: 1",
        "set aside: 1",
        "restored: 0",
        "removed: 0",
        "orphaned packs removed: 1",
        "waiting deposits will be sent again",
    ]
    assert [path.exists() for path in left] == [False, False, False]
    assert codes(deep=True) == []


def test_the_command_tells_and_mends(done: Deposit, tmp_path: Path) -> None:
    litter(tmp_path)
    told = io.StringIO()
    with pytest.raises(CommandError, match="3 problems"):
        call_command("doctor", "--json", stdout=told)
    answer = json.loads(told.getvalue())
    assert answer["healthy"] is False
    assert [problem["code"] for problem in answer["problems"]] == [
        "file.abandoned",
        "file.orphan",
        "archive.orphan",
    ]
    assert all(problem["remedy"] for problem in answer["problems"])
    told = io.StringIO()
    call_command("doctor", "--fix", "--deep", stdout=told)
    assert told.getvalue().splitlines()[-1] == "Record, files and archive are whole."


def test_mending_does_not_touch_work_that_goes_on(done: Deposit) -> None:
    deposit = sent()
    held = claimed(Work.CHECK, deposit)
    mend(age=timedelta(0))
    assert fire(EventName.VERIFY, deposit.pk, actor="checker", token=held.token).status == Status.VERIFIED
    assert stored(deposit).exists()


def test_the_command_says_what_runs_and_what_does_not(done: Deposit) -> None:
    heartbeats.beat("load-1@here", "load", begins=True)
    heartbeats.beat("check-1@here", "check,housekeeping", begins=True)
    Heartbeat.objects.filter(name="check-1@here").update(beat_at=Now() - timedelta(minutes=5))
    told = io.StringIO()
    call_command("doctor", "--no-archive", stdout=told)
    lines = {line.split("  ")[-2]: line for line in told.getvalue().splitlines() if "  " in line}
    assert lines["dispatcher"] == "DOES NOT RUN  dispatcher  nobody gives out work"
    assert lines["scheduler"] == "DOES NOT RUN  scheduler  not heard within a day"
    assert lines["loader"].startswith("runs          loader  load-1@here since ")
    assert lines["checker"].startswith("DOES NOT RUN  checker  last heard ")


def test_the_command_tells_what_the_service_warns_of(done: Deposit, settings: Any) -> None:
    settings.OIDC_ISSUER = "https://login.example.org/v2.0"
    settings.OIDC_SECRET_EXPIRES = (timezone.now().date() + timedelta(days=3)).isoformat()
    told, as_json = io.StringIO(), io.StringIO()
    call_command("doctor", "--no-archive", stdout=told)
    call_command("doctor", "--no-archive", "--json", stdout=as_json)
    (line,) = [one for one in told.getvalue().splitlines() if one.endswith("[identity.secret_expires]")]
    assert line.startswith("ERROR         The secret for the identity provider expires in 3 days;")
    codes = {one["code"]: one["severity"] for one in json.loads(as_json.getvalue())["alerts"]}
    assert (codes["identity.secret_expires"], codes["dispatcher.away"]) == ("error", "error")


def test_a_service_that_may_ask_for_more_sessions_than_there_are_is_told(settings: Any) -> None:
    assert [one for one in examine() if one.code == "database.sessions"] == []
    settings.DATABASE_CONNECTIONS = 100_000
    (problem,) = (one for one in examine() if one.code == "database.sessions")
    assert "may ask for 100000 sessions" in problem.message


def test_tables_of_another_release_are_one_sentence() -> None:
    recorder = MigrationRecorder(connection)
    last = recorder.Migration.objects.filter(app="deposit").latest("id")
    recorder.record_unapplied(last.app, last.name)
    try:
        with pytest.raises(CommandError, match=r"migrations missing: 1\. Run `manage\.py migrate`"):
            call_command("doctor", stdout=io.StringIO())
    finally:
        recorder.record_applied(last.app, last.name)
