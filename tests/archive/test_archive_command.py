"""``manage.py archive packs merge`` and ``archive erase``, and what the scheduler does by itself."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from archive import tasks
from archive.models import Pack
from archive.storage import FileStorage
from tests.archive.rewriting.archives import assert_clean, assert_erased, content, deposits, mark


def run(*words: str) -> list[str]:
    out = StringIO()
    call_command("archive", *words, stdout=out)
    return out.getvalue().splitlines()


def test_a_dry_run_says_what_would_be_merged(storage: FileStorage, db: None) -> None:
    deposits(storage, 3)
    size = sum(Pack.objects.values_list("size", flat=True))
    assert run("packs", "merge", "--dry-run") == [f"3 packs, {size} bytes"]
    assert run("packs", "merge", "--dry-run", "--due") == []
    assert len(list(storage.packs())) == 3


def test_packs_are_merged_and_their_files_kept_for_a_while(storage: FileStorage, db: None) -> None:
    deposits(storage, 3)
    first, last = run("packs", "merge")
    new = Pack.objects.in_storage().get()
    assert (first, last) == (f"{new.name} {new.size} bytes, of 3 packs", "1 packs, 0 files removed")
    assert len(list(storage.packs())) == 4
    assert [line.split()[0] for line in run("packs")] == [new.name, "1"]
    assert run("packs", "merge", "--remove-now") == ["1 packs, 3 files removed"]
    assert [pack.name for pack in storage.packs()] == [new.name]
    assert_clean(storage)


def test_the_answer_as_json(storage: FileStorage, db: None) -> None:
    deposits(storage, 2)
    lines = [json.loads(line) for line in run("packs", "merge", "--remove-now", "--json")]
    assert [sorted(line) for line in lines] == [["objects", "pack", "packs", "size"], ["packs", "removed"]]


def test_damaged_packs_are_told(storage: FileStorage, db: None) -> None:
    deposits(storage, 3)
    name = Pack.objects.order_by("id")[0].name
    storage.path(name).write_bytes(b"spoilt")
    assert run("packs", "merge")[0].startswith(f"{name} left out: Pack {name}: its bytes are not")


def test_what_was_erased_is_taken_out(storage: FileStorage, db: None) -> None:
    deposits(storage, 2)
    assert run("erase") == ["0 packs left"]
    mark(content(1))
    first, last = run("erase")
    assert " rewritten, 1 objects taken out, " in first
    assert last == "0 packs left"
    assert_erased(content(1), storage)


def test_what_cannot_be_taken_out_now_is_told(storage: FileStorage, db: None) -> None:
    deposits(storage, 1)
    mark(content(0))
    path = storage.path(Pack.objects.get().name)
    path.rename(path.with_suffix(".away"))
    with pytest.raises(CommandError, match="1 packs still hold, or may hold, what was erased"):
        run("erase")


def test_the_scheduler_merges_what_is_due_and_removes_what_was_merged_long_ago(
    storage: FileStorage, db: None, settings: Any
) -> None:
    settings.ARCHIVE_MERGE_SIZE, settings.ARCHIVE_REPLACED_KEEP_SECONDS = 5000, 3600
    deposits(storage, 2)
    assert tasks.merge() == 0
    deposits(storage, 6, first=2)
    merged = tasks.merge()
    assert merged > 2
    kept = len(list(storage.packs()))
    assert tasks.merge() == 0
    assert len(list(storage.packs())) == kept
    settings.ARCHIVE_REPLACED_KEEP_SECONDS = 0
    deposits(storage, 6, first=8)
    assert tasks.merge() > 2
    assert len(list(storage.packs())) < kept + 6
    assert_clean(storage)


def test_the_scheduler_goes_on_with_erasing(
    storage: FileStorage, db: None, settings: Any, tmp_path: Path
) -> None:
    settings.ARCHIVE_REPLICA = str(tmp_path / "replica")
    deposits(storage, 2)
    assert (tasks.replicate(), tasks.erase()) == (2, 0)
    mark(content(1))
    assert (tasks.erase(), tasks.erase()) == (1, 0)
    assert_erased(content(1), storage, FileStorage(tmp_path / "replica"))
