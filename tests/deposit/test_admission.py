"""Packages are refused before their body is read when there is no room, and no client crowds others out."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client as HttpClient

from deposit import admission
from deposit.admission import admit
from deposit.models import Client, Collection, Deposit, Part, Status, Upload
from deposit.refusals import Kind, Refusal
from deposit.services import uploads
from deposit.staging import StagingFile, arriving, staging_file
from deposit.sword.body import Body
from deposit.sword.headers import read_headers
from deposit.sword.receiving import receive
from tests.deposit.sword.test_views import field, post_zip
from tests.factories import acting_as, http_client, new_client
from tests.samples import ATOM, make_zip
from tests.spine import in_status, sent

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def root(tmp_path: Path, settings: Any) -> Iterator[Path]:
    settings.STAGING_ROOT = str(tmp_path)
    admission._queue.forget()
    yield tmp_path
    admission._queue.forget()


def free(root: Path) -> int:
    space = os.statvfs(root)
    return space.f_bavail * space.f_frsize


def refused(client: Client, length: int | None = 10) -> tuple[Kind, str]:
    with pytest.raises(Refusal) as caught:
        admit(client, length)
    return caught.value.kind, caught.value.code


class Unread:
    """A body that must not be touched."""

    def read(self, size: int) -> bytes:
        raise AssertionError("the body was read")


# --- Room on the disk ----------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["application/zip", "multipart/form-data; boundary=B"])
def test_a_package_without_room_is_refused_before_its_body_is_read(
    kind: str, depositor: Client, settings: Any, root: Path
) -> None:
    settings.RESERVED_BYTES = free(root) * 2
    meta = {
        "CONTENT_TYPE": kind,
        "CONTENT_LENGTH": "99",
        "HTTP_CONTENT_DISPOSITION": "attachment; filename=x.zip",
    }
    with (
        pytest.raises(Refusal) as caught,
        receive(Body(meta | {"wsgi.input": Unread()}, 99), read_headers(meta), client=depositor),
    ):
        pass
    assert (caught.value.kind, caught.value.code) == (Kind.STORAGE_FULL, "storage.full")


def test_the_client_is_told_to_come_back(http: HttpClient, settings: Any, root: Path) -> None:
    settings.RESERVED_BYTES = free(root) * 2
    response = post_zip(http, make_zip({"a": b"1"}))
    assert (response.status_code, response["Retry-After"]) == (507, "300")
    assert field(response, "summary", ATOM) == "The server has no room for this package at the moment."
    assert not Deposit.objects.exists()


def test_what_others_are_still_to_send_is_counted(depositor: Client, settings: Any, root: Path) -> None:
    settings.RESERVED_BYTES = 0
    half = free(root) // 2
    admit(depositor, half + half // 2)
    with staging_file(limit=2 * half, client=7, promised=half):
        assert refused(depositor, half + half // 2) == (Kind.STORAGE_FULL, "storage.full")
        admit(depositor, half // 2)


def test_no_door_stages_a_package_without_room(settings: Any, root: Path) -> None:
    settings.RESERVED_BYTES = free(root) * 2
    with pytest.raises(Refusal) as caught, staging_file(limit=1):
        pass
    assert caught.value.code == "storage.full"


def test_what_has_arrived_is_not_counted_twice(root: Path) -> None:
    with staging_file(limit=100, client=7, promised=100) as file:
        file.write(b"x" * 60)
        assert list(arriving()) == [(7, 40)]
        file.write(b"x" * 40)
        assert list(arriving()) == [(7, 0)]
        file.finish()
        assert list(arriving()) == []


def test_an_upload_that_died_is_not_waited_for(depositor: Client, settings: Any, root: Path) -> None:
    settings.CLIENT_UPLOADS = 1
    StagingFile(limit=1, client=depositor.pk, promised=10**15).close()
    (left,) = (root / "incoming").iterdir()
    assert refused(depositor)[1] == "client.uploads"
    os.utime(left, (time.time() - 700,) * 2)
    admit(depositor, 10)


# --- Clients among each other --------------------------------------------------------------------------
def test_a_client_sends_so_many_packages_at_once_and_no_more(depositor: Client, settings: Any) -> None:
    settings.CLIENT_UPLOADS = 2
    other = new_client()
    with staging_file(limit=1, client=depositor.pk), staging_file(limit=1, client=depositor.pk):
        assert refused(depositor) == (Kind.TOO_MANY_REQUESTS, "client.uploads")
        admit(other, 10)
    admit(depositor, 10)


def wait_with(client: Client, collection: Collection, status: Status) -> None:
    in_status(status, Deposit.objects.create(client=client, collection=collection))
    admission._queue.forget()


def test_a_client_has_so_many_deposits_waiting_and_no_more(
    depositor: Client, collection: Collection, settings: Any
) -> None:
    settings.CLIENT_WAITING = 2
    other = new_client(collection)
    for status in (Status.DEPOSITED, Status.LOADING):
        admit(depositor, 10)
        wait_with(depositor, collection, status)
    assert refused(depositor) == (Kind.TOO_MANY_REQUESTS, "client.waiting")
    admit(other, 10)
    response = post_zip(http_client(depositor), make_zip({"a": b"1"}))
    assert (response.status_code, response["Retry-After"]) == (429, "30")


def test_when_the_queue_is_full_everybody_waits(
    depositor: Client, collection: Collection, settings: Any
) -> None:
    settings.WAITING = 1
    wait_with(depositor, collection, Status.VERIFIED)
    response = post_zip(http_client(new_client(collection)), make_zip({"a": b"1"}))
    assert (response.status_code, response["Retry-After"]) == (503, "10")
    assert field(response, "summary", ATOM) == "Too many deposits wait to be checked and loaded."
    assert not Part.objects.exists()


def test_what_is_done_does_not_count(depositor: Client, collection: Collection, settings: Any) -> None:
    settings.WAITING = settings.CLIENT_WAITING = 1
    deposit = Deposit.objects.create(
        client=depositor, collection=collection, origin_url="https://hal.example.org/x"
    )
    in_status(Status.DONE, deposit)
    admission._queue.forget()
    admit(depositor, 10)


def test_a_quota_counts_what_is_kept_and_what_comes(depositor: Client, collection: Collection) -> None:
    admit(depositor, 10**6)
    deposit = sent(who=(depositor, collection))
    kept = sum(deposit.parts.values_list("size", flat=True))
    depositor.quota_bytes = kept + 100
    admit(depositor, 100)
    assert refused(depositor, 101) == (Kind.FORBIDDEN, "client.quota")


def test_a_quota_counts_what_is_announced_in_segments(depositor: Client) -> None:
    depositor.quota_bytes = 100
    depositor.save()
    plan = uploads.Plan(size=60, segment_size=60, segment_count=1, sha256="a" * 64)
    uploads.initialise(actor=acting_as(depositor), plan=plan)
    assert refused(depositor, 41) == (Kind.FORBIDDEN, "client.quota")
    admit(depositor, 40)
    with pytest.raises(Refusal, match="Your quota is used up: 60 of 100 bytes"):
        uploads.initialise(actor=acting_as(depositor), plan=plan)
    assert Upload.objects.count() == 1


def test_the_queue_is_asked_once_a_second(depositor: Client, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        for _ in range(20):
            admit(depositor, 10)
