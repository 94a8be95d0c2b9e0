"""What swh-deposit's and SWORD 2 clients count on, request by request: status, text, and nothing left behind."""

import base64
import hashlib
import io
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client as HttpClient
from lxml import etree

from checker.checking import check
from deposit.models import Client, Collection, Deposit, Event, Part
from tests.deposit.sword.test_views import ENTRY, Response, field, multipart
from tests.interop import swordapp_php
from tests.support.factories import basic, http_client, new_client, new_collection
from tests.support.samples import ATOM, SD, SWORD, atom_entry, create_origin, make_tar, make_zip

pytestmark = pytest.mark.django_db

ZIP = make_zip({"a.txt": b"a\n"})
MD5, SHA256 = hashlib.md5(ZIP), hashlib.sha256(ZIP)
SWHID = "swh:1:dir:" + "0" * 40


def post(
    http: HttpClient, data: bytes = ZIP, kind: str = "application/zip", headers: dict[str, str] | None = None
) -> Response:
    wanted = {"Content-Disposition": "attachment; filename=a.zip", "In-Progress": "true", **(headers or {})}
    return http.post("/1/hal/", data, content_type=kind, headers={k: v for k, v in wanted.items() if v})


def error(response: Response) -> tuple[int, str, str]:
    """(status, error IRI's last part, summary)."""
    root = etree.fromstring(response.content)
    assert root.tag == f"{{{SWORD}}}error"
    assert root.findtext(f"{{{ATOM}}}title")
    assert root.findtext(f"{{{ATOM}}}updated")
    assert root.findtext(f"{{{SWORD}}}treatment") == "processing failed"
    summary = root.findtext(f"{{{ATOM}}}summary") or ""
    return response.status_code, (root.get("href") or "").rpartition("/")[2], summary


def staged() -> int:
    return sum(path.is_file() for path in Path(settings.STAGING_ROOT).rglob("*"))


def parts_body(*parts: tuple[str, bytes], boundary: bytes = b"B") -> bytes:
    pieces = [
        b"--%s\r\nContent-Disposition: form-data; name=p%d; filename=f%d\r\nContent-Type: %s\r\n\r\n%s\r\n"
        % (boundary, number, number, kind.encode(), data)
        for number, (kind, data) in enumerate(parts)
    ]
    return b"".join(pieces) + b"--%s--\r\n" % boundary


FORM = "multipart/form-data; boundary=B"
ATOM_PART = ("application/atom+xml", atom_entry())
ZIP_PART = ("application/zip", ZIP)
REFERENCE = f'<swh:deposit><swh:reference><swh:object swhid="{SWHID}"/></swh:reference></swh:deposit>'

