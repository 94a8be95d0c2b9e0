"""Metadata on what is archived already, and new metadata on a deposit that is done."""

import pytest
from django.test import Client as HttpClient

from archive.identifiers import SWHID
from archive.retrieval import metadata_of
from deposit.models import Client, Collection, Deposit
from tests.deposit.archived.test_archive_view import FILES, deposit_package
from tests.deposit.sword.test_views import ENTRY, field
from tests.support.describing import describe_all
from tests.support.factories import http_client, new_client
from tests.support.samples import atom_entry, make_zip

pytestmark = pytest.mark.django_db(transaction=True)


def reference(target: str) -> bytes:
    return atom_entry(f"<swh:deposit><swh:reference>{target}</swh:reference></swh:deposit>")


def on_object(swhid: str | None) -> bytes:
    return reference(f'<swh:object swhid="{swhid}"/>')


def on_origin(url: str) -> bytes:
    return reference(f'<swh:origin url="{url}"/>')


@pytest.fixture
def done(http: HttpClient) -> Deposit:
    return deposit_package(http, make_zip(FILES))


def test_metadata_on_every_kind_of_own_object_is_done_at_once(http: HttpClient, done: Deposit) -> None:
    content = "swh:1:cnt:ce013625030ba8dba906f756967f9e9ca394464a"
    for swhid in (done.swhid, done.release_swhid, done.snapshot_swhid, content, f"{done.swhid};path=/"):
        response = http.post("/1/hal/", on_object(swhid), content_type=ENTRY)
        assert (response.status_code, field(response, "deposit_status")) == (201, "done")
        deposit = Deposit.objects.latest("id")
        assert (deposit.type, deposit.swhid_context) == ("meta", swhid)
        assert describe_all() == 1
        formats = {m.format for m in metadata_of(SWHID.parse((swhid or "").split(";")[0]))}
        assert "sword-v2-atom-codemeta" in formats


def test_metadata_on_an_origin_has_no_swhid(http: HttpClient, done: Deposit) -> None:
    response = http.post("/1/hal/", on_origin("https://hal.example.org/soft"), content_type=ENTRY)
    assert (response.status_code, field(response, "deposit_status")) == (201, "done")
    deposit = Deposit.objects.latest("id")
    assert (deposit.type, deposit.swhid, deposit.origin_url) == ("meta", None, None)


@pytest.mark.parametrize(
    "document",
    [
        on_object("swh:1:dir:" + "0" * 40),
        on_object("swh:1:rev:" + "1" * 40),
        on_object("swh:1:dir:nonsense"),
        on_object(""),
        on_origin("https://hal.example.org/elsewhere"),
        on_origin(""),
    ],
)
def test_metadata_on_what_is_not_archived_leaves_nothing(http: HttpClient, document: bytes) -> None:
    response = http.post("/1/hal/", document, content_type=ENTRY)
    assert response.status_code == 400
    assert Deposit.objects.count() == 0


def test_metadata_on_a_neighbours_object_is_refused_as_if_it_were_not_there(
    done: Deposit, collection: Collection
) -> None:
    neighbour = http_client(new_client(collection, username="neighbour"))
    assert neighbour.post("/1/hal/", on_object(done.swhid), content_type=ENTRY).status_code == 400
    assert (
        neighbour.post("/1/hal/", on_origin("https://hal.example.org/soft"), content_type=ENTRY).status_code
        == 400
    )


def test_a_reference_excludes_slug_and_package(http: HttpClient, done: Deposit) -> None:
    with_slug = http.post("/1/hal/", on_object(done.swhid), content_type=ENTRY, headers={"Slug": "x"})
    assert with_slug.status_code == 400
    http.post(
        "/1/hal/",
        make_zip(FILES),
        content_type="application/zip",
        headers={"Content-Disposition": "attachment; filename=a.zip", "In-Progress": "true"},
    )
    partial = Deposit.objects.latest("id")
    response = http.post(f"/1/hal/{partial.pk}/metadata/", on_object(done.swhid), content_type=ENTRY)
    assert response.status_code == 400
    partial.refresh_from_db()
    assert (partial.status, partial.parts.count()) == ("partial", 1)


def test_functional_failures_are_all_told_at_once(http: HttpClient, done: Deposit) -> None:
    document = on_object(done.swhid).replace(b"<title>A program</title>", b"<codemeta:nonsense/>")
    response = http.post("/1/hal/", document, content_type=ENTRY)
    assert response.status_code == 400
    assert b"Functional metadata checks failure" in response.content
    assert b"nonsense" in response.content
    assert b"Mandatory fields are missing" in response.content


def test_new_metadata_on_a_done_deposit_needs_its_swhid(http: HttpClient, done: Deposit) -> None:
    url, document = f"/1/hal/{done.pk}/atom/", atom_entry(title="A better title")
    assert http.put(url, document, content_type=ENTRY).status_code == 400
    wrong = http.put(url, document, content_type=ENTRY, headers={"X-Check-SWHID": "swh:1:dir:" + "0" * 40})
    assert wrong.status_code == 400
    before = done.parts.count()
    assert before == 2
    right = http.put(url, document, content_type=ENTRY, headers={"X-Check-SWHID": done.swhid or ""})
    assert right.status_code == 204
    done.refresh_from_db()
    assert (done.status, done.parts.count()) == ("done", 3)
    assert describe_all() == 1
    documents = [m for m in metadata_of(SWHID.parse(done.swhid or "")) if b"A better title" in m.document]
    assert [(m.origin, m.format) for m in documents] == [
        ("https://hal.example.org/soft", "sword-v2-atom-codemeta")
    ]


def test_an_update_with_a_broken_document_is_not_kept(
    http: HttpClient, done: Deposit, depositor: Client
) -> None:
    response = http.put(
        f"/1/hal/{done.pk}/metadata/",
        atom_entry().replace(b"<title>A program</title>", b""),
        content_type=ENTRY,
        headers={"X-Check-SWHID": done.swhid or ""},
    )
    assert response.status_code == 400
    assert done.parts.count() == 2
