"""Packs in the folder of backups: where they are, and which ones are needed."""

import json
from pathlib import Path

import pytest

from archive.storage import SUFFIX
from deposit.operations import pack_files

NAMES = ["ab" + 31 * "01", "ab" + 31 * "02", "cd" + 31 * "03"]


def folder_of(path: Path, *, flat: bool) -> Path:
    """A folder of backups with three packs, of which one backup names two."""
    for name in NAMES:
        target = path / "packs" / f"{name}{SUFFIX}" if flat else pack_files.place_of(path, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"pack")
    (path / "2026-12-01T000000Z").mkdir()
    manifest = path / "2026-12-01T000000Z" / "manifest.json"
    manifest.write_text(json.dumps({"packs": dict.fromkeys(NAMES[:2], 4)}))
    return path


@pytest.mark.parametrize("flat", [False, True])
def test_packs_are_found_where_this_version_and_the_first_ones_put_them(tmp_path: Path, flat: bool) -> None:
    folder = folder_of(tmp_path, flat=flat)
    assert [pack_files.found(folder, name).is_file() for name in NAMES] == [True, True, True]


def test_packs_of_early_versions_are_spread_over_folders(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, flat=True)
    pack_files.spread(folder)
    assert sorted(path.name for path in (folder / "packs").iterdir()) == ["ab", "cd"]
    assert [pack_files.place_of(folder, name).is_file() for name in NAMES] == [True, True, True]


@pytest.mark.parametrize("flat", [False, True])
def test_packs_that_no_backup_names_are_removed(tmp_path: Path, flat: bool) -> None:
    folder = folder_of(tmp_path, flat=flat)
    assert pack_files.remove_unnamed(folder) == (1, 4)
    assert [pack_files.found(folder, name).is_file() for name in NAMES] == [True, True, False]
    assert pack_files.remove_unnamed(folder) == (0, 0)


def test_nothing_is_removed_when_a_backup_cannot_be_read(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, flat=False)
    (folder / "2026-12-01T000000Z" / "manifest.json").write_text("{")
    with pytest.raises(ValueError, match="Expecting property name"):
        pack_files.remove_unnamed(folder)
    assert all(pack_files.found(folder, name).is_file() for name in NAMES)