Case = tuple[str, Callable[[HttpClient], Response], int, str]
REFUSED: list[Case] = [
    ("no media type", lambda h: h.post("/1/hal/", b"x", content_type=""), 415, "ErrorContent"),
    ("text", lambda h: h.post("/1/hal/", b"x", content_type="text/plain"), 415, "ErrorContent"),
    ("plain xml", lambda h: post(h, atom_entry(), "application/xml"), 415, "ErrorContent"),
    ("a feed", lambda h: post(h, atom_entry(), "application/atom+xml;type=feed"), 415, "ErrorContent"),
    (
        "a service document",
        lambda h: post(h, atom_entry(), 'application/atom+xml; type="Service"'),
        415,
        "ErrorContent",
    ),
    ("json", lambda h: post(h, ZIP, "application/json"), 415, "ErrorContent"),
    ("an image", lambda h: post(h, ZIP, "image/png"), 415, "ErrorContent"),
    ("pdf", lambda h: post(h, ZIP, "application/pdf"), 415, "ErrorContent"),
    ("a form", lambda h: post(h, ZIP, "application/x-www-form-urlencoded"), 415, "ErrorContent"),
    (
        "a feed in parts",
        lambda h: post(h, parts_body(("application/atom+xml;type=feed", atom_entry()), ZIP_PART), FORM),
        415,
        "ErrorContent",
    ),
    ("text xml", lambda h: post(h, atom_entry(), "text/xml"), 415, "ErrorContent"),
    ("empty package", lambda h: post(h, b""), 400, "ErrorBadRequest"),
    ("no disposition", lambda h: post(h, headers={"Content-Disposition": ""}), 400, "ErrorBadRequest"),
    (
        "no file name",
        lambda h: post(h, headers={"Content-Disposition": "attachment"}),
        400,
        "ErrorBadRequest",
    ),
    (
        "name of dots",
        lambda h: post(h, headers={"Content-Disposition": "x; filename=.."}),
        400,
        "ErrorBadRequest",
    ),
    (
        "name of backslashes",
        lambda h: post(h, headers={"Content-Disposition": r'x; filename="..\\.."'}),
        400,
        "ErrorBadRequest",
    ),
    ("wrong md5", lambda h: post(h, headers={"Content-MD5": "0" * 32}), 412, "ErrorChecksumMismatch"),
    (
        "wrong base64 md5",
        lambda h: post(h, headers={"Content-MD5": base64.b64encode(b"0" * 16).decode()}),
        412,
        "ErrorChecksumMismatch",
    ),
    ("rubbish md5", lambda h: post(h, headers={"Content-MD5": "rubbish"}), 400, "ErrorBadRequest"),
    (
        "wrong digest",
        lambda h: post(h, headers={"Digest": "SHA-256=" + base64.b64encode(b"0" * 32).decode()}),
        412,
        "ErrorChecksumMismatch",
    ),
    (
        "wrong content digest",
        lambda h: post(h, headers={"Content-Digest": f"sha-256=:{base64.b64encode(b'0' * 32).decode()}:"}),
        412,
        "ErrorChecksumMismatch",
    ),
    (
        "unknown packaging",
        lambda h: post(h, headers={"Packaging": "http://example.org/METS"}),
        415,
        "ErrorContent",
    ),
    ("neither true nor false", lambda h: post(h, headers={"In-Progress": "perhaps"}), 400, "ErrorBadRequest"),
    ("slug that climbs", lambda h: post(h, headers={"Slug": "../../x"}), 400, "ErrorBadRequest"),
    ("slug that is no UTF-8", lambda h: post(h, headers={"Slug": "%ff"}), 400, "ErrorBadRequest"),
    ("empty entry", lambda h: post(h, b"", ENTRY), 400, "ErrorBadRequest"),
    (
        "childless entry",
        lambda h: post(h, f'<entry xmlns="{ATOM}"/>'.encode(), ENTRY),
        400,
        "ErrorBadRequest",
    ),
    ("malformed entry", lambda h: post(h, b"<entry", ENTRY), 400, "ErrorBadRequest"),
    (
        "entities",
        lambda h: post(h, b"<!DOCTYPE e [<!ENTITY a 'b'>]><e>&a;</e>", ENTRY),
        400,
        "ErrorBadRequest",
    ),
    (
        "origin elsewhere",
        lambda h: post(h, atom_entry(create_origin("https://evil.example.org/x")), ENTRY),
        403,
        "ErrorForbidden",
    ),
    (
        "origin by user name",
        lambda h: post(h, atom_entry(create_origin("https://hal.example.org@evil.org/x")), ENTRY),
        403,
        "ErrorForbidden",
    ),
    ("empty origin", lambda h: post(h, atom_entry(create_origin("")), ENTRY), 400, "ErrorBadRequest"),
    (
        "origin with dots",
        lambda h: post(h, atom_entry(create_origin("https://hal.example.org/../x")), ENTRY),
        400,
        "ErrorBadRequest",
    ),
    (
        "nothing to add to",
        lambda h: post(
            h,
            atom_entry(create_origin("https://hal.example.org/x").replace("create_origin", "add_to_origin")),
            ENTRY,
        ),
        404,
        "ErrorNotFound",
    ),
    ("reference to nothing", lambda h: post(h, atom_entry(REFERENCE), ENTRY), 400, "ErrorBadRequest"),
    ("no boundary", lambda h: post(h, b"x", "multipart/form-data"), 400, "ErrorBadRequest"),
    ("not multipart", lambda h: post(h, b"x", FORM), 400, "ErrorBadRequest"),
    ("cut multipart", lambda h: post(h, parts_body(ATOM_PART, ZIP_PART)[:-20], FORM), 400, "ErrorBadRequest"),
    ("one part", lambda h: post(h, parts_body(ZIP_PART), FORM), 415, "ErrorContent"),
    ("two archives", lambda h: post(h, parts_body(ZIP_PART, ZIP_PART), FORM), 415, "ErrorContent"),
    ("two entries", lambda h: post(h, parts_body(ATOM_PART, ATOM_PART), FORM), 415, "ErrorContent"),
    (
        "three parts",
        lambda h: post(h, parts_body(ATOM_PART, ZIP_PART, ("a/b", b"")), FORM),
        415,
        "ErrorContent",
    ),
    ("no archive", lambda h: post(h, parts_body(ATOM_PART, ("a/b", b"")), FORM), 400, "ErrorBadRequest"),
    ("no entry", lambda h: post(h, parts_body(ZIP_PART, ("a/b", b"")), FORM), 400, "ErrorBadRequest"),
    (
        "malformed entry in parts",
        lambda h: post(h, parts_body((ATOM_PART[0], b"<x"), ZIP_PART), FORM),
        400,
        "ErrorBadRequest",
    ),
    (
        "childless entry in parts",
        lambda h: post(h, parts_body((ATOM_PART[0], f'<entry xmlns="{ATOM}"/>'.encode()), ZIP_PART), FORM),
        400,
        "ErrorBadRequest",
    ),
    (
        "reference in parts",
        lambda h: post(h, parts_body((ATOM_PART[0], atom_entry(REFERENCE)), ZIP_PART), FORM),
        400,
        "ErrorBadRequest",
    ),
    (
        "empty archive in parts",
        lambda h: post(h, parts_body(ATOM_PART, ("application/zip", b"")), FORM),
        400,
        "ErrorBadRequest",
    ),
    (
        "wrong md5 of parts",
        lambda h: post(h, parts_body(ATOM_PART, ZIP_PART), FORM, headers={"Content-MD5": "0" * 32}),
        412,
        "ErrorChecksumMismatch",
    ),
    (
        "unknown collection",
        lambda h: h.post("/1/nowhere/", ZIP, content_type="application/zip"),
        404,
        "ErrorNotFound",
    ),
    (
        "foreign collection",
        lambda h: h.post("/1/foreign/", ZIP, content_type="application/zip"),
        404,
        "ErrorNotFound",
    ),
    (
        "for another",
        lambda h: post(h, headers={"On-Behalf-Of": "somebody"}),
        412,
        "MediationNotAllowed",
    ),
]


