"""At every commit, whatever the record or the index names would survive a power cut at that moment."""

from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.db import connection

from archive.storage import default_storage
from checker.checking import check
from deposit.models import Deposit, Status
from deposit.staging import files
from deposit.staging.files import path_of
from loader.workflow import load
from tests.faults.durability import Disk, followed
from tests.support.lifecycle_fixtures import sent
from tests.support.samples import make_tar

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def disk(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Disk:
    for name in ("staging", "archive"):
        (tmp_path / name).mkdir()
    settings.STAGING_ROOT = str(tmp_path / "staging")
    settings.ARCHIVE_ROOT = str(tmp_path / "archive")
    monkeypatch.setattr(files, "_durable_days", set())
    found = Disk(tmp_path)
    found.names |= {tmp_path / "staging", tmp_path / "archive"}
    return found


def named() -> list[Path]:
    """Every file that the record or the index names at this moment, asked in a session of its own."""
    with closing(psycopg2.connect(**connection.get_connection_params())) as other, other.cursor() as cursor:
        cursor.execute("SELECT stored_as FROM deposit_part WHERE stored_as IS NOT NULL")
        packages = [path_of(name) for (name,) in cursor.fetchall()]
        cursor.execute("SELECT encode(sha256, 'hex') FROM archive_pack")
        return packages + [default_storage().path(name) for (name,) in cursor.fetchall()]  # type: ignore[attr-defined]


def test_what_is_promised_survives_a_power_cut(disk: Disk) -> None:
    seen: list[int] = []

    def look() -> None:
        paths = named()
        assert [path for path in paths if not disk.survives(path)] == []
        seen.append(len(paths))

    with followed(disk, look):
        deposits = [sent(make_tar({"pkg/a": bytes([n]) * 5_000_000, "pkg/b": b"small"})) for n in range(2)]
        for deposit in deposits:
            check(deposit.pk, worker="checker")
            load(deposit.pk, worker="loader")
    assert [d.status for d in Deposit.objects.all()] == [Status.DONE] * 2
    assert (seen[0], seen[-1]) == (0, 4)
    # Shown with -rP; docs/explanation/nothing-lost.md has the figures.
    print(f"{len(seen)} commits, {sum(seen)} times a file that the record names was asked for")


def test_the_model_notices_what_is_not_synced(
    disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test above can fail: without the sync of the folder the name of a package would be lost."""
    monkeypatch.setattr(files, "sync_directory", lambda path: None)
    with followed(disk, lambda: None):
        sent()
    (path,) = named()
    assert disk.survives(path) is False
