"""Objects and their components: every verb of the Service-URL, Object-, Metadata-, FileSet- and File-URLs."""

import base64
import hashlib
import io
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client as HttpClient

from checker.checking import check
from deposit.actors import Actor, Channel
from deposit.models import Client, Deposit, Fetch, Part, PartKind
from deposit.refusals import Kind, Refusal
from deposit.services import deposits
from deposit.services.deposits import effective_entry
from deposit.services.parts import Submission
from deposit.staging.files import path_of
from loader.workflow import load
from tests.deposit.sword3.asking import (
    BINARY,
    METADATA,
    SIMPLE_ZIP,
    Sword3,
    by_reference,
    digest,
    error,
)
from tests.support import sword3_schemas
from tests.support.factories import http_client, new_client, new_collection
from tests.support.samples import atom_entry, create_origin, make_zip

ZIP = make_zip({"pkg/a.txt": b"a"})
OTHER = make_zip({"pkg/b.txt": b"b"})
STATE = "http://purl.org/net/sword/3.0/state/"
FILE_STATE = "http://purl.org/net/sword/3.0/filestate/"
TERMS = "http://purl.org/net/sword/3.0/terms/"
ACTIONS = {
    "getMetadata", "getFiles", "appendMetadata", "appendFiles", "replaceMetadata",
    "replaceFiles", "deleteMetadata", "deleteFiles", "deleteObject",
}  # fmt: skip


def fields(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if not name.startswith("@")}


def file_urls(status: dict[str, Any]) -> list[str]:
    return [link["@id"] for link in status["links"] if TERMS + "fileSetFile" in link["rel"]]


def stored(part: Part) -> bytes:
    assert part.stored_as is not None
    return path_of(part.stored_as).read_bytes()


def staged_files() -> set[Path]:
    return {path for path in Path(settings.STAGING_ROOT).rglob("*") if path.is_file()}


# --- Service-URLs ------------------------------------------------------------------------------------------


def test_the_service_document_announces_services_and_rules(sword3: Sword3) -> None:
    new_collection("foreign")
    document = sword3.document("/3/")
    assert (document["@type"], document["version"]) == ("ServiceDocument", "http://purl.org/net/sword/3.0")
    assert (document["@id"], document["root"]) == ("http://testserver/3/", "http://testserver/3/")
    assert [service["@id"] for service in document["services"]] == ["http://testserver/3/service/hal/"]
    assert document["services"][0]["acceptDeposits"] is True
    assert document["staging"] == "http://testserver/3/staging/"
    rules = ("minSegmentSize", "maxSegmentSize", "maxSegments", "maxAssembledSize", "stagingMaxIdle")
    assert [document[rule] for rule in rules] == [1, 5 * 1024**3, 10_000, 100 * 1024**3, 604_800]
    assert "SHA-256" in document["digest"]
    packagings = [
        f"http://purl.org/net/sword/3.0/package/{name}" for name in ("Binary", "SWORDBagIt", "SimpleZip")
    ]
    assert document["acceptPackaging"] == packagings


def test_a_service_has_a_document_of_its_own(sword3: Sword3) -> None:
    document = sword3.document("/3/service/hal/")
    assert (document["@id"], document["services"]) == ("http://testserver/3/service/hal/", [])


def test_clients_find_the_service_by_its_well_known_address(client: HttpClient) -> None:
    response = client.get("/.well-known/swordv3")
    assert (response.status_code, response["Location"]) == (307, "http://testserver/3/")


def test_pages_lead_to_the_service_and_to_their_object(
    sword3: Sword3, anobject: str, depositor: Client
) -> None:
    browser = HttpClient()
    browser.force_login(depositor.user)
    page = browser.get(f"/deposits/{Deposit.objects.get().pk}/").content.decode()
    assert '<link rel="http://purl.org/net/sword/3.0/discovery/Service" href="/3/">' in page
    path = anobject.removeprefix("http://testserver")
    assert f'<link rel="http://purl.org/net/sword/3.0/discovery/Object" href="{path}">' in page


