"""Segmented file upload: the Staging-URL and the Temporary-URLs."""

import errno
import hashlib
import os
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, connection
from django.test import Client as HttpClient

from checker.checking import check
from deposit.models import Client, Collection, Deposit, Fetch, Finding, Part, Upload, UploadSegment
from deposit.services import uploads
from deposit.staging import cleanup, files
from deposit.staging.files import path_of
from deposit.staging.interface import StagingAway
from deposit.staging.preallocated import Sealed
from tests.deposit.sword3.asking import Sword3, by_reference, digest, error
from tests.support.factories import http_client, new_client, new_collection, new_deposit
from tests.support.samples import atom_entry, make_zip
from tests.support.staging_areas import Area, FolderArea

DATA = make_zip({f"pkg/{n}": bytes([n]) * 40 for n in range(6)})
SEGMENT = 100
COUNT = -(-len(DATA) // SEGMENT)


@pytest.fixture(autouse=True)
def area(staging_area: Area, tmp_path: Path, settings: Any) -> Area:
    settings.STAGING_ROOT = str(tmp_path / "staging")
    return staging_area


def piece(number: int) -> bytes:
    return DATA[(number - 1) * SEGMENT : number * SEGMENT]


def test_an_upload_that_is_begun_takes_no_room(sword3: Sword3, area: Area) -> None:
    response = sword3.begin(DATA, SEGMENT)
    assert response.status_code == 201
    upload = Upload.objects.get()
    assert response["Location"] == f"http://testserver/3/staging/{upload.pk}/"
    if isinstance(area, FolderArea):
        assert path_of(upload.stored_as).stat().st_size == len(DATA)
        assert path_of(upload.stored_as).stat().st_blocks == 0
    else:
        assert (area.names(), area.unfinished()) == (set(), 1)


def test_room_is_taken_as_bytes_come(sword3: Sword3, area: Area) -> None:
    if not isinstance(area, FolderArea):
        pytest.skip("a bucket has no room to take")
    data = bytes(range(256)) * 4 * 1024
    url = sword3.begin(data, 512 * 1024)["Location"]
    path = path_of(Upload.objects.get().stored_as)
    assert sword3.segment(url, 2, data[512 * 1024 :]).status_code == 204
    assert 512 * 1024 <= path.stat().st_blocks * 512 < len(data)


def test_what_is_on_its_way_counts_for_others_while_it_comes(sword3: Sword3) -> None:
    sword3.begin(DATA, SEGMENT)
    upload = Upload.objects.get()
    with uploads.region(upload, 1):
        assert [(one.client, one.missing) for one in files.arriving()] == [(upload.client_id, SEGMENT)]
    assert list(files.arriving()) == []


def test_a_segment_for_which_the_disk_has_no_room_is_refused_before_it_comes(
    sword3: Sword3, settings: Any
) -> None:
    """Also before a bucket: what is long enough is kept on this machine's disk until it is whole."""
    data = bytes(3 * 1024**2)
    url = sword3.begin(data, len(data))["Location"]
    settings.RESERVED_BYTES = 2**60
    assert error(sword3.segment(url, 1, data)) == (507, "BadRequest")


def test_a_client_has_so_many_unfinished_uploads_and_no_more(sword3: Sword3, settings: Any) -> None:
    settings.OPEN_UPLOADS = 2
    url = sword3.begin(DATA, SEGMENT)["Location"]
    assert sword3.begin(DATA, SEGMENT).status_code == 201
    refused = sword3.begin(DATA, SEGMENT)
    assert (refused.status_code, "upload.open" in refused.json()["log"]) == (429, True)
    assert sword3.send("DELETE", url).status_code == 204
    assert sword3.begin(DATA, SEGMENT).status_code == 201


def test_a_client_begins_so_many_uploads_within_a_minute_and_no_more(sword3: Sword3, settings: Any) -> None:
    settings.UPLOADS_PER_MINUTE = 3
    for _ in range(3):
        assert sword3.send("DELETE", sword3.begin(DATA, SEGMENT)["Location"]).status_code == 204
    refused = sword3.begin(DATA, SEGMENT)
    assert (refused.status_code, "upload.rate" in refused.json()["log"]) == (429, True)


def test_a_promise_of_which_nothing_comes_goes_sooner(
    sword3: Sword3, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    sword3.segment(sword3.begin(DATA, SEGMENT)["Location"], 1, piece(1))
    begun = Upload.objects.get()
    sword3.begin(DATA, SEGMENT)
    settings.STAGING_MAX_EMPTY = -1
    with django_capture_on_commit_callbacks(execute=True):
        assert uploads.expire_idle() == 1
    assert Upload.objects.get() == begun


def test_segments_come_in_any_order_and_the_state_tells_which_are_missing(sword3: Sword3) -> None:
    url = sword3.begin(DATA, SEGMENT)["Location"]
    assert sword3.segment(url, COUNT, piece(COUNT)).status_code == 204
    assert sword3.segment(url, 2, piece(2)).status_code == 204
    assert sword3.document(url) == {
        "@context": "https://swordapp.github.io/swordv3/swordv3.jsonld",
        "@id": url,
        "@type": "Temporary",
        "received": [2, COUNT],
        "expecting": [n for n in range(1, COUNT) if n != 2],
        "assembledSize": len(DATA),
        "segmentSize": SEGMENT,
    }


def test_the_assembled_file_becomes_the_package_without_a_copy(
    sword3: Sword3, anobject: str, area: Area
) -> None:
    url = sword3.uploaded(DATA)
    stored_as = Upload.objects.get().stored_as
    inode = path_of(stored_as).stat().st_ino if isinstance(area, FolderArea) else 0
    response = sword3.refer("POST", anobject, by_reference(url), In_Progress="true")
    assert response.status_code == 200
    part = Part.objects.get(kind="package")
    assert (part.stored_as, part.size, part.sha256) == (
        stored_as,
        len(DATA),
        hashlib.sha256(DATA).hexdigest(),
    )
    assert area.names() == {stored_as}
    assert not inode or path_of(stored_as).stat().st_ino == inode
    assert area.read(stored_as) == DATA
    assert not Upload.objects.exists()
    assert error(sword3.get(url)) == (404, "NotFound")


def test_an_upload_is_deposited_through_sword_2_by_a_link_in_the_entry(
    sword3: Sword3, http: HttpClient
) -> None:
    url = sword3.uploaded(DATA)
    link = (
        f'<link rel="http://purl.org/net/sword/3.0/terms/byReferenceDeposit" href="{url}" '
        'type="application/zip" title="package.zip"/>'
    )
    response = http.post("/1/hal/", atom_entry(link), content_type="application/atom+xml;type=entry")
    assert response.status_code == 201
    deposit = Deposit.objects.get()
    part = Part.objects.get(kind="package")
    assert (deposit.status, deposit.package_name, part.name, part.size) == (
        "deposited",
        "package.zip",
        "package.zip",
        len(DATA),
    )
    check(deposit.pk, worker="test")
    deposit.refresh_from_db()
    assert deposit.status == "verified"


def test_the_digest_of_the_whole_is_compared_before_anything_is_loaded(sword3: Sword3, anobject: str) -> None:
    url = sword3.begin(DATA, len(DATA), digest=digest(b"other bytes"))["Location"]
    assert sword3.segment(url, 1, DATA).status_code == 204
    assert sword3.refer("POST", anobject, by_reference(url)).status_code == 200
    deposit = Deposit.objects.get()
    assert deposit.status == "deposited"
    check(deposit.pk, worker="test")
    deposit.refresh_from_db()
    assert deposit.status == "rejected"
    errors = Finding.objects.filter(severity="error")
    assert [finding.code for finding in errors] == ["upload.digest"]
    link = sword3.document(anobject)["links"][0]
    assert link["status"] == "http://purl.org/net/sword/3.0/filestate/error"
    assert "upload it again" in link["log"]


def test_a_right_digest_is_compared_once(sword3: Sword3, anobject: str) -> None:
    assert sword3.refer("POST", anobject, by_reference(sword3.uploaded(DATA))).status_code == 200
    assert Part.objects.get(kind="package").digest_pending
    check(Deposit.objects.get().pk, worker="test")
    assert Deposit.objects.get().status == "verified"
    assert not Part.objects.get(kind="package").digest_pending


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"size": 101 * 1024**3, "segment_size": 1024**3, "segment_count": 101}, "MaxAssembledSizeExceeded"),
        ({"segment_size": 6 * 1024**3, "segment_count": 1}, "InvalidSegmentSize"),
        ({"segment_size": 0}, "InvalidSegmentSize"),
        ({"segment_count": 10_001}, "SegmentLimitExceeded"),
        ({"segment_count": 0}, "SegmentLimitExceeded"),
        ({"segment_count": COUNT + 1}, "InvalidSegmentSize"),
        ({"size": 0, "segment_count": 1}, "InvalidSegmentSize"),
        ({"digest": None}, "BadRequest"),
        ({"digest": "SHA-256=short"}, "BadRequest"),
        ({"size": None}, "BadRequest"),
        ({"size": "many"}, "BadRequest"),
    ],
)
def test_a_plan_beyond_the_rules_is_refused_and_leaves_nothing(
    sword3: Sword3, changes: dict[str, Any], expected: str
) -> None:
    response = sword3.begin(DATA, SEGMENT, **changes)
    assert error(response) == (400, expected)
    assert not Upload.objects.exists()


