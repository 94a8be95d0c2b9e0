"""Small packs become few large ones, and nothing else changes."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from archive import fixity, index, maintenance, packing, places, retrieval
from archive.identifiers import SWHID, ObjectType
from archive.ingest import Ingest
from archive.models import FixityCheck, Object, Origin, Outcome, Pack, Visit
from archive.packs import LARGE, PackReader, PackWriter, layout
from archive.reading import Packs
from archive.rewriting import merging
from archive.storage import FileStorage
from tests.archive.conftest import add_package
from tests.archive.rewriting.archives import (
    assert_clean,
    assert_readable_by_others,
    content,
    deposit,
    deposits,
    everything,
    merge,
    package,
    packed,
    retire,
)


def rows() -> list[tuple[Any, ...]]:
    return list(
        Object.objects.order_by("sha1_git").values_list("sha1_git", "pack", "offset", "stored", "position")
    )


def test_all_is_read_as_before_from_one_pack(storage: FileStorage, db: None, tmp_path: Path) -> None:
    deposits(storage, 12, large=frozenset({3, 7, 8}))
    before, index_before = everything(), rows()
    (merged,) = merge(storage)
    assert (merged.packs, merged.left_out, merged.objects) == (12, [], len(packed_rows(storage, merged.name)))
    assert (everything(), rows()) == (before, index_before)
    assert retire(storage) == []
    (pack,) = storage.packs()
    assert (pack.name, pack.size) == (merged.name, merged.size)
    assert everything() == before
    assert_clean(storage)
    assert assert_readable_by_others(storage, tmp_path / "out") == Object.objects.count()


def packed_rows(storage: FileStorage, name: str) -> list[str]:
    reader = PackReader(storage.open(name))
    names = [row.name for row in reader.rows()]
    reader.close()
    return names


def test_the_order_is_kept(storage: FileStorage, db: None) -> None:
    deposits(storage, 3)
    order = [row for pack in Pack.objects.order_by("id") for row in packed_rows(storage, pack.name)]
    (merged,) = merge(storage)
    assert packed_rows(storage, merged.name) == order


def test_merged_packs_are_merged_again(storage: FileStorage, db: None) -> None:
    deposits(storage, 4, large=frozenset({1}))
    before = everything()
    merge(storage)
    deposits(storage, 3, first=4, large=frozenset({5}))
    before |= everything()
    (merged,) = merge(storage)
    assert merged.packs == 4
    assert retire(storage) == []
    assert [pack.name for pack in storage.packs()] == [merged.name]
    assert everything() == before
    assert_clean(storage)


def test_readers_do_not_fail_while_files_go(storage: FileStorage, db: None) -> None:
    deposits(storage, 3, large=frozenset({1}))
    large = next(row for row in Object.objects.filter(kind=0) if row.length > LARGE)
    swhid = SWHID(ObjectType.CONTENT, bytes(large.sha1_git))
    whole = retrieval.read_object(swhid)
    length, chunks = retrieval.open_content(swhid)
    began = next(chunks)
    found = [places.require(content(number)) for number in range(3)]
    merge(storage)
    assert retire(storage) == []
    assert (began + b"".join(chunks), len(whole)) == (whole, length)
    with Packs(storage) as packs:
        assert [packs.read(*place) for place in found] == [b"deposit %d" % number for number in range(3)]


class _Reopened(FileStorage):
    """Opens a pack's file for each read, so that a removed one cannot be read on: as a bucket does."""

    def open(self, name: str) -> Any:
        super().open(name).close()
        return _ReopenedPack(self, name)


class _ReopenedPack:
    def __init__(self, storage: FileStorage, name: str) -> None:
        self.name, self.size = name, storage.path(name).stat().st_size
        self._storage = storage

    def read(self, offset: int, length: int) -> bytes:
        pack = FileStorage.open(self._storage, self.name)
        try:
            return pack.read(offset, length)
        finally:
            pack.close()

    def close(self) -> None:
        pass


def test_a_large_object_is_read_on_where_it_is_now(storage: FileStorage, db: None, tmp_path: Path) -> None:
    deposits(storage, 2, large=frozenset({1}))
    large = next(row for row in Object.objects.filter(kind=0) if row.length > LARGE)
    swhid = SWHID(ObjectType.CONTENT, bytes(large.sha1_git))
    whole = retrieval.read_object(swhid)
    with Packs(_Reopened(tmp_path / "archive")) as packs:
        pieces = packs.stream(*places.require(swhid), 0, len(whole))
        small = places.require(content(0))
        assert packs.read(*small) == b"deposit 0"
        began = next(pieces)
        merge(storage)
        assert retire(storage) == []
        assert began + b"".join(pieces) == whole
        assert packs.read(*places.require(content(1))) == b"deposit 1"


def test_a_damaged_pack_is_left_out_and_told(storage: FileStorage, db: None) -> None:
    deposits(storage, 4)
    damaged = Pack.objects.order_by("id")[1]
    path = storage.path(damaged.name)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    (merged,) = merge(storage)
    assert (merged.packs, [name for name, _ in merged.left_out]) == (3, [damaged.name])
    damaged.refresh_from_db()
    assert damaged.replaced_by is None
    assert path.read_bytes() == data


def test_packs_marked_damaged_are_not_merged(storage: FileStorage, db: None) -> None:
    deposits(storage, 3)
    first = Pack.objects.order_by("id")[0]
    os.truncate(storage.path(first.name), 100)
    list(fixity.audit(fixity.due(), storage))
    (merged,) = merge(storage)
    assert (merged.packs, merged.left_out) == (2, [])