def test_a_browser_uploads_with_its_session_and_guards_against_forgery(depositor: Client) -> None:
    browser = HttpClient(enforce_csrf_checks=True)
    browser.force_login(depositor.user)
    assert error(Sword3(browser).begin(ZIP, 50)) == (403, "Forbidden")
    browser.get("/upload/")
    token = browser.cookies["csrftoken"].value
    forged = f"segment-init; size=1; segment_count=1; segment_size=1; digest={digest(b'x')}"
    response = Sword3(browser).send("POST", "/3/staging/", Content_Disposition=forged, X_CSRFToken=token)
    assert response.status_code == 201
    url = response["Location"]
    assert Sword3(browser).segment(url, 1, b"x", X_CSRFToken=token).status_code == 204
    assert Sword3(browser).document(url)["expecting"] == []


# --- Creating ----------------------------------------------------------------------------------------------


def test_metadata_create_an_object(sword3: Sword3) -> None:
    response = sword3.metadata("POST", "/3/service/hal/", In_Progress="true")
    deposit = Deposit.objects.get()
    assert response.status_code == 201
    assert response["Location"] == f"http://testserver/3/object/{deposit.pk}/"
    assert response["ETag"] == response.json()["eTag"]
    assert response.json() == sword3.document(response["Location"])
    assert (deposit.status, deposit.title) == ("partial", "A program")


def test_the_status_document_has_all_that_it_must(sword3: Sword3, anobject: str) -> None:
    status = sword3.document(anobject)
    assert (status["@type"], status["@id"]) == ("Status", anobject)
    assert (status["metadata"]["@id"], status["fileSet"]["@id"]) == (
        anobject + "metadata/",
        anobject + "files/",
    )
    assert {status["eTag"], status["metadata"]["eTag"], status["fileSet"]["eTag"]} == {status["eTag"]}
    assert status["service"] == "http://testserver/3/service/hal/"
    assert status["state"][0]["@id"] == STATE + "inProgress"
    assert set(status["actions"]) == ACTIONS
    assert all(status["actions"].values())


def test_an_object_without_in_progress_is_complete(sword3: Sword3) -> None:
    response = sword3.file("POST", "/3/service/hal/", ZIP)
    assert response.status_code == 201
    assert Deposit.objects.get().status == "deposited"
    assert response.json()["state"][0]["@id"] == STATE + "inWorkflow"
    assert response.json()["actions"]["appendFiles"] is False


def test_a_file_creates_an_object_that_has_it_as_original_deposit(sword3: Sword3) -> None:
    response = sword3.file("POST", "/3/service/hal/", ZIP, In_Progress="true", Slug="x")
    part = Part.objects.get()
    (link,) = [link for link in response.json()["links"] if "packaging" in link]
    assert link["rel"] == [TERMS + "originalDeposit", TERMS + "fileSetFile"]
    assert (link["packaging"], link["status"], link["depositedBy"]) == (
        SIMPLE_ZIP,
        FILE_STATE + "pending",
        "hal",
    )
    assert stored(part) == ZIP
    got = sword3.get(link["@id"])
    assert (b"".join(got), got["Packaging"], got["ETag"]) == (ZIP, SIMPLE_ZIP, response["ETag"])
    assert Deposit.objects.get().external_id == "x"


def test_a_file_without_packaging_is_a_binary_and_is_not_unpacked(sword3: Sword3) -> None:
    response = sword3.file("POST", "/3/service/hal/", b"%PDF", "paper.pdf", Packaging="", In_Progress="true")
    assert response.json()["links"][0]["packaging"] == BINARY
    assert Part.objects.get().name == "paper.pdf"


def test_an_empty_body_creates_an_object_to_be_filled(sword3: Sword3) -> None:
    response = sword3.send("POST", "/3/service/hal/", In_Progress="true")
    assert (response.status_code, response.json()["links"][1:]) == (201, [])