@pytest.mark.parametrize(
    ("number", "data", "expected"),
    [
        (1, b"x" * (SEGMENT - 1), (400, "InvalidSegmentSize")),
        (1, b"x" * (SEGMENT + 1), (400, "InvalidSegmentSize")),
        (COUNT, b"x" * SEGMENT * 2, (400, "InvalidSegmentSize")),
        (0, b"x" * SEGMENT, (400, "SegmentLimitExceeded")),
        (COUNT + 1, b"x" * SEGMENT, (400, "SegmentLimitExceeded")),
    ],
)
def test_a_segment_that_is_not_in_the_plan_is_refused(
    sword3: Sword3, number: int, data: bytes, expected: tuple[int, str]
) -> None:
    url = sword3.begin(DATA, SEGMENT)["Location"]
    assert error(sword3.segment(url, number, data)) == expected
    assert sword3.document(url)["received"] == []


def test_a_segment_without_its_digest_or_with_another_does_not_count(sword3: Sword3) -> None:
    url = sword3.begin(DATA, SEGMENT)["Location"]
    assert error(sword3.segment(url, 1, piece(1), Digest=digest(b"other"))) == (412, "DigestMismatch")
    assert error(sword3.segment(url, 1, piece(1), Digest="")) == (400, "BadRequest")
    assert sword3.document(url)["received"] == []
    assert sword3.segment(url, 1, piece(1)).status_code == 204


