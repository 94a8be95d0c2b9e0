"""Loads: what goes in comes out, known things are not written again, and nothing half done is left."""

import os
import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from django.db import transaction

from archive import retrieval
from archive.errors import ArchiveError, Collision, LengthMismatch, PackMissing
from archive.identifiers import SWHID, ObjectType, content_id
from archive.ingest import Ingest
from archive.models import Object, Pack
from archive.packs import LARGE
from archive.storage import FileStorage
from tests.archive.conftest import Load, Package, add_package

PACKAGE: Package = {
    b"README": b"Read me.\n",
    b"src/main.c": b"int main() { return 0; }\n",
    b"src/configure": ("x", b"#!/bin/sh\n"),
    b"src/link": ("l", b"main.c"),
    b"empty": b"",
    b"nothing/here": None,
    b"na\xefve/\xff\xfe": b"odd name",
}


def read(identifier: bytes, kind: ObjectType = ObjectType.CONTENT) -> bytes:
    length, chunks = retrieval.open_content(SWHID(kind, identifier))
    data = b"".join(chunks)
    assert len(data) == length
    return data


def files(storage: FileStorage, root: Path) -> list[str]:
    return sorted(path.name for path in root.rglob("*") if path.is_file())


def test_a_loaded_content_reads_back(load: Load) -> None:
    load(PACKAGE)
    assert read(content_id(b"Read me.\n")) == b"Read me.\n"
    assert read(content_id(b"")) == b""


def test_stats_tell_what_was_new(load: Load) -> None:
    _, first = load(PACKAGE)
    assert (first.stats.members, first.stats.bytes_in) == (6, 58)
    assert first.stats.bytes_written == sum(Pack.objects.values_list("size", flat=True))


def test_a_second_load_of_the_same_package_adds_no_object(load: Load) -> None:
    root, _ = load(PACKAGE)
    before = Object.objects.count()
    again, second = load(PACKAGE)
    assert (again, second.stats.new, second.stats.bytes_written) == (root, 0, 0)
    assert Object.objects.count() == before


def test_a_load_that_is_not_published_leaves_no_file(storage: FileStorage, tmp_path: Path, db: None) -> None:
    with Ingest(storage) as ingest:
        add_package(ingest, PACKAGE)
        ingest.seal()
        assert files(storage, tmp_path) == [f"{ingest._packing.names[0]}.tar.zst"]
    assert files(storage, tmp_path) == []


def test_a_load_that_fails_leaves_no_file(storage: FileStorage, tmp_path: Path, db: None) -> None:
    def fail() -> None:
        with Ingest(storage) as ingest:
            ingest.add_content_stream((b"x" * LARGE, b"y" * LARGE), 2 * LARGE)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert files(storage, tmp_path) == []


def test_a_load_rolled_back_by_its_caller_is_not_visible(storage: FileStorage, db: None) -> None:
    def fail() -> None:
        with Ingest(storage) as ingest:
            add_package(ingest, PACKAGE)
            ingest.seal()
            with transaction.atomic():
                ingest.publish()
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert (Object.objects.count(), Pack.objects.count()) == (0, 0)


def test_publish_before_seal_is_refused(storage: FileStorage, db: None) -> None:
    with Ingest(storage) as ingest, pytest.raises(ArchiveError):
        ingest.publish()