def test_metadata_and_files_are_created_together(sword3: Sword3) -> None:
    files = {"@type": "ByReference", "byReferenceFiles": [by_reference(sword3.uploaded(ZIP))]}
    body = {"metadata": METADATA, "by-reference": files}
    response = sword3.json("POST", "/3/service/hal/", body, "attachment; metadata=true; by-reference=true")
    assert response.status_code == 201
    deposit = Deposit.objects.get()
    assert (deposit.title, deposit.package_name, deposit.status) == ("A program", "package.zip", "deposited")


def test_an_atom_entry_is_metadata_too_and_may_name_its_origin(sword3: Sword3) -> None:
    document = atom_entry(create_origin("https://hal.example.org/soft"))
    response = sword3.send(
        "POST",
        "/3/service/hal/",
        document,
        Content_Type="application/atom+xml;type=entry",
        Content_Disposition="attachment; metadata=true",
        Metadata_Format="http://www.w3.org/2005/Atom",
        In_Progress="true",
    )
    assert response.status_code == 201, response.content
    assert Deposit.objects.get().origin_url == "https://hal.example.org/soft"
    assert sword3.get(response["Location"] + "metadata/entry/").content == document
    assert fields(sword3.document(response["Location"] + "metadata/")) == {
        "dc:title": "A program",
        "dc:creator": "Ada Lovelace",
    }


# --- Adding ------------------------------------------------------------------------------------------------


def test_added_metadata_extend_what_there_is_and_overwrite_nothing(sword3: Sword3, anobject: str) -> None:
    more = {"@type": "Metadata", "dc:title": "Another", "dc:contributor": ["B", "C"], "x:own": {"deep": [1]}}
    response = sword3.metadata("POST", anobject, more, In_Progress="true")
    assert response.status_code == 200
    assert response.json()["@type"] == "Status"
    expected = fields(METADATA) | {"dc:contributor": "B; C", "x:own": {"deep": [1]}}
    assert fields(sword3.document(anobject + "metadata/")) == expected


@pytest.mark.skipif(not sword3_schemas.available(), reason="DEPOSIT_TEST_DATA names no folder of test data")
def test_metadata_keep_to_the_schema_whatever_was_sent_in_them(sword3: Sword3) -> None:
    odd = {
        "@type": "Metadata", "dc:title": ["One", "Two"], "dcterms:extent": 3, "dc:x.y": {"deep": []}, "x:own": [1],
    }  # fmt: skip
    url = str(sword3.metadata("POST", "/3/service/hal/", odd, In_Progress="true")["Location"])
    document = sword3.document(url + "metadata/")
    assert sword3_schemas.faults(document) == []
    assert fields(document) == {
        "dc:title": "One; Two", "dcterms:extent": "3", "dc:x.y": '{"deep": []}', "x:own": [1],
    }  # fmt: skip
    assert sword3_schemas.faults({**document, "dc:title": ["One", "Two"]}) != []


def test_several_creators_are_told_in_one_string_and_taken_apart_again(sword3: Sword3) -> None:
    creators = {"@type": "Metadata", "dc:title": "T", "dc:creator": ["Lovelace, Ada", "Babbage, Charles"]}
    url = str(sword3.metadata("POST", "/3/service/hal/", creators, In_Progress="true")["Location"])
    told = sword3.document(url + "metadata/")
    assert told["dc:creator"] == "Lovelace, Ada; Babbage, Charles"
    # What a client was told it can send back, and nothing is lost by that.
    assert sword3.metadata("PUT", url + "metadata/", told).status_code == 204
    assert sword3.document(url + "metadata/") == told
    entry = effective_entry(Deposit.objects.get())
    assert entry is not None
    assert [author.name for author in entry.authors] == ["Lovelace, Ada", "Babbage, Charles"]


def test_added_files_are_told_by_their_file_url(sword3: Sword3, anobject: str) -> None:
    first = sword3.file("POST", anobject, ZIP, In_Progress="true")
    second = sword3.file("POST", anobject, OTHER, "more.zip", In_Progress="true")
    assert (first.status_code, second.status_code) == (200, 200)
    assert file_urls(second.json()) == [first["Location"], second["Location"]]
    assert b"".join(sword3.get(second["Location"])) == OTHER