def test_a_segment_that_has_arrived_is_not_expected_again(sword3: Sword3, anobject: str, area: Area) -> None:
    url = sword3.begin(DATA, SEGMENT)["Location"]
    assert sword3.segment(url, 1, piece(1)).status_code == 204
    assert error(sword3.segment(url, 1, piece(1))) == (400, "UnexpectedSegment")
    assert error(sword3.segment(url, 1, b"x" * SEGMENT)) == (400, "UnexpectedSegment")
    for number in range(2, COUNT + 1):
        assert sword3.segment(url, number, piece(number)).status_code == 204
    assert area.read(Upload.objects.get().stored_as) == DATA


def test_an_incomplete_upload_cannot_be_deposited(sword3: Sword3, anobject: str) -> None:
    url = sword3.begin(DATA, SEGMENT)["Location"]
    assert sword3.segment(url, 1, piece(1)).status_code == 204
    assert error(sword3.refer("POST", anobject, by_reference(url))) == (400, "BadRequest")
    assert Upload.objects.count() == 1
    assert sword3.segment(url, 2, piece(2)).status_code == 204


def test_another_digest_at_the_deposit_is_refused(sword3: Sword3, anobject: str) -> None:
    file = by_reference(sword3.uploaded(DATA), digest=digest(b"other"))
    assert error(sword3.refer("POST", anobject, file)) == (412, "DigestMismatch")
    assert Upload.objects.count() == 1


