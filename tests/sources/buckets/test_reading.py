"""Reading one version of an object, by ranges, while others change it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sources.buckets import reading
from sources.buckets.address import Address
from sources.buckets.objects import Bucket
from sources.buckets.reading import read_object
from sources.places import Changed, Gone, Original
from tests.support.buckets import bucket_server, s3

DATA = bytes(range(256)) * 10


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with bucket_server() as url:
        yield s3(url)


@pytest.fixture
def bucket(client: Any, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    monkeypatch.setattr(reading, "RANGE", 1000)
    name = "r" + str(abs(hash(request.node.name)))[:12]
    client.create_bucket(Bucket=name)
    client.put_object(Bucket=name, Key="a", Body=DATA)
    return Bucket(client, Address(bucket=name))


class Sink:
    """Collects what is written, and does something at the first chunk."""

    def __init__(self, at_first: Callable[[], Any] = lambda: None) -> None:
        self.data = b""
        self._at_first = at_first

    def write(self, chunk: bytes) -> None:
        if not self.data:
            self._at_first()
        self.data += chunk


def original(bucket: Bucket) -> Original:
    seen = bucket.look("a")
    return Original(key="a", version=seen.version, short_id="0123456789ab")


def replace(bucket: Bucket) -> None:
    bucket.client.put_object(Bucket=bucket.address.bucket, Key="a", Body=DATA[::-1])


def test_object_is_read_by_ranges(bucket: Bucket) -> None:
    sink = Sink()
    read_object(bucket, original(bucket), sink)
    assert sink.data == DATA


def test_object_that_is_replaced_while_it_is_read_is_not_taken(bucket: Bucket) -> None:
    with pytest.raises(Changed):
        read_object(bucket, original(bucket), Sink(lambda: replace(bucket)))


def test_object_that_was_replaced_before_is_not_taken(bucket: Bucket) -> None:
    seen = original(bucket)
    replace(bucket)
    with pytest.raises(Changed):
        read_object(bucket, seen, Sink())


def test_version_that_was_seen_is_read_whatever_came_after(bucket: Bucket) -> None:
    bucket.client.put_bucket_versioning(
        Bucket=bucket.address.bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    bucket.client.put_object(Bucket=bucket.address.bucket, Key="a", Body=DATA)
    seen = original(bucket)
    replace(bucket)
    sink = Sink(lambda: replace(bucket))
    read_object(bucket, seen, sink)
    assert sink.data == DATA


def test_object_that_is_removed_is_gone(bucket: Bucket) -> None:
    seen = original(bucket)
    bucket.client.delete_object(Bucket=bucket.address.bucket, Key="a")
    with pytest.raises(Gone):
        read_object(bucket, seen, Sink())
