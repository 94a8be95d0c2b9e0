"""``manage.py pipeline``."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from deposit.models import AuditRecord, WorkItem
from loader.destinations.archivematica import capacity
from loader.destinations.archivematica.models import Pipeline
from tests.loader.destinations.archivematica.pipelines import new_pipeline
from tests.support.archivematica import KEY, STORAGE_KEY, STORAGE_USER, USER, Archivematica
from tests.support.factories import new_collection, new_deposit

pytestmark = pytest.mark.django_db
LOCATION = "0b8ab5d6-4c2f-4c7b-a0f5-0a0e0a4a9f60"


def pipeline(*arguments: str) -> Any:
    """What the command answers, as JSON."""
    out = StringIO()
    call_command("pipeline", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def add(double: Archivematica, *more: str, name: str = "main") -> Any:
    """Make one known, as the documentation says it."""
    return pipeline(
        "add",
        name,
        *("--url", double.url, "--user", USER, "--key-ref", "env:AM_KEY"),
        *("--storage-service-url", double.storage_url, "--storage-service-user", STORAGE_USER),
        *("--storage-service-key-ref", "env:SS_KEY"),
        *("--transfer-source", str(double.state.source), "--location", double.location),
        *("--processing-config", "automated", "--transfer-type", "standard"),
        *("--capacity", "3", "--transfer-deadline", "86400"),
        *more,
    )


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AM_KEY", KEY)
    monkeypatch.setenv("SS_KEY", STORAGE_KEY)


def test_a_pipeline_is_added_with_all_its_settings(double: Archivematica, tmp_path: Path) -> None:
    told = add(
        double,
        *("--poll-seconds", "7", "--retry-deadline", "70", "--required-location", LOCATION),
        *("--required-location", double.location, "--standalone-location", LOCATION, "--fixity", "--unbag"),
        *("--strip-top-level-dir", "--exclude-hidden-files", "--known-hosts", "/etc/ssh/known"),
        *("--storage-time-zone", "Europe/Paris"),
    )

    row = Pipeline.objects.get()
    assert told == json.loads(json.dumps(pipeline("show", "main"), default=str))
    assert (row.capacity, row.transfer_deadline, row.poll_seconds, row.retry_deadline) == (3, 86400, 7, 70)
    assert (row.required_locations, row.standalone_locations) == ([LOCATION, double.location], [LOCATION])
    assert (row.fixity, row.unbag, row.strip_top_level_dir, row.exclude_hidden_files) == (True,) * 4
    assert (row.known_hosts, row.storage_time_zone) == ("/etc/ssh/known", "Europe/Paris")
    assert told["used"] == 0
    assert KEY not in json.dumps(told)


@pytest.mark.parametrize(
    "wrong",
    [
        ("--key-ref", "the key itself"),
        ("--transfer-source", "relative/path"),
        ("--transfer-source", "sftp://user:secret@host/x"),
        ("--storage-time-zone", "Paris"),
        ("--capacity", "0"),
        ("--url", "no address"),
    ],
)
def test_settings_that_cannot_be_are_refused(double: Archivematica, wrong: tuple[str, str]) -> None:
    with pytest.raises(CommandError):
        add(double, *wrong)
    assert not Pipeline.objects.exists()


def test_the_same_name_twice_is_refused(double: Archivematica) -> None:
    add(double)

    with pytest.raises(CommandError, match="already exists"):
        add(double)


def test_what_is_not_given_stays(double: Archivematica) -> None:
    add(double)

    told = pipeline("change", "main", "--capacity", "9", "--no-fixity")

    assert (told["capacity"], told["user"], told["fixity"]) == (9, USER, False)


def test_the_list_tells_how_full_each_is(double: Archivematica) -> None:
    add(double)
    deposit = new_deposit()
    capacity.enter(deposit_id=deposit.pk, delivery_id=1, pipelines=Pipeline.objects.all())

    [row] = pipeline("list")

    assert (row["name"], row["used"], row["capacity"], row["status"]) == ("main", 1, 3, "unknown")


def test_a_check_that_finds_all_well_says_so(double: Archivematica) -> None:
    add(double)

    assert [row["ok"] for row in pipeline("check", "main")] == [True] * 4
    assert pipeline("list")[0]["status"] == "active"


def test_a_check_that_does_not_ends_with_an_error(
    double: Archivematica, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    add(double)
    monkeypatch.setenv("AM_KEY", "stale")

    with pytest.raises(CommandError, match="cannot be used"):
        pipeline("check", "main")
    assert "BAD  dashboard:" in capsys.readouterr().err
    assert pipeline("list")[0]["status"] == "unavailable"


def test_pausing_and_resuming(double: Archivematica) -> None:
    add(double)

    assert pipeline("pause", "main")["paused"] is True
    assert pipeline("resume", "main")["paused"] is False


def test_a_pipeline_that_was_used_is_not_removed(double: Archivematica, tmp_path: Path) -> None:
    new_pipeline(double, tmp_path, collection=new_collection())

    with pytest.raises(CommandError, match="is used by a collection"):
        pipeline("remove", "main")


def test_a_pipeline_that_was_never_used_is_removed(double: Archivematica) -> None:
    add(double)

    pipeline("remove", "main")

    assert not Pipeline.objects.exists()


def test_a_held_place_is_given_back_by_an_operator(double: Archivematica) -> None:
    add(double, "--capacity", "1")
    taken = capacity.enter(deposit_id=new_deposit().pk, delivery_id=7, pipelines=Pipeline.objects.all())
    assert taken is not None
    with pytest.raises(CommandError, match="is still under way"):
        pipeline("free", "main", "--delivery", "7")
    capacity.hold(taken, "cancelled")
    assert pipeline("show", "main")["inside"][0]["held"] == "held by delivery 7: cancelled"

    pipeline("free", "main", "--delivery", "7")

    assert pipeline("list")[0]["used"] == 0


def test_the_audit_tells_of_it(double: Archivematica) -> None:
    add(double)
    pipeline("change", "main", "--capacity", "2")
    pipeline("pause", "main")
    pipeline("remove", "main")

    told = list(AuditRecord.objects.order_by("id").values_list("operation", "subject"))
    assert told == [(f"pipeline.{verb}", "pipeline main") for verb in ("add", "change", "pause", "remove")]


def test_an_unknown_pipeline_is_told(double: Archivematica) -> None:
    with pytest.raises(CommandError, match="There is no pipeline other"):
        pipeline("show", "other")


def test_where_the_keys_cannot_be_read_a_worker_is_asked(
    double: Archivematica, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(double)
    monkeypatch.delenv("AM_KEY")

    with pytest.raises(CommandError, match="no worker has looked yet"):
        pipeline("check", "main", "--wait", "0.3")
    assert WorkItem.objects.get().kind == "pipeline-check"
