"""Objects of the same service are copied within it: their bytes come once, to be hashed, and are not sent again."""

import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from deposit.refusals import Refusal
from deposit.staging.bucket import copying, writing
from deposit.staging.interface import ObjectSource
from deposit.staging.storage import object_at, staging_file
from tests.support.staging_areas import BUCKET, BucketArea

DATA = b"".join(number.to_bytes(4) for number in range(2_200_000))


@pytest.fixture(autouse=True)
def area(bucket_area: BucketArea, tmp_path: Path, settings: Any) -> BucketArea:
    settings.STAGING_ROOT = str(tmp_path / "staging")
    return bucket_area


@pytest.fixture
def source(area: BucketArea, s3_server: str) -> ObjectSource:
    told = area.client.put_object(Bucket=BUCKET, Key="elsewhere/a b", Body=DATA)
    return ObjectSource(
        endpoint=s3_server, bucket=BUCKET, key="elsewhere/a b", etag=told["ETag"].strip('"'), size=len(DATA)
    )


def changed(source: ObjectSource, **fields: Any) -> ObjectSource:
    names = ("endpoint", "bucket", "key", "etag", "size")
    return ObjectSource(**{name: getattr(source, name) for name in names} | fields)


def refuse(*args: Any) -> None:
    raise AssertionError("bytes were sent")


def test_an_object_is_copied_and_only_hashed(
    area: BucketArea, source: ObjectSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "send_part", refuse)
    monkeypatch.setattr(copying, "_PART", 5 * 1024**2)
    with staging_file(limit=len(DATA)) as file:
        assert file.take_copy(source)
        assert area.names() == set()
        file.write(DATA)
        staged = file.finish()
    assert (staged.size, staged.sha256) == (len(DATA), hashlib.sha256(DATA).hexdigest())
    assert area.read(staged.stored_as) == DATA


@pytest.mark.parametrize(
    "fields",
    [{"endpoint": "https://s3.example.org"}, {"size": 100}, {"etag": ""}, {"key": "nothing"}],
    ids=["another service", "small", "no etag", "gone"],
)
def test_what_cannot_be_copied_is_sent(
    area: BucketArea, source: ObjectSource, fields: dict[str, Any]
) -> None:
    with staging_file(limit=len(DATA)) as file:
        assert not file.take_copy(changed(source, **fields))
        file.write(DATA)
        staged = file.finish()
    assert area.read(staged.stored_as) == DATA
    assert area.unfinished() == 0


def test_other_bytes_than_were_copied_are_no_package(area: BucketArea, source: ObjectSource) -> None:
    with pytest.raises(Refusal) as caught, staging_file(limit=len(DATA)) as file:  # noqa: PT012
        assert file.take_copy(source)
        file.write(DATA[:100])
        file.finish()
    assert caught.value.code == "storage.away"
    assert (area.names(), area.unfinished()) == (set(), 0)


def test_addresses_of_the_service_name_their_objects(s3_server: str) -> None:
    found = object_at(urlsplit(f"{s3_server}/{BUCKET}/elsewhere/a%20b?X-Amz-Signature=1"), 7, "tag")
    assert found == ObjectSource(endpoint=s3_server, bucket=BUCKET, key="elsewhere/a b", etag="tag", size=7)
    assert object_at(urlsplit("https://example.org/a/b"), 7, "tag") is None
    assert object_at(urlsplit(f"{s3_server}/{BUCKET}"), 7, "tag") is None
