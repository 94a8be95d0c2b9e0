"""``manage.py source``: every verb, as operators type it."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from deposit.models import AuditRecord, Client
from sources.models import Source, SourceItem
from tests.support.factories import new_collection
from tests.support.samples import make_zip

pytestmark = pytest.mark.django_db(transaction=True)


def source(*words: object) -> Any:
    out = io.StringIO()
    call_command("source", *map(str, words), "--json", stdout=out)
    return json.loads(out.getvalue())


def add(folder: Path, *words: object, name: str = "scans", collection: str = "papers") -> Any:
    return source("add", "folder", name, "--path", folder, "--collection", collection, *words)


@pytest.fixture(autouse=True)
def _papers(db: None) -> None:
    new_collection("papers")


def test_folder_is_added_with_all_options(folder: Path, tmp_path: Path) -> None:
    told = add(
        folder,
        *("--profile", "transfer-package", "--stable-seconds", 3, "--ignore", "^draft"),
        *("--retention-days", 30, "--strip-top-level-dir", "--reject-duplicates", "--exclude-hidden-files"),
        *("--identifier-columns", "a,b", "--rights-required"),
    )
    assert told["profile_options"] == {"identifier_columns": ["a", "b"], "rights_required": True}
    assert (told["stable_seconds"], told["ignore"], told["retention_days"]) == (3.0, "^draft", 30.0)
    assert told["strip_top_level_dir"] is told["reject_duplicates"] is told["exclude_hidden_files"] is True
    client = Client.objects.get(user__username="source-scans")
    assert not client.user.has_usable_password()
    assert [collection.name for collection in client.collections.all()] == ["papers"]
    assert AuditRecord.objects.filter(operation="source.add").count() == 1


def test_bucket_is_added_and_webhook_gets_a_token() -> None:
    words = (
        "add",
        "bucket",
        "uploads",
        "--url",
        "s3://uploads/a%20b/?region=eu-west-1",
        "--collection",
        "papers",
    )
    told = source(*words, "--events", "webhook", "--credentials-ref", "env:SCANS")
    assert len(told["webhook_token"]) > 30
    assert (told["events"], told["kind"]) == ("webhook", "bucket")
    assert Source.objects.get().webhook_digest not in ("", told["webhook_token"])


@pytest.mark.parametrize(
    "words",
    [
        ("--collection", "nothing"),
        ("--ignore", "("),
        ("--retention-days", "1", "--completed-dir", "/tmp/completed"),
        ("--completed-dir", "."),
        ("--path", "/nowhere/at/all"),
    ],
)
def test_what_makes_no_sense_is_refused_and_leaves_nothing(
    folder: Path, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(CommandError):
        add(folder, *words)
    assert (Source.objects.count(), Client.objects.count()) == (0, 0)


def test_name_is_taken_once_and_free_after_removal(folder: Path) -> None:
    add(folder)
    with pytest.raises(CommandError):
        add(folder)
    assert source("remove", "scans") == {"name": "scans", "removed": True}
    assert source("list") == []
    add(folder)
    assert [client.user.username for client in Client.objects.order_by("pk")] == [
        "source-scans",
        "source-scans-2",
    ]


def test_scan_items_retry_pause_and_resume(folder: Path) -> None:
    add(folder)
    (folder / "a.zip").write_bytes(make_zip({"a": b"1"}))
    assert source("scan", "scans")["items"]["taken"] == 1
    (row,) = source("items", "scans")
    assert {name: row[name] for name in ("key", "state", "error", "report")} == {
        "key": "a.zip",
        "state": "taken",
        "error": "",
        "report": "",
    }
    with pytest.raises(CommandError):
        source("retry", "scans", "a.zip")
    SourceItem.objects.update(state="rejected")
    first = row["deposit"]
    assert source("retry", "scans", "a.zip")["state"] == "waiting"
    assert source("pause", "scans")["paused"] is True
    source("scan", "scans")
    assert source("items", "scans", "--state", "waiting")[0]["deposit"] is None
    assert source("resume", "scans")["paused"] is False
    source("scan", "scans")
    assert source("items", "scans")[0]["deposit"] not in (None, first)
    assert source("show", "scans")["items"]["taken"] == 1
    assert source("report")[0]["came_in"] == 1


def test_unknown_names_are_told(folder: Path) -> None:
    for verb in ("show", "items", "scan", "pause", "resume", "remove"):
        with pytest.raises(CommandError, match="no source nothing"):
            source(verb, "nothing")
