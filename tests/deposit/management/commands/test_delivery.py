"""``manage.py delivery`` and ``manage.py collection --destination``."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from deposit.models import Collection
from tests.loader.destinations.archivematica.delivering import Delivering, delivery_of
from tests.loader.destinations.archivematica.pipelines import new_pipeline
from tests.support.archivematica import Archivematica
from tests.support.archivematica_state import COMPLETE, DONE, Script

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def delivering(tmp_path: Path, settings: Any) -> Iterator[Delivering]:
    """A collection whose deposits go through a pipeline."""
    settings.STAGING_ROOT = str(tmp_path / "staging")
    (tmp_path / "source").mkdir()
    with Archivematica(tmp_path / "source") as double:
        yield Delivering(double, tmp_path)


def run(*arguments: str) -> Any:
    """What a command answers, as JSON."""
    out = StringIO()
    call_command(*arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_a_delivery_is_shown_with_its_steps(delivering: Delivering) -> None:
    delivery = delivering.to_its_end(delivering.deposit())

    [row] = run("delivery", "list")
    told = run("delivery", "show", str(delivery.pk))

    assert {name: told[name] for name in row} == json.loads(json.dumps(row)) | {
        "activities": told["activities"]
    }
    assert [one["name"] for one in row["activities"]] == [one["name"] for one in told["activities"]]
    assert (row["id"], row["deposit"], row["destination"], row["pipeline"], row["state"]) == (
        delivery.pk,
        delivery.deposit_id,
        "archivematica",
        "main",
        "done",
    )
    assert {one["scheme"] for one in told["identifiers"]} >= {"archivematica-aip", "archivematica-transfer"}
    assert [one["state"] for one in told["activities"]] == ["done"] * 12
    assert {"name", "state", "attempts", "started_at", "ended_at", "error"} <= set(told["activities"][0])
    [ingest] = [one for one in told["activities"] if one["name"] == "poll_ingest"]
    assert [job["name"] for job in ingest["substeps"]] == [
        "Verify transfer compliance",
        "Characterize and extract metadata",
    ]


def test_lists_are_narrowed(delivering: Delivering) -> None:
    delivering.to_its_end(delivering.deposit())

    assert len(run("delivery", "list", "--state", "done", "--pipeline", "main")) == 1
    assert run("delivery", "list", "--pipeline", "other") == []
    assert run("delivery", "list", "--state", "failed") == []


def test_verbs_do_what_they_say(delivering: Delivering) -> None:
    delivering.double.state.default = Script(transfer=("USER_INPUT",))
    deposit = delivering.deposit()
    delivery = delivering.look(deposit)
    assert run("delivery", "decide", str(delivery.pk), "keep_waiting")["state"] == "asking"
    assert run("delivery", "cancel", str(delivery.pk))["wish"] == "cancel"
    assert delivering.look(deposit).state == "cancelled"
    delivering.double.transfers[0].script = Script(transfer=(DONE,), ingest=(COMPLETE,))

    again = run("delivery", "retry", str(delivery.pk), "--mode", "reconcile")

    assert (again["mode"], again["previous"], again["state"]) == ("reconcile", delivery.pk, "waiting")
    assert delivering.to_its_end(deposit).state == "done"
    assert len(delivering.double.transfers) == 1


def test_many_are_shown_before_they_are_changed(delivering: Delivering) -> None:
    delivering.double.state.default = Script(transfer=("FAILED",))
    delivery = delivering.to_its_end(delivering.deposit())

    assert run("delivery", "bulk", "retry", "--state", "failed") == [
        {"delivery": delivery.pk, "outcome": "would retry", "refusal": ""}
    ]
    assert delivery_of(delivery.deposit).pk == delivery.pk
    run("delivery", "bulk", "retry", "--state", "failed", "--apply")
    assert delivery_of(delivery.deposit).pk != delivery.pk


def test_an_unknown_delivery_is_told(delivering: Delivering) -> None:
    with pytest.raises(CommandError, match="There is no delivery 99"):
        run("delivery", "show", "99")


def test_a_collection_is_given_destination_and_pipelines(delivering: Delivering, tmp_path: Path) -> None:
    new_pipeline(delivering.double, tmp_path, name="second")

    told = run(
        *("collection", "create", "--name", "letters"),
        *("--destination", "archivematica", "--pipeline", "main,second"),
    )

    assert told["destinations"] == ["archivematica"]
    assert {row["name"]: row["used"] for row in run("pipeline", "list")} == {"main": 0, "second": 0}
    assert "letters" in run("pipeline", "show", "second")["collections"]
    run(
        "collection",
        "set",
        "--name",
        "letters",
        "--destination",
        "archive,archivematica",
        "--pipeline",
        "main",
    )
    assert run("pipeline", "show", "second")["collections"] == []
    assert Collection.objects.get(name="letters").destinations == ["archive", "archivematica"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--destination", "the moon"), "no destination the moon"),
        (("--destination", "archivematica", "--pipeline", "none"), "no pipeline none"),
        (("--destination", "archive", "--pipeline", "main"), "takes pipelines"),
    ],
)
def test_a_collection_with_a_destination_that_cannot_be_is_not_made(
    delivering: Delivering, options: tuple[str, ...], told: str
) -> None:
    with pytest.raises(CommandError, match=told):
        run("collection", "create", "--name", "letters", *options)
    assert not Collection.objects.filter(name="letters").exists()