@pytest.mark.parametrize(("name", "request_", "status", "iri"), REFUSED, ids=[case[0] for case in REFUSED])
def test_a_refused_creation_says_why_and_leaves_nothing(
    http: HttpClient, name: str, request_: Callable[[HttpClient], Response], status: int, iri: str
) -> None:
    new_collection("foreign")
    before = staged()
    response = request_(http)
    assert error(response)[:2] == (status, iri)
    assert (Deposit.objects.count(), Part.objects.count(), Event.objects.count()) == (0, 0, 0)
    assert staged() == before


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-MD5": MD5.hexdigest()},
        {"Content-MD5": MD5.hexdigest().upper()},
        {"Content-MD5": base64.b64encode(MD5.digest()).decode()},
        {"Digest": "SHA-256=" + base64.b64encode(SHA256.digest()).decode()},
        {"Repr-Digest": f"sha-256=:{base64.b64encode(SHA256.digest()).decode()}:"},
        {"Content-Disposition": "attachment; filename*=UTF-8''%e2%82%ac.zip"},
        {"Content-Disposition": 'inline; filename="../../deep/a.zip"'},
        {"Packaging": "http://purl.org/net/sword/package/SimpleZip"},
        {"Accept": "application/xml"},
        {"Accept": "image/png"},
        {"Metadata-Relevant": "true"},
    ],
)
def test_what_is_right_is_taken(http: HttpClient, headers: dict[str, str]) -> None:
    assert post(http, headers=headers).status_code == 201


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("attachment; filename=../../x.zip", "x.zip"),
        ('attachment; filename="with space.zip"', "with space.zip"),
        ("attachment; filename*=UTF-8''%e2%82%ac.zip", "€.zip"),
        ("attachment; filename=" + "n" * 300 + ".zip", "n" * 300 + ".zip"),
    ],
)
def test_file_names_lose_their_directories(http: HttpClient, disposition: str, name: str) -> None:
    post(http, headers={"Content-Disposition": disposition})
    assert Part.objects.get().name == name


