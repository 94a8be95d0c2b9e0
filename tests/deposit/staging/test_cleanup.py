"""The cleanup removes what nobody needs and cannot remove what a row needs."""

import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from deposit.models import Part
from deposit.staging import cleanup
from deposit.staging.cleanup import sweep
from deposit.staging.files import StagingFile, path_of
from deposit.tasks import sweep_staging
from tests.support.lifecycle_fixtures import sent, staged

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = 3600


@pytest.fixture(autouse=True)
def root(tmp_path: Path, settings: Any) -> Path:
    settings.STAGING_ROOT = str(tmp_path / "staging")
    return tmp_path / "staging"


def aged(path: Path, hours: float) -> Path:
    moment = time.time() - hours * HOUR
    os.utime(path, (moment, moment))
    return path


def files(root: Path) -> set[Path]:
    return {path for path in root.rglob("*") if path.is_file()}


def test_what_rows_need_stays_however_old(root: Path) -> None:
    deposits = [sent(), sent(complete=False)]
    needed = {path_of(name) for name in Part.objects.values_list("stored_as", flat=True) if name}
    for path in needed:
        aged(path, 10**5)
    assert sweep() == cleanup.Swept()
    assert files(root) == needed
    assert len(needed) == len(deposits)


def test_a_finished_file_that_no_row_names_is_set_aside_when_it_is_old(root: Path) -> None:
    old, young = path_of(staged(b"old").stored_as), path_of(staged(b"young").stored_as)
    aged(old, 25)
    aged(young, 23)
    assert sweep() == cleanup.Swept(set_aside=1)
    assert (old.exists(), young.exists()) == (False, True)
    (aside,) = (root / "trash").rglob("*.*")
    assert (aside.read_bytes(), aside.name) == (b"old", f"{old.parent.name}.{old.name}")


def test_an_upload_that_was_cut_off_is_removed_when_it_is_old(root: Path) -> None:
    for hours in (23, 25):
        file = StagingFile(limit=10)
        file.write(b"half")
        file.close()
        (newest,) = [
            path for path in (root / "incoming").iterdir() if path.stat().st_mtime > time.time() - HOUR
        ]
        aged(newest, hours)
    assert sweep() == cleanup.Swept(abandoned=1)
    assert len(files(root)) == 1


def test_an_upload_that_goes_on_for_days_is_left_alone(root: Path) -> None:
    file = StagingFile(limit=10)
    file.write(b"1")
    (path,) = (root / "incoming").iterdir()
    aged(path, 48)
    file.write(b"2")
    assert sweep() == cleanup.Swept()
    assert path_of(file.finish().stored_as).read_bytes() == b"12"


def test_a_file_that_is_named_in_the_last_moment_is_put_back(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the question of the cleanup and its move a row may appear."""
    deposit = sent()
    part = Part.objects.get(deposit=deposit, kind="package")
    path = aged(path_of(part.stored_as or ""), 25)
    Part.objects.filter(pk=part.pk).update(stored_as="packages/elsewhere")
    (seen,) = cleanup.orphans(timedelta(hours=24))
    Part.objects.filter(pk=part.pk).update(stored_as=part.stored_as)
    monkeypatch.setattr(cleanup, "orphans", lambda age: iter([seen]))
    assert sweep() == cleanup.Swept(restored=1)
    assert path.exists()


def test_what_was_set_aside_is_gone_after_its_days(root: Path, settings: Any) -> None:
    for day in ("2020-01-01", "9999-01-01"):
        (root / "trash" / day).mkdir(parents=True)
        (root / "trash" / day / "file").write_bytes(b"x")
    assert sweep() == cleanup.Swept(removed=1)
    assert [path.name for path in (root / "trash").iterdir()] == ["9999-01-01"]


def test_an_empty_staging_area_is_swept_without_complaint() -> None:
    sweep_staging()


def test_other_folders_of_the_staging_area_are_not_touched(root: Path) -> None:
    (root / "segments").mkdir(parents=True)
    aged(root / "segments", 99)
    file = root / "segments" / "x"
    file.write_bytes(b"x")
    aged(file, 99)
    sweep()
    assert file.exists()