def test_an_object_is_completed_by_an_empty_body(sword3: Sword3, anobject: str) -> None:
    sword3.file("POST", anobject, ZIP, In_Progress="true")
    response = sword3.send("POST", anobject, In_Progress="false")
    assert (response.status_code, response.content) == (204, b"")
    assert Deposit.objects.get().status == "deposited"
    assert error(sword3.file("POST", anobject, OTHER)) == (405, "MethodNotAllowed")


def test_an_object_made_through_one_face_is_right_through_the_other(
    sword3: Sword3, http: HttpClient, anobject: str
) -> None:
    sword3.file("POST", anobject, ZIP)
    deposit = Deposit.objects.get()
    status = http.get(f"/1/hal/{deposit.pk}/status/", headers={"Accept": "application/json"}).json()
    assert status["deposit_status"] == "deposited"
    receipt = http.get(f"/1/hal/{deposit.pk}/atom/")
    assert b"It computes." in receipt.content
    check(deposit.pk, worker="test")
    load(deposit.pk, worker="test")
    document = sword3.document(anobject)
    assert document["state"][0]["@id"] == STATE + "ingested"
    assert document["links"][0]["status"] == FILE_STATE + "ingested"
    deposit.refresh_from_db()
    assert (deposit.swhid or "") in document["state"][0]["description"]


# --- Replacing ---------------------------------------------------------------------------------------------


def test_a_file_replaces_all_files_and_all_metadata_of_an_object(sword3: Sword3, anobject: str) -> None:
    sword3.file("POST", anobject, ZIP, In_Progress="true")
    response = sword3.file("PUT", anobject, OTHER, "other.zip", In_Progress="true")
    assert response.status_code == 200
    assert [stored(part) for part in Part.objects.all()] == [OTHER]
    assert fields(sword3.document(anobject + "metadata/")) == {}


def test_metadata_replace_all_files_and_all_metadata_of_an_object(sword3: Sword3, anobject: str) -> None:
    sword3.file("POST", anobject, ZIP, In_Progress="true")
    response = sword3.metadata("PUT", anobject, {"dc:title": "New"}, In_Progress="true")
    assert (response.status_code, file_urls(response.json())) == (200, [])
    assert fields(sword3.document(anobject + "metadata/")) == {"dc:title": "New"}


def test_metadata_and_files_replace_an_object(sword3: Sword3, anobject: str) -> None:
    sword3.file("POST", anobject, ZIP, In_Progress="true")
    body = {
        "metadata": {"dc:title": "New"},
        "by-reference": {"byReferenceFiles": [by_reference(sword3.uploaded(OTHER))]},
    }
    disposition = "attachment; metadata=true; by-reference=true"
    response = sword3.json("PUT", anobject, body, disposition, In_Progress="true")
    assert response.status_code == 200
    assert [stored(part) for part in Part.objects.filter(kind="package")] == [OTHER]
    assert fields(sword3.document(anobject + "metadata/")) == {"dc:title": "New"}


def test_metadata_are_replaced_on_their_own(sword3: Sword3, anobject: str) -> None:
    sword3.file("POST", anobject, ZIP, In_Progress="true")
    response = sword3.metadata("PUT", anobject + "metadata/", {"dc:title": "New"})
    assert (response.status_code, Deposit.objects.get().status) == (204, "partial")
    assert fields(sword3.document(anobject + "metadata/")) == {"dc:title": "New"}
    assert len(file_urls(sword3.document(anobject))) == 1


