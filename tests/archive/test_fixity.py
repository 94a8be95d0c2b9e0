"""The audit: what it finds, marks, repairs and tells, and what it never calls damaged."""

import os
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from archive import fixity, places, retrieval, tasks
from archive.errors import Damaged
from archive.identifiers import SWHID, ObjectType, content_id
from archive.models import FixityCheck, Outcome, Pack
from archive.packs.reader import PackFile
from archive.replication import replicate
from archive.storage import FileStorage
from tests.archive.conftest import Load, Package

PACKAGE: Package = {b"a": b"one", b"b/c": b"two"}
ONE = SWHID(ObjectType.CONTENT, content_id(b"one"))


@pytest.fixture
def pack(load: Load, settings: Any) -> Pack:
    settings.ADMINS = [("Ops", "ops@archive.example")]
    load(PACKAGE)
    return Pack.objects.get()


def flip(storage: FileStorage, pack: Pack, at: int) -> None:
    path = storage.path(pack.name)
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def place(swhid: SWHID) -> int:
    found = places.find(swhid)
    assert found is not None
    return found.row.offset + found.row.stored // 2


def audit(storage: FileStorage, replica: FileStorage | None = None, **options: Any) -> list[FixityCheck]:
    return list(fixity.audit(fixity.due(), storage, replica, **options))


@pytest.mark.parametrize("thorough", [False, True])
def test_a_sound_pack_is_recorded_as_sound(pack: Pack, storage: FileStorage, thorough: bool) -> None:
    (check,) = audit(storage, thorough=thorough)
    assert (check.outcome, check.read, check.lost, check.thorough) == (Outcome.SOUND, pack.size, [], thorough)


def test_damage_names_what_is_lost_and_marks_the_pack(pack: Pack, storage: FileStorage) -> None:
    flip(storage, pack, place(ONE))
    (check,) = audit(storage)
    two = SWHID(ObjectType.CONTENT, content_id(b"two"))
    assert (check.outcome, set(check.lost)) == (Outcome.DAMAGED, {str(ONE), str(two)})
    pack.refresh_from_db()
    assert pack.damaged_at is not None
    with pytest.raises(Damaged):
        b"".join(retrieval.open_content(ONE)[1])


def test_the_next_load_of_the_same_content_heals_a_damaged_pack(
    pack: Pack, storage: FileStorage, load: Load
) -> None:
    flip(storage, pack, place(ONE))
    audit(storage)
    _, ingest = load(PACKAGE)
    assert ingest.stats.new == 4
    assert b"".join(retrieval.open_content(ONE)[1]) == b"one"


def test_damage_where_no_object_lies_loses_nothing(pack: Pack, storage: FileStorage) -> None:
    flip(storage, pack, pack.size - 1)
    (check,) = audit(storage)
    assert (check.outcome, check.lost) == (Outcome.DAMAGED, [])


