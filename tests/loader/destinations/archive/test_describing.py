"""Metadata that come without a package: answered at once, archived by a worker, and by nobody else."""

import pytest
from django.test import Client as HttpClient

from archive.identifiers import SWHID, ObjectType, origin_id
from archive.models import Pack
from archive.retrieval import metadata_of
from deposit.models import Deposit, WorkItem
from loader.destinations.archive.describing import describe
from tests.deposit.archived.test_archive_view import FILES, deposit_package
from tests.deposit.sword.test_metadata_only import on_object, on_origin
from tests.deposit.sword.test_views import ENTRY
from tests.support.describing import describe_all
from tests.support.factories import http_client, new_client, new_collection
from tests.support.samples import make_zip

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def http(db: None) -> HttpClient:
    return http_client(new_client(new_collection("hal"), username="hal"))


@pytest.fixture
def done(http: HttpClient) -> Deposit:
    return deposit_package(http, make_zip(FILES))


def documents(swhid: str | None) -> list[bytes]:
    return [m.document for m in metadata_of(SWHID.parse(swhid or ""))]


def test_the_request_writes_no_pack_and_the_worker_one(http: HttpClient, done: Deposit) -> None:
    packs, known = Pack.objects.count(), len(documents(done.swhid))
    headers = {"Idempotency-Key": '"described-once"'}
    answers = [
        http.post("/1/hal/", on_object(done.swhid), content_type=ENTRY, headers=headers) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert Pack.objects.count() == packs
    assert WorkItem.objects.filter(kind="describe").count() == 1

    assert describe_all() == 1

    assert Pack.objects.count() == packs + 1
    assert len(documents(done.swhid)) == known + 1
    assert WorkItem.objects.filter(kind="describe").count() == 0


def test_a_message_that_comes_twice_archives_once(http: HttpClient, done: Deposit) -> None:
    http.post("/1/hal/", on_object(done.swhid), content_type=ENTRY)
    part = Deposit.objects.latest("id").parts.get()
    describe(part.pk, worker="test")
    before = documents(done.swhid), Pack.objects.count()
    describe(part.pk, worker="test")
    assert (documents(done.swhid), Pack.objects.count()) == before


def test_the_document_names_its_deposit_and_when_it_came(http: HttpClient, done: Deposit) -> None:
    http.post("/1/hal/", on_origin("https://hal.example.org/soft"), content_type=ENTRY)
    part = Deposit.objects.latest("id").parts.get()
    describe_all()
    origin = SWHID(ObjectType.ORIGIN, origin_id("https://hal.example.org/soft"))
    [about] = [m for m in metadata_of(origin) if m.format == "sword-v2-atom-codemeta"]
    # To the second, as the archive keeps it.
    assert int(about.discovery_date.timestamp()) == int(part.created_at.timestamp())
    assert about.document == bytes(part.document or b"")