@pytest.mark.parametrize("referred", [False, True])
def test_the_file_set_is_replaced_by_one_file(sword3: Sword3, anobject: str, referred: bool) -> None:
    for name in ("a.zip", "b.zip"):
        sword3.file("POST", anobject, ZIP, name, In_Progress="true")
    url = anobject + "files/"
    if referred:
        response = sword3.refer("PUT", url, by_reference(sword3.uploaded(OTHER)))
    else:
        response = sword3.file("PUT", url, OTHER)
    assert response.status_code == 204
    assert [stored(part) for part in Part.objects.filter(kind="package")] == [OTHER]
    assert fields(sword3.document(anobject + "metadata/")) == fields(METADATA)


@pytest.mark.parametrize("referred", [False, True])
def test_one_file_is_replaced_and_the_others_stay(sword3: Sword3, anobject: str, referred: bool) -> None:
    first = sword3.file("POST", anobject, ZIP, "a.zip", In_Progress="true")["Location"]
    sword3.file("POST", anobject, ZIP, "b.zip", In_Progress="true")
    if referred:
        response = sword3.refer("PUT", first, by_reference(sword3.uploaded(OTHER), "c.zip"))
    else:
        response = sword3.file("PUT", first, OTHER, "c.zip")
    assert response.status_code == 204
    names = {part.name: stored(part) for part in Part.objects.filter(kind="package").order_by("id")}
    assert names == {"c.zip": OTHER, "b.zip": ZIP}
    assert first in file_urls(sword3.document(anobject))
    assert sword3.get(first).getvalue() == OTHER
    assert sword3.file("PUT", first, ZIP, "d.zip").status_code == 204
    assert sword3.get(first).getvalue() == ZIP
    two = [by_reference("https://example.org/1"), by_reference("https://example.org/2")]
    assert error(sword3.refer("PUT", file_urls(sword3.document(anobject))[0], *two))[0] in (400, 412)


def test_a_file_still_to_be_fetched_is_replaced_at_its_address(
    sword3: Sword3, anobject: str, settings: Any
) -> None:
    settings.BY_REFERENCE_HOSTS = ["files.example.org"]
    pending = by_reference("https://files.example.org/a.zip", digest=digest(ZIP))
    sword3.refer("POST", anobject, pending, In_Progress="true")
    [url] = file_urls(sword3.document(anobject))
    assert sword3.refer("PUT", url, pending).status_code == 202
    assert sword3.file("PUT", url, OTHER).status_code == 204
    assert sword3.get(url).getvalue() == OTHER
    assert not Fetch.objects.exists()


def test_a_file_that_was_removed_meanwhile_is_not_put_back(sword3: Sword3, anobject: str) -> None:
    sword3.file("POST", anobject, ZIP, "a.zip", In_Progress="true")
    part = Part.objects.get(kind="package")
    actor = Actor(user=part.deposit.client.user, channel=Channel.SWORD)
    submission = Submission(entry=None)
    sword3.send("DELETE", file_urls(sword3.document(anobject))[0])
    with pytest.raises(Refusal) as refused:
        deposits.replace(
            actor=actor,
            deposit=part.deposit,
            submission=submission,
            in_progress=True,
            kinds=(PartKind.PACKAGE,),
            only=part.pk,
        )
    assert refused.value.kind is Kind.NOT_FOUND


def test_a_file_is_not_replaced_by_two(sword3: Sword3, anobject: str) -> None:
    url = sword3.file("POST", anobject, ZIP, In_Progress="true")["Location"]
    two = [by_reference(sword3.uploaded(OTHER)), by_reference(sword3.uploaded(OTHER))]
    assert error(sword3.refer("PUT", url, *two)) == (400, "BadRequest")


# --- Removing ----------------------------------------------------------------------------------------------


def test_components_and_objects_are_deleted(
    sword3: Sword3, anobject: str, django_capture_on_commit_callbacks: Any
) -> None:
    before = staged_files()
    one = sword3.file("POST", anobject, ZIP, In_Progress="true")["Location"]
    sword3.file("POST", anobject, ZIP, In_Progress="true")
    with django_capture_on_commit_callbacks(execute=True):
        assert sword3.send("DELETE", one).status_code == 204
        assert error(sword3.get(one)) == (404, "NotFound")
        assert len(file_urls(sword3.document(anobject))) == 1
        assert sword3.send("DELETE", anobject + "files/").status_code == 204
        assert file_urls(sword3.document(anobject)) == []
        assert sword3.send("DELETE", anobject + "metadata/").status_code == 204
        assert fields(sword3.document(anobject + "metadata/")) == {}
        assert sword3.send("DELETE", anobject).status_code == 204
    assert error(sword3.get(anobject)) == (404, "NotFound")
    assert staged_files() == before