@pytest.mark.parametrize(
    "kind",
    [
        "application/atom+xml;type=entry",
        "application/atom+xml; type=entry; charset=utf-8",
        "Application/Atom+XML;type=entry",
        "application/atom+xml",
    ],
)
def test_entries_are_taken_under_every_spelling(http: HttpClient, kind: str) -> None:
    assert post(http, atom_entry(), kind).status_code == 201


@pytest.mark.parametrize("kind", ["application/zip", "APPLICATION/ZIP", "application/zip; version=2"])
def test_archive_types_compare_without_case_and_parameters(http: HttpClient, kind: str) -> None:
    assert post(http, ZIP, kind).status_code == 201


@pytest.mark.parametrize(
    "kind",
    [
        "application/gzip", "application/x-gzip", "application/x-zip-compressed", "application/x-bzip2",
        "application/zstd", "application/octet-stream", "application/x-lzma", "application/x-xz",
        "application/x-compressed-tar", "application/x-7z-compressed", "binary/octet-stream", "multipart/x-zip",
        "application/vnd.example+zip",
    ],
)  # fmt: skip
def test_the_bytes_decide_what_a_package_is_not_its_type(http: HttpClient, kind: str) -> None:
    assert post(http, ZIP, kind).status_code == 201
    first = Deposit.objects.get()
    media = f"/1/hal/{first.pk}/media/"
    disposition = {"Content-Disposition": "attachment; filename=b.zip", "In-Progress": "true"}
    assert http.put(media, ZIP, content_type=kind, headers=disposition).status_code == 204
    body = parts_body(ATOM_PART, (kind, ZIP))
    assert http.post("/1/hal/", body, content_type=FORM).status_code == 201
    deposit = Deposit.objects.latest("id")
    check(deposit.pk, worker="test")
    deposit.refresh_from_db()
    assert deposit.status == "verified"