def test_an_upload_that_is_given_up_leaves_nothing(
    sword3: Sword3, area: Area, django_capture_on_commit_callbacks: Any
) -> None:
    url = sword3.begin(DATA, SEGMENT)["Location"]
    assert sword3.segment(url, 2, piece(2)).status_code == 204
    with django_capture_on_commit_callbacks(execute=True):
        assert sword3.send("DELETE", url).status_code == 204
    assert (area.names(), area.unfinished()) == (set(), 0)
    assert not Upload.objects.exists()
    assert error(sword3.segment(url, 1, piece(1))) == (404, "NotFound")


def test_uploads_are_their_clients_own(sword3: Sword3, anobject: str) -> None:
    url = sword3.uploaded(DATA)
    stranger = Sword3(http_client(new_client(new_collection("other"))))
    assert error(stranger.get(url)) == (404, "NotFound")
    assert error(stranger.send("DELETE", url)) == (404, "NotFound")
    assert error(stranger.segment(url, 1, piece(1))) == (404, "NotFound")
    assert error(stranger.refer("POST", "/3/service/other/", by_reference(url))) == (404, "NotFound")
    assert Upload.objects.count() == 1


def test_a_client_without_a_collection_stages_nothing(db: None) -> None:
    assert error(Sword3(http_client(new_client())).begin(DATA, SEGMENT)) == (403, "Forbidden")


def test_the_announced_sizes_count_towards_the_quota(sword3: Sword3, settings: Any) -> None:
    settings.UPLOAD_QUOTA = len(DATA) * 2 - 1
    url = sword3.begin(DATA, SEGMENT)["Location"]
    assert error(sword3.begin(DATA, SEGMENT)) == (400, "MaxAssembledSizeExceeded")
    assert sword3.send("DELETE", url).status_code == 204
    assert sword3.begin(DATA, SEGMENT).status_code == 201


def test_idle_uploads_expire_and_others_do_not(
    sword3: Sword3, settings: Any, area: Area, django_capture_on_commit_callbacks: Any
) -> None:
    sword3.begin(DATA, SEGMENT)
    assert uploads.expire_idle() == 0
    settings.STAGING_MAX_IDLE = -1
    with django_capture_on_commit_callbacks(execute=True):
        assert uploads.expire_idle() == 1
    assert (Upload.objects.count(), area.names(), area.unfinished()) == (0, set(), 0)


