"""The cleanup removes what nobody needs and cannot remove what a row needs; in a folder, and in a bucket."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deposit.models import Part
from deposit.staging import cleanup
from deposit.staging.cleanup import sweep
from deposit.staging.storage import staging, staging_file
from deposit.tasks import sweep_staging
from tests.support.lifecycle_fixtures import sent, staged
from tests.support.staging_areas import Area, FolderArea

pytestmark = pytest.mark.django_db(transaction=True)

# More than one part of an object.
LONG = b"half" * 2_200_000


@pytest.fixture(autouse=True)
def area(staging_area: Area, tmp_path: Path, settings: Any) -> Area:
    settings.STAGING_ROOT = str(tmp_path / "staging")
    return staging_area


def cut_off() -> None:
    """Send a package, and die in the middle."""
    file = staging().incoming(limit=len(LONG), with_md5=False, client=0, promised=0)
    file.write(LONG)
    file.close()


def test_what_rows_need_stays_however_old(area: Area) -> None:
    deposits = [sent(), sent(complete=False)]
    needed = {name for name in Part.objects.values_list("stored_as", flat=True) if name}
    for name in needed:
        area.age(name, 10**5)
    assert sweep() == cleanup.Swept()
    assert area.names() == needed
    assert len(needed) == len(deposits)


def test_a_finished_file_that_no_row_names_is_set_aside_when_it_is_old(area: Area) -> None:
    old, young = staged(b"old").stored_as, staged(b"young").stored_as
    area.age(old, 25)
    area.age(young, 23)
    assert sweep() == cleanup.Swept(set_aside=1)
    _, day, name = old.split("/")
    aside = f"trash/{datetime.now(UTC):%Y-%m-%d}/{day}.{name}"
    assert area.names() == {young, aside}
    assert area.read(aside) == b"old"


def test_an_upload_that_was_cut_off_is_removed_when_it_is_old(area: Area) -> None:
    cut_off()
    area.age_unfinished(23)
    assert sweep() == cleanup.Swept()
    area.age_unfinished(25)
    assert sweep() == cleanup.Swept(abandoned=1)
    assert (area.names(), area.unfinished()) == (set(), 0)


def test_an_upload_that_goes_on_for_days_is_left_alone(area: Area) -> None:
    with staging_file(limit=2 * len(LONG)) as file:
        file.write(LONG)
        area.age_unfinished(48)
        file.write(LONG)
        assert sweep() == cleanup.Swept()
        assert area.read(file.finish().stored_as) == LONG + LONG


def test_a_file_that_is_named_in_the_last_moment_is_put_back(
    area: Area, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the question of the cleanup and its move a row may appear."""
    part = Part.objects.get(deposit=sent(), kind="package")
    name = part.stored_as or ""
    area.age(name, 25)
    Part.objects.filter(pk=part.pk).update(stored_as="packages/elsewhere")
    (seen,) = cleanup.orphans(timedelta(hours=24))
    Part.objects.filter(pk=part.pk).update(stored_as=name)
    monkeypatch.setattr(cleanup, "orphans", lambda age: iter([seen]))
    assert sweep() == cleanup.Swept(restored=1)
    assert area.names() == {name}


def test_what_was_set_aside_is_gone_after_its_days(area: Area) -> None:
    for day in ("2020-01-01", "9999-01-01"):
        area.write(f"trash/{day}/file", b"x")
    assert sweep() == cleanup.Swept(removed=1)
    assert area.names() == {"trash/9999-01-01/file"}


def test_an_empty_staging_area_is_swept_without_complaint() -> None:
    sweep_staging()


def test_what_is_not_ours_is_not_touched(area: Area) -> None:
    area.write("elsewhere/x", b"x")
    area.age("elsewhere/x", 99)
    sweep()
    assert area.names() == {"elsewhere/x"}


def test_the_folders_of_the_trash_go_with_what_is_in_them(area: Area, tmp_path: Path) -> None:
    if isinstance(area, FolderArea):
        area.write("trash/2020-01-01/file", b"x")
        sweep()
        assert list((tmp_path / "staging" / "trash").iterdir()) == []
