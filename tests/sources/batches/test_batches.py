"""Batches: a folder of folders becomes one deposit each, once."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.test import Client as HttpClient

from checker.checking import check
from deposit.models import Deposit, WorkItem
from deposit.queue import items
from loader.workflow import load
from sources.batches.models import Batch
from sources.batches.running import run
from sources.batches.work import BATCH
from tests.support.factories import http_client, new_client, new_collection
from tests.support.samples import make_zip

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, settings: Any) -> None:
    settings.STAGING_ROOT = str(tmp_path / "staging")
    settings.ARCHIVE_ROOT = str(tmp_path / "archive")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two folders and a file; what is hidden or a link is none of it."""
    folder = tmp_path / "batch"
    for name in ("one", "two"):
        (folder / name).mkdir(parents=True)
        (folder / name / f"{name}.txt").write_text(name)
    (folder / "three.txt").write_text("three")
    (folder / ".hidden").write_text("no")
    (folder / "link").symlink_to("/etc")
    new_collection("letters")
    return folder


def batch(*arguments: str) -> Any:
    """What the command answers, as JSON."""
    out = StringIO()
    call_command("batch", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def work(number: int) -> dict[str, Any]:
    """Let workers do all that the batch has for them; its summary."""
    for _ in range(3):
        items.make_due(BATCH.name, number)
        run(number, worker="batches")
        for deposit in Deposit.objects.filter(status="deposited"):
            check(deposit.pk, worker="checker")
            load(deposit.pk, worker="loader")
    told: dict[str, Any] = batch("show", str(number))
    return told


def test_each_thing_becomes_a_deposit(folder: Path) -> None:
    started = batch("start", str(folder), "--collection", "letters")

    told = work(started["id"])

    assert (started["state"], started["total"], started["waiting"]) == ("running", 3, 3)
    assert (told["state"], told["done"], told["total"]) == ("done", 3, 3)
    assert {item["name"]: item["state"] for item in told["items"]} == {
        "one": "done",
        "three.txt": "done",
        "two": "done",
    }
    assert sorted(Deposit.objects.values_list("title", "status")) == [
        ("one", "done"),
        ("three.txt", "done"),
        ("two", "done"),
    ]
    assert not WorkItem.objects.filter(kind=BATCH.name).exists()


def test_run_again_it_makes_no_second_deposit_and_adds_what_is_new(folder: Path) -> None:
    work(batch("start", str(folder), "--collection", "letters")["id"])
    before = set(Deposit.objects.values_list("pk", flat=True))
    (folder / "four.txt").write_text("four")

    told = work(batch("start", str(folder), "--collection", "letters")["id"])

    assert (told["state"], told["done"]) == ("done", 4)
    assert before < set(Deposit.objects.values_list("pk", flat=True))
    assert Deposit.objects.count() == 4


def test_what_is_stored_is_moved_away(folder: Path, tmp_path: Path) -> None:
    completed = tmp_path / "completed"
    started = batch("start", str(folder), "--collection", "letters", "--completed-dir", str(completed))

    work(started["id"])

    assert sorted(path.name for path in completed.iterdir()) == ["one", "three.txt", "two"]
    assert sorted(path.name for path in folder.iterdir()) == [".hidden", "link"]


def test_the_one_folder_of_an_archive_is_left_away(folder: Path, tmp_path: Path) -> None:
    for name, path in (("wrapped", "garden/plan.txt"), ("flat", "plan.txt")):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.zip").write_bytes(make_zip({path: b"plan"}))

    work(batch("start", str(tmp_path / "wrapped"), "--collection", "letters", "--strip-top-level-dir")["id"])
    work(batch("start", str(tmp_path / "flat"), "--collection", "letters")["id"])

    wrapped, flat = (Deposit.objects.get(package_name=f"{name}.zip") for name in ("wrapped", "flat"))
    assert (wrapped.status, flat.status) == ("done", "done")
    assert wrapped.swhid == flat.swhid


def test_at_depth_two_what_lies_in_the_folders_is_deposited(folder: Path, tmp_path: Path) -> None:
    completed = tmp_path / "completed"
    arguments = ("--collection", "letters", "--depth", "2", "--completed-dir", str(completed))

    told = work(batch("start", str(folder), *arguments)["id"])

    assert [item["name"] for item in told["items"]] == ["one/one.txt", "two/two.txt"]
    assert (completed / "one" / "one.txt").read_text() == "one"


def test_a_dry_run_deposits_nothing(folder: Path) -> None:
    told = batch("start", str(folder), "--collection", "letters", "--dry-run")

    assert [row["name"] for row in told] == ["one", "three.txt", "two"]
    assert not Batch.objects.exists()


def test_what_cannot_be_stored_is_told_and_stays(folder: Path, tmp_path: Path) -> None:
    (folder / "broken.zip").write_bytes(b"PK\x03\x04 not a zip")
    completed = tmp_path / "completed"
    started = batch("start", str(folder), "--collection", "letters", "--completed-dir", str(completed))

    told = work(started["id"])

    assert (told["state"], told["done"], told["failed"]) == ("failed", 3, 1)
    assert told["items"][0]["name"] == "broken.zip"
    assert told["items"][0]["error"] == "The deposit is rejected; its page says why."
    assert (folder / "broken.zip").exists()


def test_a_batch_that_is_cancelled_deposits_nothing_more(folder: Path) -> None:
    started = batch("start", str(folder), "--collection", "letters")

    assert batch("cancel", str(started["id"]))["state"] == "cancelled"

    work(started["id"])
    assert not Deposit.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("/no/such/folder", "--collection", "letters"), "no folder"),
        (("{folder}", "--collection", "none"), "no collection"),
        (("{folder}", "--collection", "letters", "--depth", "3"), "depth of 3"),
        (("{folder}/one", "--collection", "letters", "--depth", "2"), "nothing at depth 2"),
        (("{folder}", "--collection", "letters", "--completed-dir", "{folder}"), "cannot be the batch's own"),
        (("{folder}", "--collection", "letters", "--client", "nobody"), "no client nobody"),
    ],
)
def test_what_cannot_be_started_is_told(folder: Path, arguments: tuple[str, ...], told: str) -> None:
    with pytest.raises(CommandError, match=told):
        batch("start", *(one.format(folder=folder) for one in arguments))
    assert not Batch.objects.exists()