@pytest.mark.django_db(transaction=True)
def test_eight_segments_arrive_at_once(collection: Collection, depositor: Client, area: Area) -> None:
    data = bytes(range(256)) * 8 * 64
    size = len(data) // 8
    sword3 = Sword3(http_client(depositor))
    url = sword3.begin(data, size)["Location"]
    answers: list[int] = []

    def send(number: int) -> None:
        try:
            mine = Sword3(http_client(depositor))
            piece = data[(number - 1) * size : number * size]
            answers.append(mine.segment(url, number, piece).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [204] * 8
    assert sword3.document(url)["expecting"] == []
    assert area.read(Upload.objects.get().stored_as) == data


def test_a_connection_that_wakes_up_late_changes_nothing_that_was_deposited(
    sword3: Sword3, anobject: str, area: Area
) -> None:
    """It opened the region before the upload was complete, and goes on after it was deposited."""
    url = sword3.begin(DATA, len(DATA))["Location"]
    upload = Upload.objects.get()
    with uploads.region(upload, 1) as late:
        late.write(DATA[:10])
        assert sword3.segment(url, 1, DATA).status_code == 204
        assert sword3.refer("POST", anobject, by_reference(url), In_Progress="true").status_code == 200
        # S3 knows no such upload any more; moto fails then.
        with pytest.raises((Sealed, StagingAway)):  # noqa: PT012
            late.write(DATA[10:])
            late.sync()
    assert area.read(upload.stored_as) == DATA


def test_what_an_upload_reserves_is_no_orphan(sword3: Sword3, area: Area) -> None:
    url = sword3.begin(DATA, SEGMENT)["Location"]
    assert sword3.segment(url, 1, piece(1)).status_code == 204
    young = timedelta(seconds=-60)
    assert cleanup.sweep(age=young) == cleanup.Swept()
    Upload.objects.all().delete()
    if isinstance(area, FolderArea):
        assert cleanup.sweep(age=young) == cleanup.Swept(set_aside=1)
    else:
        # The object that was begun, and the segment that waits for its neighbours.
        assert cleanup.sweep(age=young) == cleanup.Swept(abandoned=2)
        assert (area.names(), area.unfinished()) == (set(), 0)


def test_without_room_an_upload_is_refused_at_once(
    sword3: Sword3, area: Area, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not isinstance(area, FolderArea):
        pytest.skip("a bucket says so with the first segment")

    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    before = {path for path in Path(settings.STAGING_ROOT).rglob("*") if path.is_file()}
    monkeypatch.setattr(os, "ftruncate", full)
    assert error(sword3.begin(DATA, SEGMENT)) == (507, "BadRequest")
    assert not Upload.objects.exists()
    assert {path for path in Path(settings.STAGING_ROOT).rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("call", ["pwrite", "fdatasync"])
def test_a_disk_that_fills_up_in_the_middle_costs_the_segment_and_no_more(
    sword3: Sword3, area: Area, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """On file systems that reserve nothing."""
    if not isinstance(area, FolderArea):
        pytest.skip("segments are written to a bucket by requests")

    def full(*args: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    url = sword3.begin(DATA, SEGMENT)["Location"]
    assert sword3.segment(url, 1, piece(1)).status_code == 204
    with monkeypatch.context() as patched:
        patched.setattr(os, call, full)
        response = sword3.segment(url, 2, piece(2))
    assert error(response) == (507, "BadRequest")
    assert int(response["Retry-After"]) > 0
    assert sword3.document(url)["received"] == [1]
    assert sword3.segment(url, 2, piece(2)).status_code == 204


FORBIDDEN_UPLOADS: dict[str, dict[str, Any]] = {
    "upload_sha256_is_hex": {"sha256": "x" * 64},
    "upload_segments_make_the_whole": {"segment_count": 3},
}


@pytest.mark.parametrize("constraint", FORBIDDEN_UPLOADS)
def test_the_database_refuses_uploads_that_make_no_sense(depositor: Client, constraint: str) -> None:
    good = {"size": 100, "segment_size": 60, "segment_count": 2, "sha256": "a" * 64, "stored_as": "x"}
    Upload.objects.create(client=depositor, **good).delete()
    with pytest.raises(IntegrityError, match=constraint):
        Upload.objects.create(client=depositor, **(good | FORBIDDEN_UPLOADS[constraint]))


@pytest.mark.parametrize(
    ("constraint", "segments"),
    [
        ("segment_number_is_unique", [(1, "a" * 64), (1, "b" * 64)]),
        ("segment_numbers_begin_at_one", [(0, "a" * 64)]),
        ("segment_sha256_is_hex", [(1, "x")]),
    ],
)
def test_the_database_refuses_segments_that_make_no_sense(
    depositor: Client, constraint: str, segments: list[tuple[int, str]]
) -> None:
    upload = Upload.objects.create(
        client=depositor, size=100, segment_size=60, segment_count=2, sha256="a" * 64, stored_as="x"
    )
    rows = [UploadSegment(upload=upload, number=number, sha256=sha256) for number, sha256 in segments]
    with pytest.raises(IntegrityError, match=constraint):
        UploadSegment.objects.bulk_create(rows)


def test_the_database_refuses_fetches_in_states_that_there_are_not(depositor: Client) -> None:
    part = Part.objects.create(
        deposit=new_deposit(depositor), kind="pending", name="a", content_type="x", size=0, sha256="a" * 64
    )
    with pytest.raises(IntegrityError, match="fetch_state_is_known"):
        Fetch.objects.create(part=part, url="https://example.org/", state="odd")


def test_no_upload_uses_the_room_that_is_kept_free(sword3: Sword3, area: Area, settings: Any) -> None:
    if not isinstance(area, FolderArea):
        pytest.skip("a bucket says itself when it is full")
    settings.RESERVED_BYTES = 2**60
    assert error(sword3.begin(DATA, SEGMENT)) == (507, "BadRequest")
    assert error(sword3.file("POST", "/3/service/hal/", DATA)) == (507, "BadRequest")
    assert not Upload.objects.exists()