@pytest.mark.parametrize(
    "length", [LARGE - 1, LARGE, LARGE + 1, 3 * LARGE, 3 * LARGE - 512, 5 * LARGE + 1234]
)
def test_contents_around_the_size_of_a_frame_read_back(load: Load, storage: FileStorage, length: int) -> None:
    data = random.Random(length).randbytes(length)
    with Ingest(storage) as ingest:
        cid = ingest.add_content_stream((data[at : at + 70_000] for at in range(0, length, 70_000)), length)
        ingest.seal()
        with transaction.atomic():
            ingest.publish()
    assert cid == content_id(data)
    assert read(cid) == data
    for start, stop in ((0, 1), (LARGE - 600, LARGE - 500), (length - 1, length), (length // 2, length)):
        _, chunks = retrieval.open_content(SWHID(ObjectType.CONTENT, cid), start, stop)
        assert b"".join(chunks) == data[start:stop]


@pytest.mark.parametrize("length", [5, LARGE + 5])
@pytest.mark.parametrize("announced", [-1, 1])
def test_a_stream_of_another_length_is_refused(
    storage: FileStorage, db: None, length: int, announced: int
) -> None:
    with Ingest(storage) as ingest:
        with pytest.raises(LengthMismatch):
            ingest.add_content_stream((b"a" * length,), length + announced)
        kept = ingest.add_content(b"kept")
        ingest.seal()
        with transaction.atomic():
            ingest.publish()
    assert read(kept) == b"kept"
    assert Object.objects.count() == 1


def test_a_known_large_content_is_taken_back_from_the_pack(load: Load, storage: FileStorage) -> None:
    data = os.urandom(3 * LARGE)
    load({b"big": data})
    with Ingest(storage) as ingest:
        small = ingest.add_content(b"before")
        big = ingest.add_content_stream((data,), len(data))
        other = ingest.add_content_stream((data[::-1],), len(data))
        ingest.seal()
        with transaction.atomic():
            ingest.publish()
    assert ingest.stats.bytes_written < 4 * LARGE
    assert (read(small), read(big) == data, read(other) == data[::-1]) == (b"before", True, True)


def test_packs_roll_over_at_their_size(storage: FileStorage, db: None) -> None:
    contents = [os.urandom(LARGE) for _ in range(8)]
    with Ingest(storage, pack_size=2 * LARGE) as ingest:
        identifiers = [ingest.add_content(data) for data in contents]
        ingest.seal()
        with transaction.atomic():
            ingest.publish()
    assert Pack.objects.count() > 1
    assert [read(identifier) for identifier in identifiers] == contents


def test_a_sha1_collision_with_the_archive_is_refused(load: Load, storage: FileStorage) -> None:
    load({b"a": b"innocent"})
    Object.objects.filter(kind=0).update(sha256=bytes(32))
    with Ingest(storage) as ingest:
        ingest.add_content(b"innocent")
        with pytest.raises(Collision):
            ingest.seal()


def test_a_sha1_collision_that_appears_after_the_check_is_refused(storage: FileStorage, db: None) -> None:
    with Ingest(storage) as slow, Ingest(storage) as fast:
        for ingest in (slow, fast):
            ingest.add_content(b"innocent")
            ingest.seal()
        with transaction.atomic():
            fast.publish()
        Object.objects.update(sha256=bytes(32))
        with pytest.raises(Collision), transaction.atomic():
            slow.publish()
    assert [pack.name for pack in Pack.objects.all()] == [pack.name for pack in storage.packs()]


def test_a_caller_cannot_commit_after_a_failed_publish(storage: FileStorage, db: None) -> None:
    with Ingest(storage) as ingest:
        ingest.add_content(b"innocent")
        ingest.seal()
        storage.delete(ingest._packing.names[0])
        with transaction.atomic(), pytest.raises(PackMissing):
            ingest.publish()
    assert Pack.objects.count() == 0


def test_publishing_twice_changes_nothing(storage: FileStorage, db: None) -> None:
    with Ingest(storage) as ingest:
        add_package(ingest, PACKAGE)
        ingest.seal()
        with transaction.atomic():
            ingest.publish()
        before = list(Object.objects.order_by("sha1_git").values_list("kind", "length", "offset", "pack"))
        with transaction.atomic():
            ingest.publish()
    assert list(Object.objects.order_by("sha1_git").values_list("kind", "length", "offset", "pack")) == before


def test_a_load_asks_no_question_for_each_file(
    storage: FileStorage, db: None, django_assert_num_queries: Callable[[int], AbstractContextManager[object]]
) -> None:
    for count in (3, 900):
        # The newest erasure; what is known of the contents, and of the directories; then a lock, the pack, the staging
        # table and its rows, the index's rows, and the staging table again.
        with django_assert_num_queries(9), Ingest(storage) as ingest:
            add_package(ingest, {b"%d" % number: b"%d of %d" % (number, count) for number in range(count)})
            ingest.seal()
            with transaction.atomic(savepoint=False):
                ingest.publish()
