"""One contract for every storage, and what only one of them does. S3 is a server that speaks it, on loopback."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import boto3
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from moto.server import ThreadedMotoServer

from archive import erasure, places, retrieval
from archive.errors import Damaged, PackMissing, Unreadable
from archive.identifiers import SWHID, ObjectType, content_id
from archive.ingest import Ingest
from archive.models import Pack
from archive.packs import LARGE
from archive.reading import Packs
from archive.replication import replicate
from archive.storage import FileStorage, ReplicatedStorage, Storage, default_storage, open_storage
from archive.storage.replicated import copy_pack
from tests.archive.rewriting.archives import (
    assert_clean,
    content,
    deposits,
    everything,
    mark,
    merge,
    packed,
    retire,
)


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    _, port = server.get_host_and_port()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture
def s3_url(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    bucket = "b" + hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:20]
    with closing(boto3.client("s3", endpoint_url=s3_endpoint, region_name="us-east-1")) as client:
        client.create_bucket(Bucket=bucket)
    return f"s3://{bucket}/some/prefix?endpoint={s3_endpoint}&region=us-east-1"


@pytest.fixture(params=["files", "s3", "replicated"])
def any_storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "s3":
        return open_storage(request.getfixturevalue("s3_url"), tmp_path)
    files = open_storage(str(tmp_path / "one"), tmp_path)
    return files if request.param == "files" else ReplicatedStorage(files, FileStorage(tmp_path / "two"))


def adopt(storage: Storage, data: bytes) -> str:
    path = storage.workspace() / "x.part"
    path.write_bytes(data)
    name = hashlib.sha256(data).hexdigest()
    storage.adopt(path, name)
    assert not path.exists()
    return name


def test_an_adopted_pack_is_read_by_ranges(any_storage: Storage) -> None:
    data = os.urandom(100_000)
    name = adopt(any_storage, data)
    with closing(any_storage.open(name)) as pack:
        assert (pack.name, pack.size) == (name, len(data))
        assert pack.read(0, 10) == data[:10]
        assert pack.read(99_000, 5000) == data[99_000:]
        assert pack.read(50, 0) == pack.read(200_000, 10) == b""


def test_a_pack_larger_than_one_part_arrives_whole(any_storage: Storage) -> None:
    data = os.urandom(1024) * (40 * 1024)
    name = adopt(any_storage, data)
    with closing(any_storage.open(name)) as pack:
        assert hashlib.sha256(pack.read(0, pack.size)).hexdigest() == name


def test_packs_are_listed_with_their_sizes(any_storage: Storage) -> None:
    assert list(any_storage.packs()) == []
    names = sorted(adopt(any_storage, b"%d" % number) for number in range(5))
    assert [(pack.name, pack.size) for pack in any_storage.packs()] == [(name, 1) for name in names]
    assert all(pack.stored_at.tzinfo is not None for pack in any_storage.packs())


def test_adopting_the_same_pack_again_keeps_it(any_storage: Storage) -> None:
    assert adopt(any_storage, b"same") == adopt(any_storage, b"same")
    assert len(list(any_storage.packs())) == 1


def test_a_deleted_pack_is_missing(any_storage: Storage) -> None:
    name = adopt(any_storage, b"gone")
    any_storage.delete(name)
    any_storage.delete(name)
    with pytest.raises(PackMissing):
        any_storage.open(name)


def test_a_load_into_any_storage_reads_back(any_storage: Storage, db: None) -> None:
    large = os.urandom(2 * LARGE + 5)
    with Ingest(any_storage) as ingest:
        ingest.add_content(b"small")
        ingest.add_content_stream((large,), len(large))
        ingest.seal()
        with transaction.atomic():
            ingest.publish()
    for data in (b"small", large):
        swhid = SWHID(ObjectType.CONTENT, content_id(data))
        assert b"".join(retrieval.open_content(swhid, storage=any_storage)[1]) == data
        _, chunks = retrieval.open_content(swhid, 2, len(data) - 1, storage=any_storage)
        assert b"".join(chunks) == data[2:-1]


def test_a_listing_of_more_than_a_page_is_complete(
    s3_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archive.storage.s3._PAGE", 2)
    storage = open_storage(s3_url, tmp_path)
    names = sorted(adopt(storage, b"%d" % number) for number in range(5))
    assert [pack.name for pack in storage.packs()] == names


def test_a_bucket_that_cannot_be_reached_is_no_missing_pack(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    storage = open_storage("s3://b/?endpoint=http://127.0.0.1:9&region=x", tmp_path)
    with pytest.raises(Unreadable) as caught:
        storage.open("0" * 64)
    assert not isinstance(caught.value, PackMissing)


def test_a_bucket_that_does_not_exist_is_no_missing_pack(s3_url: str, tmp_path: Path) -> None:
    storage = open_storage(s3_url.replace("s3://b", "s3://c"), tmp_path)
    with pytest.raises(Unreadable) as caught:
        list(storage.packs())
    assert not isinstance(caught.value, PackMissing)


def test_an_address_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured):
        open_storage("ftp://x/y", tmp_path)


def test_a_lost_pack_is_fetched_back_from_the_replica(tmp_path: Path, db: None) -> None:
    primary, replica = FileStorage(tmp_path / "one"), FileStorage(tmp_path / "two")
    name = adopt(primary, b"precious")
    assert list(replicate(primary, replica)) == []
    Pack.objects.create(sha256=bytes.fromhex(name), size=8)
    assert [pack.name for pack in replicate(primary, replica)] == [name]
    assert list(replicate(primary, replica)) == []
    primary.delete(name)
    with closing(ReplicatedStorage(primary, replica).open(name)) as pack:
        assert pack.read(0, 100) == b"precious"
    assert [pack.name for pack in primary.packs()] == [name]


def test_a_damaged_copy_is_never_taken_for_the_pack(tmp_path: Path) -> None:
    primary, replica = FileStorage(tmp_path / "one"), FileStorage(tmp_path / "two")
    name = adopt(replica, b"precious")
    replica.path(name).write_bytes(b"spoilt!!")
    with pytest.raises(Damaged):
        copy_pack(replica, primary, name)
    assert list(primary.packs()) == []
    assert list(primary.workspace().iterdir()) == []


def test_a_replica_in_a_bucket_gives_back_what_the_disk_lost(
    s3_url: str, tmp_path: Path, settings: object, db: None
) -> None:
    settings.ARCHIVE_ROOT = str(tmp_path / "archive")  # type: ignore[attr-defined]
    settings.ARCHIVE_REPLICA = s3_url  # type: ignore[attr-defined]
    storage = default_storage()
    assert isinstance(storage, ReplicatedStorage)
    name = adopt(storage, b"precious")
    Pack.objects.create(sha256=bytes.fromhex(name), size=8)
    assert len(list(replicate(storage.primary, storage.replica))) == 1
    storage.primary.delete(name)
    with closing(storage.open(name)) as pack:
        assert pack.read(0, 100) == b"precious"


def test_packs_in_a_bucket_are_merged_and_erased_in(
    s3_url: str, tmp_path: Path, settings: object, db: None
) -> None:
    settings.ARCHIVE_ROOT = str(tmp_path / "archive")  # type: ignore[attr-defined]
    bucket, replica = open_storage(s3_url, tmp_path), FileStorage(tmp_path / "replica")
    settings.ARCHIVE_STORAGE = s3_url  # type: ignore[attr-defined]
    deposits(bucket, 4, large=frozenset({1}))
    before = everything()
    place = places.require(content(2))
    (merged,) = merge(bucket)
    assert retire(bucket, replica) == []
    assert [pack.name for pack in bucket.packs()] == [pack.name for pack in replica.packs()] == [merged.name]
    assert everything() == before
    with Packs(bucket) as packs:
        assert packs.read(*place) == b"deposit 2"
    mark(content(2))
    assert [done.outcome for done in erasure.erase(bucket, replica)] == ["rewritten"]
    assert packed(bucket) == packed(replica)
    assert str(content(2)) not in packed(bucket)
    assert everything() == {name: data for name, data in before.items() if name != str(content(2))}
    assert_clean(bucket)