@pytest.mark.parametrize("kind", ["application/x-lzma", "application/octet-stream"])
def test_a_tar_in_the_old_container_of_xz_is_taken_and_verified(http: HttpClient, kind: str) -> None:
    """As `tar --lzma` and `xz --format=lzma` write it: it has no magic number."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        member = tarfile.TarInfo("pkg/a.txt")
        member.size = 5
        tar.addfile(member, io.BytesIO(b"hello"))
    data = lzma.compress(plain.getvalue(), format=lzma.FORMAT_ALONE)
    body = parts_body(ATOM_PART, (kind, data))
    assert http.post("/1/hal/", body, content_type=FORM).status_code == 201
    deposit = Deposit.objects.get()
    check(deposit.pk, worker="test")
    deposit.refresh_from_db()
    assert (deposit.status, Part.objects.get(kind="package").size) == ("verified", len(data))


def test_multipart_related_with_a_nameless_entry_part_is_taken(http: HttpClient) -> None:
    body, kind = multipart(atom_entry(), ZIP)
    assert http.post("/1/hal/", body, content_type=kind).status_code == 201
    assert Part.objects.get(kind="package").sha256 == SHA256.hexdigest()


def test_a_multipart_with_bare_line_feeds_before_its_delimiters_is_taken(http: HttpClient) -> None:
    body = swordapp_php.multipart_of(atom_entry().rstrip() + b"\n", ZIP)
    kind = f'multipart/related; boundary="{swordapp_php.BOUNDARY}"; type="application/atom+xml"'
    assert http.post("/1/hal/", body, content_type=kind).status_code == 201
    assert Part.objects.get(kind="package").sha256 == SHA256.hexdigest()
    assert bytes(Part.objects.get(kind="metadata").document or b"") == atom_entry().rstrip()


def test_base64_parts_are_decoded_and_headers_of_parts_are_verified(http: HttpClient) -> None:
    def body(md5: str) -> bytes:
        return (
            b"--B\r\nContent-Disposition: attachment; name=atom\r\nContent-Type: application/atom+xml\r\n\r\n"
            + atom_entry()
            + b"\r\n--B\r\nContent-Disposition: attachment; name=payload; filename=a.zip\r\n"
            + f"Content-Type: application/zip\r\nContent-MD5: {md5}\r\n".encode()
            + b"Content-Transfer-Encoding: base64\r\n\r\n"
            + base64.encodebytes(ZIP)
            + b"\r\n--B--\r\n"
        )

    kind = "multipart/related; boundary=B"
    assert http.post("/1/hal/", body("0" * 32), content_type=kind).status_code == 412
    assert http.post("/1/hal/", body(MD5.hexdigest()), content_type=kind).status_code == 201
    assert Part.objects.get(kind="package").sha256 == SHA256.hexdigest()


@pytest.fixture
def partial(http: HttpClient) -> Deposit:
    body = parts_body(ATOM_PART, ZIP_PART)
    http.post("/1/hal/", body, content_type=FORM, headers={"In-Progress": "true"})
    return Deposit.objects.get()


def test_the_life_of_a_partial_deposit(http: HttpClient, partial: Deposit) -> None:
    base = f"/1/hal/{partial.pk}"
    disposition = {"Content-Disposition": "attachment; filename=b.tar", "In-Progress": "true"}
    put = http.put(
        f"{base}/media/", make_tar({"b": b""}), content_type="application/x-tar", headers=disposition
    )
    assert (put.status_code, put.content) == (204, b"")
    assert list(partial.parts.filter(kind="package").values_list("name", flat=True)) == ["b.tar"]
    assert [http.delete(f"{base}/media/").status_code for _ in range(2)] == [204, 204]
    assert partial.parts.filter(kind="package").count() == 0
    entry = http.put(
        f"{base}/atom/", atom_entry(title="Two"), content_type=ENTRY, headers={"In-Progress": "true"}
    )
    assert entry.status_code == 204
    added = http.post(
        f"{base}/metadata/", atom_entry(title="Three"), content_type=ENTRY, headers={"In-Progress": "true"}
    )
    assert (added.status_code, added["Location"]) == (201, f"http://testserver{base}/media/")
    both = http.put(
        f"{base}/metadata/",
        parts_body(ATOM_PART, ZIP_PART),
        content_type=FORM,
        headers={"In-Progress": "true"},
    )
    assert both.status_code == 204
    assert sorted(partial.parts.values_list("kind", flat=True)) == ["metadata", "package"]
    still = http.generic("POST", f"{base}/metadata/", headers={"In-Progress": "true"})
    assert still.status_code == 400
    completed = http.generic("POST", f"{base}/metadata/")
    assert (completed.status_code, completed["Location"]) == (200, f"http://testserver{base}/atom/")
    assert field(completed, "deposit_status") == "deposited"


def test_nothing_but_a_partial_deposit_can_be_changed(http: HttpClient, partial: Deposit) -> None:
    base = f"/1/hal/{partial.pk}"
    http.generic("POST", f"{base}/metadata/")
    disposition = {"Content-Disposition": "attachment; filename=b.zip"}
    requests: list[Response] = [
        http.post(f"{base}/media/", ZIP, content_type="application/zip", headers=disposition),
        http.put(f"{base}/media/", ZIP, content_type="application/zip", headers=disposition),
        http.delete(f"{base}/media/"),
        http.put(f"{base}/atom/", atom_entry(), content_type=ENTRY),
        http.post(f"{base}/metadata/", atom_entry(), content_type=ENTRY),
        http.generic("POST", f"{base}/metadata/"),
        http.delete(f"{base}/atom/"),
    ]
    for response in requests:
        expected = (400, "ErrorBadRequest", "You can only act on deposit with status 'partial'")
        assert error(response) == expected
    assert partial.parts.count() == 2


def test_a_deleted_deposit_is_gone_everywhere(http: HttpClient, partial: Deposit) -> None:
    base = f"/1/hal/{partial.pk}"
    assert http.delete(f"{base}/atom/").status_code == 204
    for path in ("atom", "media", "status", "content"):
        assert http.get(f"{base}/{path}/").status_code == 404
    assert http.delete(f"{base}/atom/").status_code == 404
    assert field(http.get("/1/hal/"), "count") == "0"


def test_a_foreign_deposit_is_the_same_404_as_a_missing_one(
    http: HttpClient, partial: Deposit, collection: Collection
) -> None:
    neighbour = http_client(new_client(collection, username="neighbour"))
    foreign = neighbour.get(f"/1/hal/{partial.pk}/status/")
    missing = neighbour.get(f"/1/hal/{partial.pk + 1}/status/")
    assert foreign.status_code == missing.status_code == 404
    assert error(foreign)[2] == f"Deposit with id {partial.pk} does not exist"
    mine, other = (f"id {number} ".encode() for number in (partial.pk, partial.pk + 1))
    assert _timeless(foreign).replace(mine, other) == _timeless(missing)


def _timeless(response: Response) -> bytes:
    return b"".join(line for line in response.content.splitlines() if b"updated" not in line)


METHODS = {
    "/1/servicedocument/": {"GET", "HEAD", "OPTIONS"},
    "/1/hal/": {"GET", "HEAD", "OPTIONS", "POST"},
    "/1/hal/{}/media/": {"GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE"},
    "/1/hal/{}/atom/": {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"},
    "/1/hal/{}/metadata/": {"OPTIONS", "POST", "PUT"},
    "/1/hal/{}/status/": {"GET", "HEAD", "OPTIONS"},
    "/1/hal/{}/content/": {"GET", "HEAD", "OPTIONS"},
}


@pytest.mark.parametrize("path", METHODS)
def test_other_methods_are_refused_with_a_true_allow(http: HttpClient, partial: Deposit, path: str) -> None:
    url = path.format(partial.pk)
    for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "TRACE"):
        if method not in METHODS[path]:
            response = http.generic(method, url)
            assert error(response)[:2] == (405, "MethodNotAllowed")
            assert set(response["Allow"].split(", ")) == METHODS[path]
        elif method == "GET":
            assert http.head(url).status_code == http.get(url).status_code == 200


def test_status_tells_its_fields_in_both_namespaces(http: HttpClient) -> None:
    http.post("/1/hal/", atom_entry(), content_type=ENTRY, headers={"In-Progress": "true", "Slug": "a%20b"})
    deposit = Deposit.objects.get()
    response = http.get(f"/1/hal/{deposit.pk}/status/")
    assert response["Content-Type"] == "application/xml"
    for namespace in (SD, ATOM):
        assert field(response, "deposit_id", namespace) == str(deposit.pk)
        assert field(response, "deposit_status", namespace) == "partial"
        assert field(response, "deposit_status_detail", namespace)
        assert field(response, "deposit_external_id", namespace) == "a b"
    assert field(response, "deposit_origin_url") is None
    as_json = http.get(f"/1/hal/{deposit.pk}/status/", headers={"Accept": "application/json"}).json()
    assert (as_json["deposit_id"], as_json["deposit_status"]) == (deposit.pk, "partial")


def test_the_content_document_tells_its_fields_in_both_namespaces(http: HttpClient, partial: Deposit) -> None:
    response = http.get(f"/1/hal/{partial.pk}/content/")
    told = {"deposit_id": str(partial.pk), "deposit_status": "partial"}
    for namespace in (SD, ATOM):
        assert {name: field(response, name, namespace) for name in told} == told
        assert field(response, "deposit_status_detail", namespace)
    assert field(response, "deposit_date") == partial.reception_date.isoformat()
    assert field(response, "deposit_date", ATOM) is None


@pytest.mark.parametrize(
    ("method", "address", "kind"),
    [
        ("PUT", "atom", ENTRY), ("PUT", "metadata", ENTRY), ("PUT", "atom", FORM), ("POST", "metadata", ENTRY),
        ("POST", "metadata", ""), ("POST", "media", "application/zip"), ("PUT", "media", "application/zip"),
    ],
)  # fmt: skip
def test_a_check_of_the_swhid_that_cannot_be_made_is_refused(
    http: HttpClient, partial: Deposit, method: str, address: str, kind: str
) -> None:
    body = {ENTRY: atom_entry(title="New"), FORM: parts_body(ATOM_PART, ZIP_PART), "": b""}.get(kind, ZIP)
    headers = {"X-Check-SWHID": SWHID, "Content-Disposition": "attachment; filename=b.zip"}
    before = list(partial.parts.values())
    response = http.generic(
        method, f"/1/hal/{partial.pk}/{address}/", body, content_type=kind, headers=headers
    )
    assert error(response)[0] == (415 if (method, kind) == ("PUT", FORM) else 400)
    partial.refresh_from_db()
    assert (list(partial.parts.values()), partial.status) == (before, "partial")


def test_dublin_core_is_kept_and_reflected(http: HttpClient) -> None:
    response = post(http, atom_entry("<dcterms:abstract>About &amp; more</dcterms:abstract>"), ENTRY)
    deposit = Deposit.objects.get()
    for receipt in (response, http.get(f"/1/hal/{deposit.pk}/atom/")):
        assert field(receipt, "abstract", "http://purl.org/dc/terms/") == "About & more"


def test_the_receipt_leads_to_everything(http: HttpClient, partial: Deposit) -> None:
    root = etree.fromstring(http.get(f"/1/hal/{partial.pk}/atom/").content)
    links = {(link.get("rel"), link.get("type")) for link in root.iterfind(f"{{{ATOM}}}link")}
    assert links == {
        ("edit", None),
        ("edit-media", None),
        ("edit-media", "application/atom+xml;type=feed"),
        (f"{SWORD}add", None),
        ("alternate", None),
        ("alternate", "text/html"),
        (f"{SWORD}statement", "application/atom+xml;type=feed"),
        (f"{SWORD}statement", "application/rdf+xml"),
        (f"{SWORD}originalDeposit", "application/zip"),
    }
    for name in ("id", "title", "updated"):
        assert root.findtext(f"{{{ATOM}}}{name}")
    assert root.findtext(f"{{{SWORD}}}treatment")
    assert root.findtext(f"{{{SWORD}}}packaging") == "http://purl.org/net/sword/package/SimpleZip"


def test_the_list_is_a_feed_of_the_clients_own_deposits(http: HttpClient, partial: Deposit) -> None:
    new_client(partial.collection, username="other")
    root = etree.fromstring(http.get("/1/hal/").content)
    assert root.findtext(f"{{{SD}}}count") == "1"
    entries = root.findall(f"{{{ATOM}}}entry")
    assert [entry.findtext(f"{{{SD}}}id") for entry in entries] == [str(partial.pk)]
    for element in (root, entries[0]):
        assert all(element.findtext(f"{{{ATOM}}}{name}") for name in ("id", "title", "updated"))
    assert entries[0].find(f"{{{ATOM}}}link[@rel='edit']") is not None
    # Without a Slug there, and empty, as the peer sends it.
    assert entries[0].findtext(f"{{{SD}}}external_id") == ""


def test_the_service_document_says_what_sword_demands(http: HttpClient) -> None:
    response = http.get("/1/servicedocument/")
    root = etree.fromstring(response.content)
    app = "{http://www.w3.org/2007/app}"
    assert root.findtext(f"{{{SWORD}}}version") == "2.0"
    accepts = root.findall(f".//{app}accept")
    # A multipart takes the same packages as a request of its own, and no others.
    alone = [one.text for one in accepts if not one.get("alternate")]
    in_parts = [one.text for one in accepts if one.get("alternate") == "multipart-related"]
    assert alone == [*in_parts, "application/atom+xml;type=entry"]
    assert in_parts[:2] == ["application/zip", "application/x-tar"]
    packagings = {one.text for one in root.iterfind(f".//{{{SWORD}}}acceptPackaging")}
    assert {name.rpartition("/")[2] for name in packagings if name} == {"SimpleZip", "Binary", "BagIt"}
    for kind in ("application/atomsvc+xml", "application/atomserv+xml"):
        assert http.get("/1/servicedocument/", headers={"Accept": kind})["Content-Type"] == kind


def test_no_credentials_and_wrong_ones_are_told_alike(depositor: Client) -> None:
    answers = [
        HttpClient().get("/1/servicedocument/"),
        HttpClient(headers={"Authorization": basic("nobody", "x")}).get("/1/servicedocument/"),
        HttpClient(headers={"Authorization": basic("hal", "wrong")}).get("/1/servicedocument/"),
        HttpClient(headers={"Authorization": "Basic !!"}).get("/1/servicedocument/"),
    ]
    for response in answers:
        assert error(response)[:2] == (401, "ErrorUnauthorized")
        assert response["WWW-Authenticate"].startswith("Basic ")
    assert error(answers[1])[2] == error(answers[2])[2] == "Invalid username/password."


def test_a_missing_last_slash_loses_no_post(http: HttpClient, partial: Deposit) -> None:
    disposition = {"Content-Disposition": "attachment; filename=a.zip", "In-Progress": "true"}
    assert http.post("/1/hal", ZIP, content_type="application/zip", headers=disposition).status_code == 201
    url = f"/1/hal/{partial.pk}/media"
    assert http.post(url, ZIP, content_type="application/zip", headers=disposition).status_code == 201
    assert http.get("/1/servicedocument").status_code == 200