def test_the_operators_are_told_once(
    pack: Pack, storage: FileStorage, mailoutbox: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    flip(storage, pack, place(ONE))
    with django_capture_on_commit_callbacks(execute=True):
        audit(storage)
        audit(storage)
    assert [mail.subject for mail in mailoutbox] == [f"[Django] Pack {pack.name[:12]} is damaged"]
    assert str(ONE) in mailoutbox[0].body


def test_a_damaged_pack_is_repaired_from_the_replica(
    pack: Pack, storage: FileStorage, tmp_path: Path
) -> None:
    replica = FileStorage(tmp_path / "replica")
    list(replicate(storage, replica))
    flip(storage, pack, place(ONE))
    assert [check.outcome for check in audit(storage, replica)] == [Outcome.REPAIRED]
    assert b"".join(retrieval.open_content(ONE)[1]) == b"one"
    assert [check.outcome for check in audit(storage, replica)] == [Outcome.SOUND]
    assert Pack.objects.get().damaged_at is None


def test_a_missing_pack_is_told_and_repaired(pack: Pack, storage: FileStorage, tmp_path: Path) -> None:
    replica = FileStorage(tmp_path / "replica")
    list(replicate(storage, replica))
    storage.delete(pack.name)
    (check,) = audit(storage)
    assert (check.outcome, len(check.lost)) == (Outcome.MISSING, 4)
    assert [check.outcome for check in audit(storage, replica)] == [Outcome.REPAIRED]


def test_a_damaged_replica_repairs_nothing(pack: Pack, storage: FileStorage, tmp_path: Path) -> None:
    replica = FileStorage(tmp_path / "replica")
    list(replicate(storage, replica))
    flip(replica, pack, 50)
    flip(storage, pack, place(ONE))
    (check,) = audit(storage, replica)
    assert check.outcome == Outcome.DAMAGED
    assert "could not be repaired" in check.detail


class FaultyDisk(FileStorage):
    """A disk that fails, or lies, in its first readings of a pack."""

    def __init__(self, root: Path, faults: int, lies: bool) -> None:
        super().__init__(root)
        self.faults, self.lies = faults, lies

    def open(self, name: str) -> Any:
        return FaultyPack(self, super().open(name))


class FaultyPack:
    """See FaultyDisk: an input/output error is made by reading a closed descriptor's place, a directory."""

    def __init__(self, disk: FaultyDisk, pack: PackFile) -> None:
        self.disk, self.pack = disk, pack
        self.name, self.size = pack.name, pack.size

    def read(self, offset: int, length: int) -> bytes:
        if self.disk.faults:
            self.disk.faults -= 1
            if not self.disk.lies:
                self.pack.close()
                self.pack._file = os.fdopen(os.open("/", os.O_RDONLY), closefd=True)  # type: ignore[attr-defined]
            return self.pack.read(offset, length)[:-1] + b"?"
        return self.pack.read(offset, length)

    def close(self) -> None:
        self.pack.close()


def test_a_passing_lie_of_the_disk_is_no_damage(pack: Pack, storage: FileStorage, tmp_path: Path) -> None:
    disk = FaultyDisk(tmp_path / "archive", faults=1, lies=True)
    assert [check.outcome for check in audit(disk)] == [Outcome.SOUND]


def test_what_cannot_be_read_now_is_not_called_damaged(pack: Pack, storage: FileStorage) -> None:
    path = storage.path(pack.name)
    aside = path.rename(path.with_suffix(".aside"))
    path.mkdir()
    (check,) = audit(storage)
    assert check.outcome == Outcome.UNREADABLE
    pack.refresh_from_db()
    assert pack.damaged_at is None
    path.rmdir()
    aside.rename(path)
    assert [check.outcome for check in audit(storage)] == [Outcome.SOUND]


def test_packs_are_due_oldest_check_first(pack: Pack, load: Load, storage: FileStorage) -> None:
    audit(storage)
    load({b"other": b"other"})
    assert [one.id for one in fixity.due()] == [pack.id + 1, pack.id]
    assert [one.id for one in fixity.due(since=datetime.now(UTC) - timedelta(hours=1))] == [pack.id + 1]
    assert fixity.due(sample=1).count() == 1


def test_reading_keeps_to_its_rate() -> None:
    slept: list[float] = []
    rate = fixity.Rate(1000, sleep=slept.append)
    for _ in range(3):
        rate.spend(1000)
    assert [round(one) for one in slept] == [1, 2, 3]


def test_the_command_fails_when_a_pack_is_damaged(pack: Pack, storage: FileStorage) -> None:
    out = StringIO()
    call_command("archive", "audit", "--all", "--thorough", stdout=out)
    assert out.getvalue() == f"[1/1] {pack.name} sound {pack.size} bytes\n"
    flip(storage, pack, place(ONE))
    with pytest.raises(CommandError, match="1 of 1 packs are not sound"):
        call_command("archive", "audit", "--sample", "1", "--json", stdout=StringIO())


def test_the_scheduled_audit_checks_what_is_due_and_nothing_twice(pack: Pack) -> None:
    assert tasks.audit() == 1
    assert tasks.audit() == 0


def test_the_scheduled_replication_copies_what_lacks(pack: Pack, tmp_path: Path, settings: Any) -> None:
    assert tasks.replicate() == 0
    settings.ARCHIVE_REPLICA = str(tmp_path / "replica")
    assert (tasks.replicate(), tasks.replicate()) == (1, 0)