def test_one_batch_runs_in_a_folder(folder: Path) -> None:
    batch("start", str(folder), "--collection", "letters")

    with pytest.raises(CommandError, match="already"):
        batch("start", str(folder), "--collection", "letters")


def administrator() -> HttpClient:
    """A client that may administer."""
    client = new_client()
    client.user.user_permissions.add(Permission.objects.get(codename="administer"))
    return http_client(client)


def test_over_http_folders_below_a_root_only(folder: Path, settings: Any) -> None:
    http, body = administrator(), {"folder": str(folder), "collection": "letters"}
    refused = http.post("/api/batches/", body, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "batch.root")
    settings.BATCH_ROOT = str(folder.parent)
    climbing = body | {"folder": f"{folder.parent}/../.."}
    assert http.post("/api/batches/", climbing, content_type="application/json").status_code == 403

    dry = http.post("/api/batches/", body | {"dry_run": True}, content_type="application/json")
    started = http.post("/api/batches/", body, content_type="application/json")

    assert dry.json() == {"would_deposit": ["one", "three.txt", "two"]}
    assert (started.status_code, started.json()["total"]) == (201, 3)
    number = started.json()["id"]
    assert [one["id"] for one in http.get("/api/batches/").json()["results"]] == [number]
    assert http.get(f"/api/batches/{number}/").json()["items"][0]["name"] == "one"
    assert http.post(f"/api/batches/{number}/cancel/").json()["state"] == "cancelled"
    assert http_client(new_client()).get("/api/batches/").status_code == 403
