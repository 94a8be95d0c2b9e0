"""Backups of an archive whose packs were merged and erased in."""

import json
from pathlib import Path
from typing import Any

import pytest

from archive import erasure
from archive.models import Object, Pack
from archive.packs import PackReader
from archive.storage import FileStorage, LocalPack
from deposit.operations import pack_files
from deposit.operations.backup import back_up
from tests.archive.rewriting.archives import content, deposits, mark, merge, retire

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def storage(tmp_path: Path, settings: Any) -> FileStorage:
    settings.STAGING_ROOT = str(tmp_path / "staging")
    settings.ARCHIVE_ROOT = str(tmp_path / "archive")
    return FileStorage(tmp_path / "archive")


def named(made: Path) -> dict[str, int]:
    packs: dict[str, int] = json.loads((made / "manifest.json").read_text())["packs"]
    return packs


def objects_in(folder: Path, names: dict[str, int]) -> int:
    """How many objects there are in packs of a backup."""
    found = 0
    for name in names:
        reader = PackReader(LocalPack(pack_files.place_of(folder, name), name))
        found += sum(row.name.startswith("swh:") for row in reader.rows())
        reader.close()
    return found


def test_a_backup_names_what_is_in_use_and_no_more(storage: FileStorage, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    deposits(storage, 4)
    before = named(back_up(folder, say=lambda line: None))
    assert len(before) == 4
    merge(storage)
    assert retire(storage) == []
    (new,) = Pack.objects.in_storage()
    made = back_up(folder, say=lambda line: None)
    assert named(made) == {new.name: new.size}
    assert objects_in(folder, named(made)) == Object.objects.count()
    # The first backup is whole, too, until it is removed.
    assert objects_in(folder, before) == Object.objects.count()
    assert pack_files.remove_unnamed(folder) == (0, 0)


def test_packs_of_removed_backups_are_removed(storage: FileStorage, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    deposits(storage, 2)
    old = back_up(folder, say=lambda line: None)
    mark(content(0))
    list(erasure.erase(storage))
    made = back_up(folder, say=lambda line: None)
    assert objects_in(folder, named(made)) == Object.objects.count()
    for path in old.iterdir():
        path.unlink()
    assert pack_files.remove_unnamed(folder)[0] == 1
    left = sorted(path.name.partition(".")[0] for path in (folder / "packs").rglob("*.zst"))
    assert left == sorted(named(made))
