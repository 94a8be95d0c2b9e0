"""Places in pipelines."""

import threading
from pathlib import Path

import pytest
from django.db import connection

from loader.destinations.archivematica import capacity
from loader.destinations.archivematica.models import Pipeline, Transfer
from tests.loader.destinations.archivematica.pipelines import new_pipeline
from tests.support.archivematica import Archivematica
from tests.support.factories import new_collection, new_deposit


@pytest.fixture
def pipeline(db: None, double: Archivematica, tmp_path: Path) -> Pipeline:
    """A pipeline of two places."""
    return new_pipeline(double, tmp_path, capacity=2)


def enter(deposit_id: int, delivery_id: int, *pipelines: Pipeline) -> Transfer | None:
    """Take a place."""
    return capacity.enter(deposit_id=deposit_id, delivery_id=delivery_id, pipelines=pipelines)


def test_there_are_as_many_places_as_the_pipeline_says(pipeline: Pipeline) -> None:
    deposit = new_deposit()

    taken = [enter(deposit.pk, delivery, pipeline) for delivery in (1, 2, 3)]

    assert [one is not None for one in taken] == [True, True, False]


def test_a_place_is_taken_once_by_a_delivery(pipeline: Pipeline) -> None:
    deposit = new_deposit()

    first, second = enter(deposit.pk, 1, pipeline), enter(deposit.pk, 1, pipeline)

    assert first == second
    assert capacity.inside(pipeline).count() == 1


def test_a_place_given_back_is_free(pipeline: Pipeline) -> None:
    deposit = new_deposit()
    first = enter(deposit.pk, 1, pipeline)
    enter(deposit.pk, 2, pipeline)
    assert first is not None

    assert [capacity.leave(first), capacity.leave(first)] == [True, False]

    assert enter(deposit.pk, 3, pipeline) is not None
    assert enter(deposit.pk, 4, pipeline) is None


def test_a_held_place_stays_taken_and_the_delivery_may_take_another(pipeline: Pipeline) -> None:
    deposit = new_deposit()
    first = enter(deposit.pk, 1, pipeline)
    assert first is not None

    capacity.hold(first, "cancelled")

    again = enter(deposit.pk, 1, pipeline)
    assert again is not None
    assert again.name != first.name
    assert enter(deposit.pk, 2, pipeline) is None


def test_a_paused_pipeline_gives_no_place(pipeline: Pipeline) -> None:
    Pipeline.objects.update(paused=True)

    assert enter(new_deposit().pk, 1, pipeline) is None


def test_the_least_loaded_healthy_pipeline_comes_first(
    double: Archivematica, tmp_path: Path, db: None
) -> None:
    collection = new_collection()
    deposit = new_deposit(collection=collection)
    full, half, empty = (
        new_pipeline(double, tmp_path, name=name, capacity=2, collection=collection)
        for name in ("full", "half", "empty")
    )
    new_pipeline(double, tmp_path, name="paused", paused=True, collection=collection)
    new_pipeline(double, tmp_path, name="elsewhere")
    sick = new_pipeline(double, tmp_path, name="sick", collection=collection)
    Pipeline.objects.filter(pk=sick.pk).update(fault="away", fault_since="2026-01-01T00:00Z")
    for delivery, pipeline in enumerate((full, full, half)):
        enter(deposit.pk, delivery, pipeline)

    found = capacity.candidates(collection.pk)

    assert [one.name for one in found] == ["empty", "half", "full"]
    assert enter(deposit.pk, 9, full, *found) is not None
    assert capacity.inside(empty).count() == 1


@pytest.mark.django_db(transaction=True)
def test_many_at_once_never_take_more_than_there_are(double: Archivematica, tmp_path: Path) -> None:
    pipeline = new_pipeline(double, tmp_path, capacity=5)
    deposit = new_deposit()
    taken: list[bool] = []

    def run(first: int) -> None:
        try:
            taken.extend(
                enter(deposit.pk, number, pipeline) is not None for number in range(first, first + 5)
            )
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(100 * number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(taken), sum(taken)) == (30, 5)
    assert capacity.inside(pipeline).count() == 5
