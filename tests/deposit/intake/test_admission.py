"""Packages are refused before their body is read when there is no room, and no client crowds others out."""

import io
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client as HttpClient

from deposit.http.body import Body
from deposit.intake import admission
from deposit.intake.admission import admit
from deposit.models import Client, Collection, Deposit, IdempotencyKey, Part, Status, Upload
from deposit.refusals import Kind, Refusal
from deposit.services import uploads
from deposit.staging.files import StagingFile, arriving
from deposit.staging.storage import staging_file
from deposit.sword.headers import read_headers
from deposit.sword.receiving import receive
from tests.deposit.sword.test_views import field, post_zip
from tests.deposit.sword3.asking import Sword3
from tests.support.factories import acting_as, http_client, new_client
from tests.support.lifecycle_fixtures import in_status, sent
from tests.support.samples import ATOM, atom_entry, make_zip

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


# --- Requests that were answered before -----------------------------------------------------------------
@pytest.fixture(params=["quota", "queue", "waiting", "uploads", "disk"])
def hindrance(request: Any, depositor: Client, settings: Any, root: Path) -> Any:
    """Call it, and no package is let in any more; it gives the status of the refusal."""

    def hinder() -> int:
        match request.param:
            case "quota":
                Client.objects.update(quota_bytes=0)
                return 403
            case "queue":
                settings.WAITING = 0
                return 503
            case "waiting":
                settings.CLIENT_WAITING = 0
                return 429
            case "uploads":
                settings.CLIENT_UPLOADS = 0
                return 429
            case _:
                settings.RESERVED_BYTES = free(root) * 2
                return 507

    return hinder


def multipart(http: HttpClient, data: bytes, **headers: str) -> Any:
    body = (
        b"--B\r\nContent-Disposition: attachment; name=file; filename=p.zip\r\nContent-Type: application/zip\r\n\r\n"
        + data
        + b"\r\n--B\r\nContent-Disposition: attachment; name=atom\r\nContent-Type: application/atom+xml\r\n\r\n"
        + atom_entry()
        + b"\r\n--B--\r\n"
    )
    return http.post("/1/hal/", body, content_type="multipart/form-data; boundary=B", headers=headers)


def by_sword3(http: HttpClient, data: bytes, **headers: str) -> Any:
    return Sword3(http).file("POST", "/3/service/hal/", data, **headers)


@pytest.mark.parametrize("post", [post_zip, multipart, by_sword3])
def test_a_retry_gets_its_kept_answer_whatever_would_hinder_a_new_package(
    post: Any, hindrance: Any, http: HttpClient, root: Path
) -> None:
    package = make_zip({"a": b"1"})
    first = post(http, package, **{"Idempotency-Key": "one"})
    assert first.status_code == 201, first.content
    there = sorted(root.rglob("*"))
    status = hindrance()
    again = post(http, package, **{"Idempotency-Key": "one"})
    assert (again.status_code, again["Location"]) == (201, first["Location"])
    assert post(http, make_zip({"a": b"2"}), **{"Idempotency-Key": "one"}).status_code == 422
    assert post(http, package, **{"Idempotency-Key": "two"}).status_code == status
    assert sorted(root.rglob("*")) == there
    assert Deposit.objects.count() == 1


def test_the_dashboard_tells_the_deposit_of_an_upload_again_whatever_hinders(
    hindrance: Any, http: HttpClient, depositor: Client
) -> None:
    upload = Sword3(http).uploaded(make_zip({"a": b"1"}))
    browser = HttpClient()
    browser.force_login(depositor.user)
    form = {
        "collection": "hal",
        "title": "T",
        "authors": "A",
        "upload": upload.rstrip("/").rpartition("/")[2],
    }
    first = browser.post("/upload/", form)
    assert first.status_code == 302
    hindrance()
    assert browser.post("/upload/", form)["Location"] == first["Location"]
    assert Deposit.objects.count() == 1


def test_a_package_that_is_only_compared_is_held_to_its_limit_and_digest(
    http: HttpClient, settings: Any, root: Path
) -> None:
    package = make_zip({"a": b"1"})
    assert post_zip(http, package, **{"Idempotency-Key": "one"}).status_code == 201
    there = sorted(root.rglob("*"))
    wrong = {"Idempotency-Key": "one", "Content-MD5": "0" * 32}
    assert post_zip(http, package, **wrong).status_code == 412
    settings.MAX_UPLOAD_SIZE = len(package) - 1
    assert post_zip(http, package, **{"Idempotency-Key": "one"}).status_code == 413
    assert sorted(root.rglob("*")) == there


def test_an_answer_that_is_forgotten_while_its_retry_is_read_is_not_made_up(depositor: Client) -> None:
    """What came with the retry was stored nowhere, so it must not become a deposit."""
    http, data = http_client(depositor), make_zip({"a": b"1"})
    post_zip(http, data, **{"Idempotency-Key": "one"})

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            IdempotencyKey.objects.all().delete()
            return super().read(size)

    meta: dict[str, Any] = {
        "wsgi.input": Slow(data),
        "CONTENT_LENGTH": str(len(data)),
        "CONTENT_TYPE": "application/zip",
    }
    headers = {"Content-Disposition": "attachment; filename=package.zip", "Idempotency-Key": "one"}
    again = http.generic("POST", "/1/hal/", headers=headers, **meta)
    assert (again.status_code, again["Retry-After"]) == (503, "10")
    assert Deposit.objects.count() == 1
    assert post_zip(http, data, **{"Idempotency-Key": "one"}).status_code == 201


def test_the_queue_is_asked_once_a_second(depositor: Client, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        for _ in range(20):
            admit(depositor, 10)
