"""What a restore refuses: a backup is a folder that somebody may have changed."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archive.storage import SUFFIX, primary_storage
from deposit.models import Part
from deposit.operations.durable import BackupError
from deposit.operations.restore import require_staged_as_recorded, restore
from deposit.staging.files import path_of
from tests.support.lifecycle_fixtures import sent

pytestmark = pytest.mark.django_db

INSTANT = "2026-11-30T120000Z"
FIRST, SECOND = b"the first pack", b"the second one"
NAMES = [hashlib.sha256(pack).hexdigest() for pack in (FIRST, SECOND)]
STAGED = "ab/cdef"


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, settings: Any) -> None:
    settings.STAGING_ROOT = str(tmp_path / "service" / "staging")
    settings.ARCHIVE_ROOT = str(tmp_path / "service" / "archive")
    (tmp_path / "service").mkdir()


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A folder with one whole backup: two packs, one staged file, a record that is none."""
    folder = tmp_path / "backups"
    for name in ("packs", "staging/ab", INSTANT):
        (folder / name).mkdir(parents=True)
    for name, pack in zip(NAMES, (FIRST, SECOND), strict=True):
        (folder / "packs" / f"{name}{SUFFIX}").write_bytes(pack)
    (folder / "staging" / STAGED).write_bytes(b"staged")
    (folder / INSTANT / "record.dump").write_bytes(b"no dump")
    write(folder, lambda manifest: None)
    return folder


def write(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """The manifest, changed."""
    manifest = {
        "format": 1,
        "instant": INSTANT,
        "record_sha256": hashlib.sha256(b"no dump").hexdigest(),
        "staged": {STAGED: 6},
        "packs": {NAMES[0]: len(FIRST), NAMES[1]: len(SECOND)},
    }
    change(manifest)
    (folder / INSTANT / "manifest.json").write_text(json.dumps(manifest))


def refusal(folder: Path) -> str:
    with pytest.raises(BackupError) as refused:
        restore(folder, instant=None, say=lambda line: None)
    return str(refused.value)


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if not path.is_dir()]


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "ab/../../evil",
        "..",
        ".",
        "",
        "/etc/evil",
        "//evil",
        "ab//cdef",
        "ab/./cdef",
        "ab\\..\\evil",
        "ab/cd\0ef",
        "ab/",
    ],
)
def test_a_staged_name_that_leads_elsewhere_is_refused(backup: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "evil").write_bytes(b"staged")
    write(backup, lambda manifest: manifest["staged"].update({name: 6}))
    assert refusal(backup) == f"The manifest names {name!r}, which is no file of a backup."
    assert files_below(tmp_path / "service") == []


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "A" * 64, "a" * 63, f"{NAMES[0]}\n", ""])
def test_a_pack_that_is_not_named_by_its_digest_is_refused(backup: Path, tmp_path: Path, name: str) -> None:
    write(backup, lambda manifest: manifest["packs"].update({name: 4}))
    assert refusal(backup) == f"The manifest names {name!r}, which is no file of a backup."
    assert files_below(tmp_path / "service") == []


@pytest.mark.parametrize("place", [f"packs/{NAMES[0]}{SUFFIX}", f"staging/{STAGED}", "staging/ab"])
def test_a_symbolic_link_in_a_backup_is_refused(backup: Path, tmp_path: Path, place: str) -> None:
    real = tmp_path / "elsewhere"
    (backup / place).rename(real)
    (backup / place).symlink_to(real)
    assert "symbolic link" in refusal(backup)
    assert files_below(tmp_path / "service") == []


def test_the_folders_of_a_backup_may_be_mounted_by_links(backup: Path, tmp_path: Path) -> None:
    """Refused for its record alone, after the packs were looked at."""
    (backup / "packs").rename(tmp_path / "large-disk")
    (backup / "packs").symlink_to(tmp_path / "large-disk")
    (backup / INSTANT / "record.dump").write_bytes(b"other")
    assert refusal(backup).endswith("record.dump is damaged.")


@pytest.mark.parametrize("number", [0, 1])
def test_a_pack_of_the_right_length_and_other_bytes_is_refused_and_leaves_nothing(
    backup: Path, tmp_path: Path, number: int
) -> None:
    pack = backup / "packs" / f"{NAMES[number]}{SUFFIX}"
    pack.write_bytes(pack.read_bytes().swapcase())
    assert refusal(backup) == f"{pack} is damaged: its bytes are not what its name says."
    assert (list(primary_storage().packs()), files_below(tmp_path / "service")) == ([], [])


def test_a_staged_file_of_the_right_length_and_other_bytes_is_told() -> None:
    part = Part.objects.get(deposit=sent(), kind="package")
    require_staged_as_recorded()
    path = path_of(part.stored_as or "")
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(BackupError, match=f"1 staged files are not what the record tells.*{part.stored_as}"):
        require_staged_as_recorded()


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "null",
        '"x"',
        "{",
        '{"format": 2}',
        '{"format": 1}',
        '{"format": 1, "packs": [], "staged": {}}',
        '{"format": 1, "packs": {"a": "1"}, "staged": {}}',
        '{"format": 1, "packs": {}, "staged": {}}',
    ],
)
def test_a_manifest_that_is_none_is_refused(backup: Path, text: str) -> None:
    (backup / INSTANT / "manifest.json").write_text(text)
    assert refusal(backup)


def test_a_folder_without_a_backup_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"There is no backup in {tmp_path}."
