"""Metrics and alerts of deliveries and pipelines."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client as HttpClient

from deposit.monitoring.alerts import alerts
from loader.destinations.archivematica import after
from loader.destinations.archivematica.models import Pipeline, Transfer
from tests.loader.destinations.archivematica.delivering import Delivering, transfer_of
from tests.support.archivematica import Archivematica
from tests.support.archivematica_state import PROCESSING, Script

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def delivering(tmp_path: Path, settings: Any) -> Iterator[Delivering]:
    """A collection whose deposits go through a pipeline."""
    settings.STAGING_ROOT = str(tmp_path / "staging")
    (tmp_path / "source").mkdir()
    with Archivematica(tmp_path / "source") as double:
        yield Delivering(double, tmp_path, capacity=5)


def metrics() -> dict[str, float]:
    """What /metrics tells, by name and labels."""
    text = HttpClient().get("/metrics").content.decode()
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def codes() -> list[str]:
    """What is wrong with deliveries and pipelines."""
    return [one.code for one in alerts() if one.code.startswith(("deliveries", "pipeline"))]


def test_how_full_pipelines_are_and_what_steps_took(delivering: Delivering) -> None:
    delivering.to_its_end(delivering.deposit())
    delivering.double.state.default = Script(transfer=(PROCESSING,))
    delivering.look(delivering.deposit())

    told = metrics()

    assert told['deposit_pipeline_capacity{pipeline="main"}'] == 5
    assert told['deposit_pipeline_used{pipeline="main"}'] == 1
    assert told['deposit_pipeline_held{pipeline="main"}'] == 0
    assert told['deposit_pipeline_up{pipeline="main"}'] == 1
    assert told['deposit_deliveries{destination="archivematica",state="waiting"}'] == 1
    labels = '{activity="start_transfer",destination="archivematica",state="done"}'
    assert told[f"deposit_activities{labels}"] == 2
    assert told[f"deposit_activity_seconds_sum{labels}"] > 0


def test_a_question_is_told(delivering: Delivering) -> None:
    delivering.double.state.default = Script(transfer=("USER_INPUT",))
    assert codes() == []

    delivering.look(delivering.deposit())

    assert codes() == ["deliveries.asking"]


def test_a_pipeline_out_of_order_is_told_once_for_all_its_deposits(delivering: Delivering) -> None:
    delivering.double.keys["dashboard"] = ("pipeline", "a new key")
    for _ in range(3):
        delivering.look(delivering.deposit())

    assert codes() == ["pipeline.unavailable"]
    [alert] = [one for one in alerts() if one.code == "pipeline.unavailable"]
    assert "does not accept the user and API key" in alert.sentence
    Pipeline.objects.update(paused=True)
    assert codes() == []


def test_a_place_that_is_held_for_long_is_told(delivering: Delivering) -> None:
    delivering.double.state.default = Script(transfer=(PROCESSING,))
    deposit = delivering.deposit()
    delivery = delivering.look(deposit)
    type(delivery).objects.update(deadline_at="2026-01-01T00:00Z")
    delivering.look(deposit)
    after.look(transfer_of(deposit))
    assert (codes(), metrics()['deposit_pipeline_held{pipeline="main"}']) == ([], 1)

    Transfer.objects.update(held_at="2026-01-01T00:00Z")

    assert codes() == ["pipeline.held"]
