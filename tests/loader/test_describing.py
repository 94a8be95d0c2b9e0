"""Metadata documents that came alone, on their way to the destinations beside the archive."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client as HttpClient

from archive.identifiers import SWHID, ObjectType, origin_id
from archive.retrieval import metadata_of
from deposit.models import Collection, Deposit, WorkItem
from loader.describing import describe_elsewhere
from loader.steps import Transient
from tests.deposit.archived.test_archive_view import FILES, deposit_package
from tests.deposit.sword.test_metadata_only import on_object, on_origin
from tests.deposit.sword.test_views import ENTRY
from tests.support.describing import describe_all, describe_all_elsewhere
from tests.support.factories import http_client, new_client, new_collection
from tests.support.samples import make_zip
from tests.support.software_heritage_storage import Storage, storage_server

pytestmark = pytest.mark.django_db(transaction=True)

KIND = "describe-elsewhere"


@pytest.fixture
def storage(tmp_path: Path, settings: Any) -> Iterator[Storage]:
    settings.STAGING_ROOT = str(tmp_path / "staging")
    settings.ARCHIVE_ROOT = str(tmp_path / "archive")
    with storage_server() as storage:
        settings.SOFTWARE_HERITAGE_STORAGE_URL = storage.url
        yield storage


@pytest.fixture
def http(storage: Storage) -> HttpClient:
    return http_client(new_client(new_collection("hal"), username="hal"))


@pytest.fixture
def done(http: HttpClient) -> Deposit:
    deposit = deposit_package(http, make_zip(FILES))
    Collection.objects.filter(name="hal").update(destinations=["archive", "software_heritage", "export"])
    return deposit


def described(http: HttpClient, document: bytes) -> Deposit:
    assert http.post("/1/hal/", document, content_type=ENTRY).status_code == 201
    assert describe_all() == 1
    return Deposit.objects.latest("id")


def test_a_document_goes_to_the_storage_as_it_is_in_the_archive(
    http: HttpClient, done: Deposit, storage: Storage
) -> None:
    target = f"{done.swhid};origin=https://hal.example.org/soft;path=/"
    deposit = described(http, on_object(target))
    assert describe_all_elsewhere() == 2
    (document,) = [each for each in storage.documents.values() if each["format"] == "sword-v2-atom-codemeta"]
    (archived,) = [
        each for each in metadata_of(SWHID.parse(done.swhid or "")) if each.format == "sword-v2-atom-codemeta"
    ]
    assert document["id"] == archived.id
    assert (document["target"], document["metadata"]) == (done.swhid, archived.document)
    assert (document["origin"], document["path"]) == ("https://hal.example.org/soft", b"/")
    (about,) = [each for each in storage.documents.values() if each["format"] == "xml-deposit-info"]
    assert about["target"] == f"swh:1:emd:{archived.id.hex()}"
    assert f"<deposit_id>{deposit.pk}</deposit_id>".encode() in about["metadata"]
    assert storage.dangling == []
    assert not WorkItem.objects.exists()


def test_a_document_on_an_origin_goes_there(http: HttpClient, done: Deposit, storage: Storage) -> None:
    described(http, on_origin("https://hal.example.org/soft"))
    describe_all_elsewhere()
    target = str(SWHID(ObjectType.ORIGIN, origin_id("https://hal.example.org/soft")))
    assert target in [each["target"] for each in storage.documents.values()]


def test_new_metadata_of_a_done_deposit_go_there(http: HttpClient, done: Deposit, storage: Storage) -> None:
    headers = {"X-Check-SWHID": done.swhid or ""}
    entry = b'<entry xmlns="http://www.w3.org/2005/Atom"><title>New</title><author><name>A</name></author></entry>'
    answer = http.put(f"/1/hal/{done.pk}/atom/", entry, content_type=ENTRY, headers=headers)
    assert answer.status_code == 204
    assert (describe_all(), describe_all_elsewhere()) == (1, 2)
    (document,) = [each for each in storage.documents.values() if each["format"] == "sword-v2-atom-codemeta"]
    assert (document["target"], document["origin"]) == (done.swhid, done.origin_url)


def test_it_is_sent_again_until_it_has_arrived_and_is_there_once(
    http: HttpClient, done: Deposit, storage: Storage
) -> None:
    described(http, on_object(done.swhid))
    key = WorkItem.objects.get(kind=KIND, key__endswith=":software_heritage").key
    # The last answer is lost after the write; then the storage is away.
    for faults in ([200, 200, 503], [500]):
        storage.faults = faults
        with pytest.raises(Transient):
            describe_elsewhere(key, worker="test")
        assert WorkItem.objects.filter(kind=KIND, key=key).exists()
        WorkItem.objects.filter(key=key).update(due_at="2000-01-01T00:00Z")
    storage.lost_answers = ["raw_extrinsic_metadata/add"]
    with pytest.raises(Transient):
        describe_elsewhere(key, worker="test")
    WorkItem.objects.filter(key=key).update(due_at="2000-01-01T00:00Z")
    assert len(storage.documents) == 2
    describe_all_elsewhere()
    describe_elsewhere(key, worker="test")
    assert len(storage.documents) == 2
    assert not WorkItem.objects.exists()


def test_the_archive_does_not_wait_for_the_storage(
    http: HttpClient, done: Deposit, storage: Storage, settings: Any
) -> None:
    settings.SOFTWARE_HERITAGE_STORAGE_URL = "http://127.0.0.1:9"
    described(http, on_object(done.swhid))
    assert "sword-v2-atom-codemeta" in {m.format for m in metadata_of(SWHID.parse(done.swhid or ""))}


def test_a_collection_that_is_only_archived_asks_for_nothing_more(http: HttpClient, done: Deposit) -> None:
    Collection.objects.filter(name="hal").update(destinations=["archive"])
    described(http, on_object(done.swhid))
    assert not WorkItem.objects.exists()
