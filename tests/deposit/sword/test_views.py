"""The endpoints below ``/1/``, over Django's test client."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.test import Client as HttpClient
from lxml import etree

from deposit.models import Deposit, Event, Part
from tests.support.samples import ATOM, SD, SWORD, atom_entry, create_origin, make_zip

Response = Any
ENTRY = "application/atom+xml;type=entry"


def staged_files() -> list[Path]:
    root = Path(settings.STAGING_ROOT)
    return [path for path in root.rglob("*") if path.is_file()]


def field(response: Response, name: str, namespace: str = SD) -> str | None:
    return etree.fromstring(response.content).findtext(f"{{{namespace}}}{name}")


def post_zip(http: HttpClient, data: bytes, **headers: str) -> Response:
    return http.post(
        "/1/hal/",
        data,
        content_type="application/zip",
        headers={"Content-Disposition": "attachment; filename=package.zip", **headers},
    )


def test_service_document_lists_the_clients_collections(http: HttpClient) -> None:
    response = http.get("/1/servicedocument/")
    assert response.status_code == 200
    assert response["Content-Type"] == "application/xml"
    root = etree.fromstring(response.content)
    assert root.findtext(f".//{{{SWORD}}}name") == "hal"
    assert root.findtext(f".//{{{SWORD}}}service") == "http://testserver/1/hal/"


def test_binary_deposit_is_stored_as_sent(http: HttpClient) -> None:
    data = make_zip({"a.txt": b"a"})
    response = post_zip(http, data, **{"In-Progress": "true"})
    assert response.status_code == 201
    deposit = Deposit.objects.get()
    assert response["Location"] == f"http://testserver/1/hal/{deposit.pk}/atom/"
    assert field(response, "deposit_status") == "partial"
    assert field(response, "deposit_archive") == "package.zip"
    part = Part.objects.get()
    assert (Path(settings.STAGING_ROOT) / (part.stored_as or "")).read_bytes() == data
    assert [event.name for event in Event.objects.all()] == ["create"]


def test_entry_and_package_in_turn_complete_a_deposit(http: HttpClient) -> None:
    response = http.post(
        "/1/hal/", atom_entry(), content_type=ENTRY, headers={"In-Progress": "true", "Slug": "x"}
    )
    assert response.status_code == 201
    deposit = Deposit.objects.get()
    response = http.post(
        f"/1/hal/{deposit.pk}/media/",
        make_zip({"a": b"1"}),
        content_type="application/zip",
        headers={"Content-Disposition": 'attachment; filename="p.zip"', "In-Progress": "true"},
    )
    assert response.status_code == 201
    package = Part.objects.get(kind="package")
    assert response["Location"] == f"http://testserver/1/hal/{deposit.pk}/media/{package.pk}/"
    response = http.post(
        f"/1/hal/{deposit.pk}/metadata/", b"", content_type="text/plain", headers={"In-Progress": "false"}
    )
    assert response.status_code == 200
    assert field(response, "deposit_status") == "deposited"
    deposit.refresh_from_db()
    assert (deposit.origin_url, deposit.software_version) == ("https://hal.example.org/x", "1")


def multipart(entry: bytes, package: bytes) -> tuple[bytes, str]:
    body = (
        b"--B\r\nContent-Disposition: attachment; name=atom\r\nContent-Type: application/atom+xml\r\n\r\n"
        + entry
        + b"\r\n--B\r\nContent-Disposition: attachment; name=payload; filename=p.zip\r\n"
        + b"Content-Type: application/zip\r\n\r\n"
        + package
        + b"\r\n--B--\r\n"
    )
    return body, "multipart/related; boundary=B; type=application/atom+xml"


def test_multipart_deposit_creates_the_origin_it_names(http: HttpClient) -> None:
    body, kind = multipart(atom_entry(create_origin("https://hal.example.org/soft")), make_zip({"a": b"1"}))
    response = http.post("/1/hal/", body, content_type=kind)
    assert response.status_code == 201
    assert field(response, "deposit_status") == "deposited"
    assert Deposit.objects.get().origin_url == "https://hal.example.org/soft"


def test_a_wrong_checksum_leaves_nothing(http: HttpClient) -> None:
    before = staged_files()
    response = post_zip(http, b"data", **{"Content-MD5": "0" * 32})
    assert response.status_code == 412
    assert (
        etree.fromstring(response.content).get("href")
        == "http://purl.org/net/sword/error/ErrorChecksumMismatch"
    )
    assert Deposit.objects.count() == 0
    assert staged_files() == before


def test_errors_are_documents_everywhere(http: HttpClient, client: HttpClient) -> None:
    cases = [
        (client.get("/1/servicedocument/"), 401),
        (http.get("/1/nothing/here/"), 404),
        (http.get("/1/unknown/"), 404),
        (http.get("/1/hal/999/status/"), 404),
        (http.put("/1/hal/"), 405),
        (http.patch("/1/hal/"), 405),
        (http.post("/1/hal/", b"x", content_type="text/plain"), 415),
        (http.post("/1/hal/", b"<entry", content_type=ENTRY), 400),
        (http.get("/1/hal/?page=9"), 404),
    ]
    for response, status in cases:
        assert response.status_code == status
        root = etree.fromstring(response.content)
        assert root.tag == f"{{{SWORD}}}error"
        assert root.findtext(f"{{{ATOM}}}summary")


def test_pages_lead_to_the_service_document(client: HttpClient) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert (
        b'rel="http://purl.org/net/sword/terms/service-document" href="/1/servicedocument/"' in page.content
    )
