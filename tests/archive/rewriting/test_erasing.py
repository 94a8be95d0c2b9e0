"""A pack is written anew without what was erased; all else stays as it was."""

import os
import random
from pathlib import Path

import pytest
from django.db import transaction

from archive import erasure, fixity, index, maintenance, retrieval
from archive.errors import NotFound
from archive.identifiers import SWHID, ObjectType, content_id
from archive.ingest import Ingest
from archive.locks import Lock, together
from archive.models import FixityCheck, Object, Outcome, Pack
from archive.packs import LARGE
from archive.replication import replicate
from archive.rewriting import retiring
from archive.storage import FileStorage
from tests.archive.conftest import Load, Package
from tests.archive.rewriting.archives import (
    assert_clean,
    assert_erased,
    assert_readable_by_others,
    content,
    deposit,
    deposits,
    everything,
    mark,
    merge,
    package,
    retire,
)


def of(data: bytes) -> SWHID:
    return SWHID(ObjectType.CONTENT, content_id(data))


def tree(seed: int) -> tuple[Package, list[bytes]]:
    """A package of several frames, small and large files in turns; and its files."""
    source = random.Random(seed)
    sizes = [*[60_000] * 25, LARGE + 7, *[10] * 20, LARGE + 1, 3 * LARGE, *[90_000] * 20, LARGE + 9]
    files = [source.randbytes(size) for size in sizes]
    return {b"%d/%d" % (number % 3, number): data for number, data in enumerate(files)}, files


@pytest.mark.parametrize("seed", range(4))
def test_any_objects_of_a_pack_can_be_taken_out(
    load: Load, storage: FileStorage, tmp_path: Path, seed: int
) -> None:
    made, files = tree(seed)
    load(made)
    source = random.Random(-seed)
    all_but = everything()
    gone = {of(data) for data in source.sample(files, source.choice([1, 2, 20, len(files)]))}
    if seed % 2:
        gone |= {
            swhid for swhid in (SWHID.parse(name) for name in all_but) if swhid.type is ObjectType.DIRECTORY
        }
    mark(*gone)
    (done,) = erasure.erase(storage)
    assert (done.outcome, done.erased) == ("rewritten", len(gone))
    for swhid in gone:
        assert_erased(swhid, storage)
    assert everything() == {name: data for name, data in all_but.items() if SWHID.parse(name) not in gone}
    assert_clean(storage)
    assert assert_readable_by_others(storage, tmp_path / "out") == Object.objects.count()


def test_frames_without_erased_objects_are_copied_as_they_are(load: Load, storage: FileStorage) -> None:
    made, files = tree(1)
    load(made)
    (before,) = storage.packs()
    old = storage.path(before.name).read_bytes()
    mark(of(files[3]))
    list(erasure.erase(storage))
    (after,) = storage.packs()
    new = storage.path(after.name).read_bytes()
    large = Object.objects.filter(length=3 * LARGE).get()
    at = place_of(large)
    assert new[at : at + large.stored] in old


def place_of(row: Object) -> int:
    pack = Pack.objects.get(id=row.pack_id)
    return row.offset + pack.shift


def test_in_a_merged_pack_only_what_moved_otherwise_gets_new_rows(storage: FileStorage, db: None) -> None:
    deposits(storage, 8, large=frozenset({2, 5}))
    merge(storage)
    before = {bytes(row.sha1_git): (row.pack_id, row.offset) for row in Object.objects.all()}
    mark(content(3))
    list(erasure.erase(storage))
    changed = [
        row for row in Object.objects.all() if before[bytes(row.sha1_git)] != (row.pack_id, row.offset)
    ]
    new = Pack.objects.in_storage().get()
    assert {row.pack_id for row in changed} == {new.id}
    assert 0 < len(changed) < 10
    assert len(list(storage.packs())) == 1
    assert_clean(storage)


def test_files_that_merging_would_keep_for_a_day_go_at_once(storage: FileStorage, db: None) -> None:
    deposits(storage, 4)
    merge(storage)
    assert len(list(storage.packs())) == 5
    mark(content(3))
    list(erasure.erase(storage))
    assert_erased(content(3), storage)
    assert len(list(storage.packs())) == 1


def test_packs_to_be_erased_in_are_not_merged(storage: FileStorage, db: None) -> None:
    deposits(storage, 3)
    mark(content(1))
    (merged,) = merge(storage)
    assert merged.packs == 2
    list(erasure.erase(storage))
    (again,) = merge(storage)
    assert again.packs == 2
    assert retire(storage) == []
    assert_erased(content(1), storage)
    assert_clean(storage)


def test_what_is_erased_in_the_meantime_is_taken_out_by_the_next_run(storage: FileStorage, db: None) -> None:
    deposits(storage, 1)
    mark(content(0))
    run = erasure.erase(storage)
    next(run)
    licence = of(b"the same for all")
    mark(licence)
    list(run)
    assert erasure.packs_to_erase() == 1
    list(erasure.erase(storage))
    assert_erased(licence, storage)
    assert_clean(storage)


def test_a_backup_that_runs_keeps_the_files_until_it_ends(
    storage: FileStorage, transactional_db: None
) -> None:
    import threading  # noqa: PLC0415

    from django.db import connection  # noqa: PLC0415

    deposits(storage, 1)
    mark(content(0))
    begun, over = threading.Event(), threading.Event()

    def back_up() -> None:
        with together(Lock.REMOVE):
            begun.set()
            over.wait(60)
        connection.close()

    thread = threading.Thread(target=back_up)
    thread.start()
    begun.wait(60)
    told = [(done.outcome.value, done.detail) for done in erasure.erase(storage)]
    over.set()
    thread.join()
    assert told == [("rewritten", ""), ("waiting", retiring._BACKUP)]
    assert erasure.packs_to_erase() == 1
    assert list(erasure.erase(storage)) == []
    assert_erased(content(0), storage)
    assert erasure.packs_to_erase() == 0


