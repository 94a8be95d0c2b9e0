"""What is erased is gone from the index, from the packs and from the replica, and does not come back."""

from pathlib import Path

import pytest
from django.db import transaction

from archive import erasure, maintenance, places, retrieval, tar
from archive.errors import ErasedContent, ErasedMeanwhile, InvalidIdentifier, NotFound, ObjectErased
from archive.identifiers import SWHID, ObjectType, content_id
from archive.ingest import Ingest
from archive.models import ErasedObject, Object, Pack
from archive.packs import PackReader
from archive.replication import replicate
from archive.storage import FileStorage
from tests.archive.conftest import Load, Package, add_package

PACKAGE: Package = {b"keep": b"to be kept", b"sub/gone": b"to be erased", b"sub/also": b"kept as well"}
GONE = SWHID(ObjectType.CONTENT, content_id(b"to be erased"))


def mark(*swhids: SWHID) -> int:
    with transaction.atomic():
        return erasure.mark_erased(swhids, "decision 7")


def erase(storage: FileStorage, replica: FileStorage | None = None) -> list[erasure.Progress]:
    return list(erasure.erase(storage, replica))


def packed(storage: FileStorage) -> set[str]:
    """The names of all that is in the packs, whether or not the index knows it."""
    names: set[str] = set()
    for pack in storage.packs():
        reader = PackReader(storage.open(pack.name))
        names |= {row.name for row in reader.rows()}
        reader.close()
    return names


def differences(storage: FileStorage) -> list[str]:
    return [one.reason for one in maintenance.verify(storage) if one is not None]


def read(data: bytes) -> bytes:
    return retrieval.read_object(SWHID(ObjectType.CONTENT, content_id(data)))


def test_what_is_erased_is_not_read_from_the_commit_on(load: Load) -> None:
    root, _ = load(PACKAGE)
    assert mark(GONE) == 1
    with pytest.raises(ObjectErased, match=f"{GONE} was erased"):
        retrieval.read_object(GONE)
    with pytest.raises(NotFound):
        retrieval.open_content(GONE)
    with pytest.raises(ObjectErased):
        b"".join(tar.stream_tar(root))
    assert (places.find(GONE), retrieval.known([GONE])) == (None, set())
    assert read(b"to be kept") == b"to be kept"
    assert retrieval.resolve(root, b"sub/gone").swhid == GONE


def test_what_is_erased_is_told(load: Load) -> None:
    root, _ = load(PACKAGE)
    directory = SWHID(ObjectType.DIRECTORY, root)
    assert (erasure.erased_among([GONE, directory]), erasure.erased_below(directory)) == (set(), [])
    mark(GONE)
    assert (erasure.erased_among([GONE, directory]), erasure.erased_below(directory)) == ({GONE}, [GONE])
    row = ErasedObject.objects.get()
    assert (row.swhid, row.reference, row.sha256 is not None) == (GONE, "decision 7", True)


def test_it_is_said_once(load: Load) -> None:
    load(PACKAGE)
    other = SWHID(ObjectType.CONTENT, content_id(b"never here"))
    assert (mark(GONE), mark(GONE, GONE, other), mark(GONE)) == (1, 1, 0)


@pytest.mark.parametrize("kind", [ObjectType.DIRECTORY, ObjectType.REVISION, ObjectType.ORIGIN])
def test_what_is_of_another_kind_is_refused(load: Load, kind: ObjectType) -> None:
    load(PACKAGE)
    with pytest.raises(InvalidIdentifier):
        mark(SWHID(kind, GONE.hash))
    assert ErasedObject.objects.count() == 0


def test_what_is_erased_is_not_archived_again(load: Load, storage: FileStorage) -> None:
    load(PACKAGE)
    mark(GONE)
    for _ in range(2):
        with pytest.raises(ErasedContent, match=str(GONE)) as refused:
            load({b"other": b"to be erased"})
        assert refused.value.swhids == (str(GONE),)
        erase(storage)
    assert differences(storage) == []


def test_a_large_one_is_not_archived_again(load: Load, storage: FileStorage) -> None:
    data = b"large" * 1_000_000
    mark(SWHID(ObjectType.CONTENT, content_id(data)))
    with pytest.raises(ErasedContent), Ingest(storage) as ingest:
        ingest.add_content_stream((data,), len(data))


