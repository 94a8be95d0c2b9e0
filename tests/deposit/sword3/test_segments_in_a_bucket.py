"""Segments that are parts of an object, those that are too small for that, and what a crash leaves of both."""

from datetime import timedelta
from typing import Any

import pytest

from deposit.models import Upload
from deposit.services import uploads
from deposit.staging import cleanup
from deposit.staging.bucket import segments, writing
from deposit.staging.interface import StagingAway
from deposit.staging.storage import staging
from tests.deposit.sword3.asking import Sword3, by_reference, error
from tests.support.staging_areas import BUCKET, BucketArea

MIB = 1024**2


def bytes_of(size: int) -> bytes:
    return b"".join(number.to_bytes(4) for number in range(size // 4))


def parts_of(area: BucketArea, upload: Upload) -> list[int]:
    """The sizes of the parts that the service has of an upload."""
    key = staging().bucket.key(upload.stored_as)  # type: ignore[attr-defined]
    told = area.client.list_parts(Bucket=BUCKET, Key=key, UploadId=upload.reservation)
    return [part["Size"] for part in told.get("Parts", ())]


def send(sword3: Sword3, url: str, data: bytes, segment: int, numbers: list[int]) -> None:
    for number in numbers:
        piece = data[(number - 1) * segment : number * segment]
        assert sword3.segment(url, number, piece).status_code == 204


def test_segments_of_five_mebibytes_are_parts(sword3: Sword3, anobject: str, bucket_area: BucketArea) -> None:
    data = bytes_of(11 * MIB)
    url = sword3.begin(data, 5 * MIB)["Location"]
    upload = Upload.objects.get()
    send(sword3, url, data, 5 * MIB, [3, 1])
    assert parts_of(bucket_area, upload) == [5 * MIB, MIB]
    assert bucket_area.names() == set()
    send(sword3, url, data, 5 * MIB, [2])
    assert bucket_area.names() == {upload.stored_as}
    assert sword3.refer("POST", anobject, by_reference(url), In_Progress="true").status_code == 200
    assert bucket_area.read(upload.stored_as) == data


def test_small_segments_are_parts_as_soon_as_their_neighbours_are_there(
    sword3: Sword3, bucket_area: BucketArea
) -> None:
    """Two of four mebibytes are one part; nothing of them is left beside it."""
    data = bytes_of(18 * MIB)
    url = sword3.begin(data, 4 * MIB)["Location"]
    upload = Upload.objects.get()
    send(sword3, url, data, 4 * MIB, [1, 4])
    assert (parts_of(bucket_area, upload), len(bucket_area.names())) == ([], 2)
    send(sword3, url, data, 4 * MIB, [3])
    assert (parts_of(bucket_area, upload), len(bucket_area.names())) == ([8 * MIB], 1)
    send(sword3, url, data, 4 * MIB, [2, 5])
    assert bucket_area.names() == {upload.stored_as}
    assert bucket_area.read(upload.stored_as) == data


@pytest.mark.parametrize("segment", [4 * MIB, 5 * MIB])
def test_what_a_crash_left_is_put_together_when_it_is_deposited(
    sword3: Sword3,
    anobject: str,
    bucket_area: BucketArea,
    monkeypatch: pytest.MonkeyPatch,
    segment: int,
) -> None:
    """The process died between the row of the last segment and what follows from it."""
    data = bytes_of(11 * MIB)
    monkeypatch.setattr(segments, "segment_recorded", lambda bucket, upload: None)
    url = sword3.begin(data, segment)["Location"]
    upload = Upload.objects.get()
    send(sword3, url, data, segment, [1, 2, 3])
    assert upload.stored_as not in bucket_area.names()
    assert sword3.refer("POST", anobject, by_reference(url), In_Progress="true").status_code == 200
    assert bucket_area.names() == {upload.stored_as}
    assert bucket_area.read(upload.stored_as) == data


def test_two_that_complete_an_upload_do_no_harm(sword3: Sword3, bucket_area: BucketArea) -> None:
    """The second finds the object complete, or its parts gone since it looked."""
    data = bytes_of(9 * MIB)
    url = sword3.begin(data, 5 * MIB)["Location"]
    send(sword3, url, data, 5 * MIB, [1, 2])
    upload = Upload.objects.get()
    staging().seal(upload)
    bucket = staging().bucket  # type: ignore[attr-defined]
    writing.complete(
        bucket, upload.stored_as, upload.reservation, [{"PartNumber": 1, "ETag": "x"}], upload.size
    )
    assert bucket_area.read(upload.stored_as) == data


def test_a_bucket_that_is_away_costs_the_segment_and_no_more(
    sword3: Sword3, bucket_area: BucketArea, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytes_of(6 * MIB)
    url = sword3.begin(data, 5 * MIB)["Location"]

    def away(*args: Any) -> None:
        raise StagingAway("cut off")

    with monkeypatch.context() as patched:
        patched.setattr(writing, "send_part", away)
        assert sword3.segment(url, 1, data[: 5 * MIB]).status_code == 503
    assert sword3.document(url)["expecting"] == [1, 2]
    send(sword3, url, data, 5 * MIB, [1, 2])
    assert bucket_area.read(Upload.objects.get().stored_as) == data


def test_an_upload_whose_parts_the_bucket_has_lost_begins_anew(
    sword3: Sword3, anobject: str, bucket_area: BucketArea
) -> None:
    """As after the restore of a record into an empty bucket."""
    data = bytes_of(6 * MIB)
    url = sword3.begin(data, 5 * MIB)["Location"]
    send(sword3, url, data, 5 * MIB, [1, 2])
    bucket_area.delete(Upload.objects.get().stored_as)
    assert error(sword3.refer("POST", anobject, by_reference(url)))[0] in (404, 503)


def test_an_upload_that_waits_is_no_leftover(sword3: Sword3, bucket_area: BucketArea) -> None:
    data = bytes_of(6 * MIB)
    url = sword3.begin(data, 5 * MIB)["Location"]
    send(sword3, url, data, 5 * MIB, [1])
    bucket_area.age_unfinished(10**4)
    assert cleanup.sweep(age=timedelta(hours=24)) == cleanup.Swept()
    upload = Upload.objects.get()
    uploads._remove(upload)
    assert (bucket_area.names(), bucket_area.unfinished()) == (set(), 0)