# --- Damage --------------------------------------------------------------------------------------------
def damage(storage: FileStorage, pack: Pack, at: int) -> None:
    path = storage.path(pack.name)
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_a_damaged_pack_is_repaired_from_the_replica_first(
    storage: FileStorage, db: None, tmp_path: Path
) -> None:
    replica = FileStorage(tmp_path / "replica")
    deposits(storage, 1, large=frozenset({0}))
    list(replicate(storage, replica))
    damage(storage, Pack.objects.get(), -100_000)
    mark(content(0))
    assert [done.outcome for done in erasure.erase(storage, replica)] == ["rewritten"]
    assert Object.objects.count() == len(everything()) - 1
    assert_erased(content(0), storage, replica)
    assert_clean(storage)


def test_of_a_damaged_pack_what_is_whole_is_kept_and_the_loss_is_told(storage: FileStorage, db: None) -> None:
    deposits(storage, 1, large=frozenset({0}))
    old = Pack.objects.get()
    large = Object.objects.get(length__gt=LARGE)
    lost = SWHID(ObjectType.CONTENT, bytes(large.sha1_git))
    damage(storage, old, large.offset + 1000)
    mark(content(0))
    (done,) = erasure.erase(storage)
    assert (done.outcome, done.detail) == ("rewritten", "It was damaged, and 1 objects of it are lost.")
    assert FixityCheck.objects.get(outcome=Outcome.DAMAGED).lost == [str(lost)]
    assert_erased(content(0), storage)
    assert_clean(storage)
    with pytest.raises(NotFound):
        retrieval.read_object(lost)
    deposit(storage, 1)
    assert index.known([lost.hash]) == {}


def test_a_pack_that_cannot_be_read_now_is_told_and_waits(storage: FileStorage, db: None) -> None:
    deposits(storage, 2)
    mark(content(0), content(1))
    first = Pack.objects.order_by("id")[0]
    path = storage.path(first.name)
    path.rename(path.with_suffix(".away"))
    assert [done.outcome for done in erasure.erase(storage)] == ["waiting", "rewritten"]
    assert erasure.packs_to_erase() == 1
    path.with_suffix(".away").rename(path)
    list(erasure.erase(storage))
    assert_erased(content(0), storage)
    assert_clean(storage)


# --- What comes back -----------------------------------------------------------------------------------
def test_a_file_that_comes_back_is_told_and_removed(storage: FileStorage, db: None) -> None:
    deposits(storage, 1)
    (old,) = storage.packs()
    kept = storage.path(old.name).read_bytes()
    mark(content(0))
    list(erasure.erase(storage))
    storage.path(old.name).write_bytes(kept)
    (difference,) = [one for one in maintenance.verify(storage) if one is not None]
    assert difference.reason == "it was replaced and removed, and is in the storage again"
    assert list(maintenance.rebuild(storage)) == []
    assert [pack.name for pack in maintenance.remove_orphans(storage)] == [old.name]
    assert_erased(content(0), storage)


def test_a_replica_that_has_it_still_does_not_bring_it_back(
    storage: FileStorage, db: None, tmp_path: Path
) -> None:
    replica = FileStorage(tmp_path / "replica")
    deposits(storage, 1)
    list(replicate(storage, replica))
    (old,) = replica.packs()
    kept = replica.path(old.name).read_bytes()
    mark(content(0))
    list(erasure.erase(storage, replica))
    replica.path(old.name).write_bytes(kept)
    list(fixity.audit(fixity.due(), storage, replica))
    list(replicate(storage, replica))
    assert_erased(content(0), storage, replica)


def test_a_rebuild_from_an_old_copy_leaves_it_out(storage: FileStorage, db: None, tmp_path: Path) -> None:
    deposits(storage, 2)
    (name,) = [
        pack.name for pack in Pack.objects.all() if pack.name and pack.id == Pack.objects.order_by("id")[0].id
    ]
    kept = storage.path(name).read_bytes()
    before = everything()
    mark(content(0))
    list(erasure.erase(storage))
    for pack in list(storage.packs()):
        storage.delete(pack.name)
    with transaction.atomic():
        from django.db import connection  # noqa: PLC0415

        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("TRUNCATE archive_object, archive_visit, archive_origin, archive_pack CASCADE")
    storage.path(name).parent.mkdir(exist_ok=True)
    storage.path(name).write_bytes(kept)
    assert [one.name for one in maintenance.rebuild(storage)] == [name]
    assert erasure.packs_to_erase() == 1
    reasons = [one.reason for one in maintenance.verify(storage) if one is not None]
    assert reasons == [
        "it holds, or may hold, objects that were erased: `manage.py archive erase` takes them out"
    ]
    list(erasure.erase(storage))
    assert_erased(content(0), storage)
    assert set(everything()) < set(before)
    assert_clean(storage)


def test_a_salvaged_pack_leaves_it_out(storage: FileStorage, db: None) -> None:
    with Ingest(storage) as ingest:
        for data in package(0).values():
            ingest.add_content(bytes(data))  # type: ignore[arg-type]
        ingest.seal()
        (name,) = ingest._packing.names
        os.truncate(storage.path(name), storage.path(name).stat().st_size - 100)
        mark(content(0))
        maintenance.publish_pack(storage, name)
        assert erasure.packs_to_erase() == 1
        (done,) = erasure.erase(storage)
        assert done.outcome == "rewritten"
    assert_erased(content(0), storage)
    assert_clean(storage)
