"""Whether a pipeline can be used."""

from pathlib import Path

import pytest

from deposit.actors import Channel, system_actor
from deposit.models import WorkItem
from loader.destinations.archivematica import health, services
from loader.destinations.archivematica.models import Pipeline
from tests.loader.destinations.archivematica.pipelines import key_file, new_pipeline
from tests.support.archivematica import Archivematica

pytestmark = pytest.mark.django_db


@pytest.fixture
def pipeline(double: Archivematica, tmp_path: Path) -> Pipeline:
    """A pipeline that leads to the double."""
    return new_pipeline(double, tmp_path)


def test_a_look_finds_out_who_is_there(pipeline: Pipeline, double: Archivematica) -> None:
    assert health.look_at(pipeline) == ""

    pipeline.refresh_from_db()
    assert (pipeline.remote_id, pipeline.remote_version, pipeline.fault) == (double.id, "1.17.0", "")


def test_a_fault_is_recorded_with_its_beginning_until_it_has_passed(
    pipeline: Pipeline, double: Archivematica
) -> None:
    double.fail("GET /api/v2beta/package", status=503, times=2)
    health.look_at(pipeline)
    pipeline.refresh_from_db()
    since = pipeline.fault_since
    assert "503" in pipeline.fault

    health.look_at(pipeline)

    pipeline.refresh_from_db()
    assert pipeline.fault_since == since
    health.look_at(pipeline)
    pipeline.refresh_from_db()
    assert (pipeline.fault, pipeline.fault_since) == ("", None)


@pytest.mark.parametrize("server", ["dashboard", "storage"])
def test_a_stale_key_is_a_fault_that_says_what_to_do(
    pipeline: Pipeline, double: Archivematica, server: str
) -> None:
    double.keys[server] = ("pipeline", "a new key")

    assert "Put a valid key" in health.look_at(pipeline)


def test_of_many_looks_one_is_made(pipeline: Pipeline, double: Archivematica) -> None:
    for _ in range(5):
        health.look_at_if_due(pipeline)

    assert double.count("GET", "/api/v2beta/package") == 1


def test_a_whole_check_finds_everything_well(pipeline: Pipeline) -> None:
    found = health.check(pipeline)

    assert [(one.name, one.ok) for one in found] == [
        ("dashboard", True),
        ("processing configuration", True),
        ("storage service", True),
        ("transfer source", True),
    ]


def test_a_whole_check_tells_all_that_is_wrong(double: Archivematica, tmp_path: Path) -> None:
    pipeline = new_pipeline(
        double,
        tmp_path,
        processing_config="none such",
        location="0b8ab5d6-4c2f-4c7b-a0f5-0a0e0a4a9f60",
        transfer_source=str(tmp_path / "gone"),
    )

    found = {one.name: one for one in health.check(pipeline)}

    assert [name for name, one in found.items() if not one.ok] == [
        "processing configuration",
        "storage service",
        "transfer source",
    ]
    assert "automated, default" in found["processing configuration"].message


def test_a_key_that_is_not_there_is_told_by_its_reference(double: Archivematica, tmp_path: Path) -> None:
    pipeline = new_pipeline(double, tmp_path, key_ref="env:NO_SUCH_KEY")

    assert health.look_at(pipeline) == "There is no key at env:NO_SUCH_KEY."


def test_a_new_key_is_used_at_once(pipeline: Pipeline, double: Archivematica, tmp_path: Path) -> None:
    double.keys["dashboard"] = ("pipeline", "a new key")
    assert health.look_at(pipeline)
    key_file(tmp_path, "dashboard", "a new key")

    assert health.look_at(pipeline) == ""


def test_a_worker_looks_when_it_is_asked_for_and_keeps_what_it_found(pipeline: Pipeline) -> None:
    services.ask_for_check(actor=system_actor(Channel.COMMAND), name=pipeline.name)

    health.check_and_record(pipeline.pk, worker="worker")

    pipeline.refresh_from_db()
    assert [one["ok"] for one in pipeline.report["checks"]] == [True] * 4
    assert not WorkItem.objects.exists()