def test_a_load_that_was_under_way_is_done_again(storage: FileStorage, db: None, load: Load) -> None:
    load(PACKAGE)

    def load_meanwhile() -> None:
        with Ingest(storage) as ingest:
            # Known, and not written: without it the new directory would lack it.
            add_package(ingest, {b"new": b"to be erased"})
            ingest.seal()
            mark(GONE)
            with transaction.atomic():
                ingest.publish()

    with pytest.raises(ErasedMeanwhile):
        load_meanwhile()
    assert Pack.objects.count() == len(list(storage.packs())) == 1


def test_the_packs_no_longer_hold_it(load: Load, storage: FileStorage) -> None:
    root, _ = load(PACKAGE)
    (before,) = storage.packs()
    mark(GONE)
    assert erasure.packs_to_erase() == 1
    (done,) = erase(storage)
    assert (done.pack, done.outcome, done.erased, done.read) == (before.name, "rewritten", 1, before.size)
    (after,) = storage.packs()
    assert (after.name != before.name, after.size) == (True, done.written)
    assert str(GONE) not in packed(storage)
    assert (read(b"to be kept"), read(b"kept as well")) == (b"to be kept", b"kept as well")
    assert retrieval.resolve(root, b"sub/gone").swhid == GONE
    assert differences(storage) == []
    assert (erasure.packs_to_erase(), erase(storage)) == (0, [])


def test_other_packs_are_left_alone(load: Load, storage: FileStorage) -> None:
    load({b"other": b"other"})
    (other,) = storage.packs()
    load(PACKAGE)
    mark(GONE)
    assert len(erase(storage)) == 1
    assert other in list(storage.packs())


def test_the_replica_no_longer_holds_it(load: Load, storage: FileStorage, tmp_path: Path) -> None:
    replica = FileStorage(tmp_path / "replica")
    load(PACKAGE)
    assert len(list(replicate(storage, replica))) == 1
    mark(GONE)
    erase(storage, replica)
    assert packed(replica) == packed(storage)
    assert str(GONE) not in packed(replica)


def test_every_kind_can_be_erased(load: Load, storage: FileStorage) -> None:
    root, _ = load(PACKAGE)
    directory = SWHID(ObjectType.DIRECTORY, root)
    mark(directory, GONE)
    erase(storage)
    with pytest.raises(ObjectErased):
        retrieval.directory_page(root)
    assert differences(storage) == []
    assert Object.objects.count() == len(packed(storage))


def test_copies_that_the_index_does_not_tell_of_go_too(storage: FileStorage, transactional_db: None) -> None:
    def begun() -> Ingest:
        ingest = Ingest(storage).__enter__()
        add_package(ingest, {**PACKAGE, b"own": str(id(ingest)).encode()})
        ingest.seal()
        return ingest

    loads = [begun(), begun()]
    for one in loads:
        with transaction.atomic():
            one.publish()
        one.__exit__(None, None, None)
    assert list(Pack.objects.order_by("id").values_list("copies", flat=True)) == [False, None]
    mark(GONE)
    assert [done.outcome for done in erase(storage)] == ["rewritten", "rewritten"]
    assert str(GONE) not in packed(storage)
    assert differences(storage) == []


def test_a_pack_that_comes_from_elsewhere_does_not_bring_it_back(
    load: Load, storage: FileStorage, tmp_path: Path
) -> None:
    load(PACKAGE)
    (old,) = storage.packs()
    kept = (storage.path(old.name)).read_bytes()
    mark(GONE)
    erase(storage)
    stray = FileStorage(tmp_path / "stray")
    (stray.workspace() / "x").write_bytes(kept)
    stray.adopt(stray.workspace() / "x", old.name)
    # As in an index that was lost: the row of the old pack is not there.
    Pack.objects.filter(sha256=bytes.fromhex(old.name)).update(sha256=bytes(32))
    maintenance.publish_pack(stray, old.name)
    assert (places.find(GONE), erasure.packs_to_erase()) == (None, 1)