# --- Concurrency -------------------------------------------------------------------------------------------


def test_a_change_that_knows_an_earlier_state_is_refused(sword3: Sword3, anobject: str) -> None:
    etag = sword3.get(anobject)["ETag"]
    changed = sword3.file("POST", anobject, ZIP, In_Progress="true", If_Match=etag)
    assert changed.status_code == 200
    assert changed["ETag"] != etag
    for method, url in (("POST", anobject), ("PUT", anobject), ("PUT", anobject + "files/")):
        response = sword3.file(method, url, OTHER, If_Match=etag)
        assert error(response) == (412, "ETagNotMatched")
    assert error(sword3.send("DELETE", anobject, If_Match=etag)) == (412, "ETagNotMatched")
    now = changed["ETag"].strip('"')
    assert sword3.metadata("PUT", anobject + "metadata/", If_Match=now).status_code == 204


def test_every_resource_of_an_object_has_its_etag(sword3: Sword3, anobject: str) -> None:
    url = sword3.file("POST", anobject, ZIP, In_Progress="true")["Location"]
    etag = sword3.document(anobject)["eTag"]
    assert [sword3.get(each)["ETag"] for each in (anobject, anobject + "metadata/", url)] == [etag] * 3
    replaced = sword3.file("PUT", url, OTHER)
    assert replaced["ETag"] == sword3.document(anobject)["eTag"] != etag


def test_if_match_can_be_demanded(sword3: Sword3, anobject: str, settings: Any) -> None:
    settings.REQUIRE_IF_MATCH = True
    assert error(sword3.file("POST", anobject, ZIP)) == (412, "ETagRequired")
    etag = sword3.document(anobject)["eTag"]
    assert sword3.file("POST", anobject, ZIP, If_Match=etag).status_code == 200


# --- Errors ------------------------------------------------------------------------------------------------


def test_refusals_have_the_types_of_the_specification(
    sword3: Sword3, anobject: str, client: HttpClient
) -> None:
    service = "/3/service/hal/"
    elsewhere = by_reference("https://example.org/x", digest=digest(b""))
    cases = [
        (Sword3(client).get("/3/"), 401, "AuthenticationRequired"),
        (sword3.get("/3/service/unknown/"), 404, "NotFound"),
        (sword3.get("/3/object/999999/"), 404, "NotFound"),
        (sword3.get("/3/nothing"), 404, "NotFound"),
        (sword3.send("PATCH", anobject), 405, "MethodNotAllowed"),
        (sword3.send("POST", "/3/"), 405, "MethodNotAllowed"),
        (sword3.file("POST", anobject + "metadata/", ZIP), 405, "MethodNotAllowed"),
        (sword3.file("PUT", anobject + "metadata/", ZIP), 400, "BadRequest"),
        (sword3.file("POST", service, ZIP, Digest=digest(b"other")), 412, "DigestMismatch"),
        (sword3.file("POST", service, ZIP, Digest=""), 400, "BadRequest"),
        (sword3.file("POST", service, ZIP, Content_Disposition=""), 400, "BadRequest"),
        (sword3.file("POST", service, ZIP, Packaging="http://x.org"), 415, "PackagingFormatNotAcceptable"),
        (sword3.file("POST", service, ZIP, On_Behalf_Of="ada"), 412, "OnBehalfOfNotAllowed"),
        (
            sword3.metadata("POST", service, Metadata_Format="http://x.org"),
            415,
            "MetadataFormatNotAcceptable",
        ),
        (sword3.metadata("POST", service, Content_Type="text/plain"), 415, "ContentTypeNotAcceptable"),
        (sword3.metadata("POST", service, Content_Type="application/xml"), 415, "FormatHeaderMismatch"),
        (sword3.refer("POST", service, elsewhere), 412, "ByReferenceNotAllowed"),
        (
            sword3.refer("POST", service, elsewhere | {"contentLength": 10**12}),
            400,
            "ByReferenceFileSizeExceeded",
        ),
        (sword3.refer("POST", service), 400, "BadRequest"),
    ]
    assert [error(response) for response, _, _ in cases] == [(status, kind) for _, status, kind in cases]