def test_damage_in_a_merged_pack_counts_for_what_was_merged(storage: FileStorage, db: None) -> None:
    deposits(storage, 3)
    (merged,) = merge(storage)
    retire(storage)
    os.truncate(storage.path(merged.name), 100)
    (check,) = fixity.audit(fixity.due(), storage)
    assert (check.outcome, len(check.lost)) == (Outcome.DAMAGED, Object.objects.count())
    assert index.known([content(1).hash]) == {}
    deposit(storage, 1)
    assert retrieval.read_object(content(1)) == b"deposit 1"


def test_earlier_checks_stay_and_the_new_pack_was_read_back(storage: FileStorage, db: None) -> None:
    deposits(storage, 2)
    list(fixity.audit(fixity.due(), storage))
    (merged,) = merge(storage)
    assert FixityCheck.objects.count() == 3
    assert FixityCheck.objects.get(pack__sha256=bytes.fromhex(merged.name)).outcome == Outcome.SOUND
    retire(storage)
    assert [check.pack.name for check in fixity.audit(fixity.due(), storage)] == [merged.name]


def test_the_index_is_rebuilt_from_merged_packs(storage: FileStorage, db: None) -> None:
    deposits(storage, 5, large=frozenset({2}))
    merge(storage)
    retire(storage)
    before = everything()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for model in (Object, Visit, Origin, FixityCheck, Pack):
            cursor.execute(f"DELETE FROM {model._meta.db_table}")  # noqa: S608
    assert [one.gaps for one in maintenance.rebuild(storage)] == [[]]
    assert everything() == before
    assert_clean(storage)


def test_a_rebuild_that_goes_on_leaves_replaced_packs_alone(storage: FileStorage, db: None) -> None:
    deposits(storage, 3)
    merge(storage)
    assert list(maintenance.rebuild(storage)) == []
    maintenance.publish_pack(storage, Pack.objects.exclude(replaced_by=None)[0].name)
    assert_clean(storage)


def test_dead_loads_and_replaced_packs_are_not_mistaken_for_each_other(
    storage: FileStorage, db: None
) -> None:
    deposits(storage, 3)
    merge(storage)
    assert maintenance.orphans(storage, age=timedelta(0)) == []
    assert len(list(storage.packs())) == 4
    assert_clean(storage)


def test_copies_that_the_index_does_not_tell_of_are_remembered(storage: FileStorage, db: None) -> None:
    first, second = Ingest(storage), Ingest(storage)
    with first, second:
        for one, number in ((first, 1), (second, 2)):
            add_package(one, {**package(1), b"own": b"%d" % number})
            one.seal()
        for one in (first, second):
            one.publish()
    merge(storage)
    assert Pack.objects.in_storage().get().copies is None
    assert_clean(storage)
    assert len(packed(storage)) > Object.objects.count()


class _Early(PackWriter):
    """As the first versions wrote packs."""

    def begin_large(self, kind: ObjectType, length: int) -> None:
        super().begin_large(kind, length)
        self._large_name = b"large/%06d.cnt" % self._large
        self._parts = [layout.tar_header(self._large_name, length)]


def test_packs_of_early_versions_with_large_objects_stay_alone(
    storage: FileStorage, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They all called them large/000000.cnt: two such members in one tar, and the links to them, may be confused."""
    monkeypatch.setattr(packing, "PackWriter", _Early)
    deposits(storage, 3, large=frozenset({0, 2}))
    monkeypatch.undo()
    (merged,) = merge(storage)
    assert (merged.packs, len(merged.left_out)) == (2, 1)
    assert Pack.objects.filter(stays_alone=True).count() == 1
    assert merging.plan(everything=True) == []
    assert_clean(storage)


# --- What is merged when -------------------------------------------------------------------------------
@pytest.fixture
def sizes(db: None, settings: Any) -> Any:
    settings.ARCHIVE_MERGE_BELOW, settings.ARCHIVE_MERGE_SIZE = 10_000_000, 50_000_000

    def make(*sizes: int, count: int = 1) -> None:
        last = Pack.objects.count()
        packs = [size for size in sizes for _ in range(count)]
        Pack.objects.bulk_create(
            Pack(size=size, sha256=(last + number).to_bytes(32)) for number, size in enumerate(packs)
        )

    return make


def planned(*, everything: bool = False) -> list[int]:
    return [len(group) for group in merging.plan(everything=everything)]


def test_small_packs_that_fill_a_large_one_are_merged(sizes: Any) -> None:
    sizes(9_000_000, count=5)
    assert planned() == []
    sizes(6_000_000)
    assert planned() == [6]


def test_packs_that_are_large_enough_are_left(sizes: Any) -> None:
    sizes(9_000_000, 10_000_000, 4_000_000_000, 9_000_000)
    assert planned(everything=True) == [2]


def test_a_thousand_very_small_ones_are_merged(sizes: Any) -> None:
    sizes(5000, count=999)
    sizes(2_000_000)
    assert planned() == []
    sizes(5000)
    assert planned() == [1000]


def test_one_pack_alone_is_not_merged(sizes: Any) -> None:
    sizes(5000)
    assert planned(everything=True) == []


def test_nothing_is_merged_when_the_setting_says_so(sizes: Any, settings: Any) -> None:
    sizes(5000, count=2000)
    settings.ARCHIVE_MERGE_BELOW = 0
    assert planned(everything=True) == []