@pytest.mark.parametrize("body", [b"{", b"[" * 99999, b"[1]", b'"x"', b"\xff", b'{"a": NaN}', b"9" * 9999])
def test_a_body_that_is_no_json_object_is_malformed(sword3: Sword3, body: bytes) -> None:
    response = sword3.send(
        "POST",
        "/3/service/hal/",
        body,
        Content_Type="application/json",
        Content_Disposition="attachment; metadata=true",
    )
    assert error(response) == (400, "ContentMalformed")


def test_wrong_credentials_are_forbidden(client: HttpClient, depositor: Client) -> None:
    response = client.get("/3/", headers={"Authorization": "Basic aGFsOndyb25n"})
    assert error(response) == (403, "AuthenticationFailed")


def test_a_refused_request_leaves_nothing(sword3: Sword3) -> None:
    before = staged_files()
    assert error(sword3.file("POST", "/3/service/hal/", ZIP, Digest=digest(b"x"))) == (412, "DigestMismatch")
    assert (Deposit.objects.count(), staged_files()) == (0, before)


def test_the_body_is_as_long_as_its_content_length(sword3: Sword3) -> None:
    cut: dict[str, Any] = {"CONTENT_LENGTH": str(len(ZIP) + 1), "wsgi.input": io.BytesIO(ZIP)}
    response = sword3.http.generic(
        "POST",
        "/3/service/hal/",
        ZIP,
        content_type="application/zip",
        headers={"Content-Disposition": "attachment; filename=a.zip", "Digest": digest(ZIP)},
        **cut,
    )
    assert error(response) == (400, "ContentMalformed")
    assert Deposit.objects.count() == 0


def test_a_file_over_the_limit_is_refused_before_its_body(sword3: Sword3, settings: Any) -> None:
    settings.MAX_UPLOAD_SIZE = len(ZIP) - 1
    assert error(sword3.file("POST", "/3/service/hal/", ZIP)) == (413, "MaxUploadSizeExceeded")


@pytest.mark.parametrize("kind", ["hex", "base64 of hex", "python bytes"])
def test_digests_are_read_as_clients_write_them(sword3: Sword3, kind: str) -> None:
    raw = hashlib.sha256(ZIP)
    text = {
        "hex": raw.hexdigest(),
        "base64 of hex": base64.b64encode(raw.hexdigest().encode()).decode(),
        "python bytes": str(base64.b64encode(raw.digest())),
    }[kind]
    assert sword3.file("POST", "/3/service/hal/", ZIP, Digest=f"SHA-256={text}, UNIXsum=1").status_code == 201


def test_foreign_objects_do_not_exist(sword3: Sword3, anobject: str) -> None:
    stranger = Sword3(http_client(new_client(new_collection("other"))))
    for method in ("GET", "POST", "PUT", "DELETE"):
        assert error(stranger.send(method, anobject, b"x" * (method in ("POST", "PUT")))) == (404, "NotFound")
    assert error(stranger.get("/3/service/hal/")) == (404, "NotFound")


def test_a_repeated_post_is_done_once(sword3: Sword3) -> None:
    first = sword3.file("POST", "/3/service/hal/", ZIP, Idempotency_Key="k1")
    again = sword3.file("POST", "/3/service/hal/", ZIP, Idempotency_Key="k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert (again["Location"], again["Idempotency-Replayed"]) == (first["Location"], "true")
    assert Deposit.objects.count() == 1
