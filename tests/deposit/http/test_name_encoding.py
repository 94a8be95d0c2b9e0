"""Who knows in which encoding old names are says so, at every way in; then they are archived decoded."""

import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as HttpClient
from django.urls import reverse

from archive.identifiers import SWHID
from archive.retrieval import directory_page
from checker.checking import check
from deposit.models import Client, Deposit, Finding, Status
from loader.workflow import load
from tests.deposit.sword3.asking import Sword3
from tests.packages.building import ZipEntry, zip_archive
from tests.support.factories import logged_in
from tests.support.samples import atom_entry, create_origin

pytestmark = pytest.mark.django_db(transaction=True)

NAME = "\u30bd\u30fc\u30b9.c"  # its first letter holds a backslash in Shift-JIS
PACKAGE = zip_archive(ZipEntry(name=NAME.encode("cp932"), host=0), ZipEntry(name=b"main.c", host=0))
ATTACHMENT = "attachment; filename=p.zip"


@pytest.fixture(autouse=True)
def _folders(tmp_path: Any, settings: Any) -> None:
    settings.STAGING_ROOT, settings.ARCHIVE_ROOT = str(tmp_path / "staging"), str(tmp_path / "archive")


def archived(deposit: Deposit) -> list[bytes]:
    """The names in the archived directory, after checks and loading."""
    check(deposit.pk, worker="checker")
    load(deposit.pk, worker="loader")
    deposit.refresh_from_db()
    assert deposit.status == Status.DONE
    return sorted(entry.name for entry in directory_page(SWHID.parse(deposit.swhid or "").hash).entries)


def by_sword2(http: HttpClient, origin: str, **headers: str) -> Deposit:
    entry = atom_entry(create_origin(f"https://hal.example.org/{origin}"))
    http.post(
        "/1/hal/", entry, content_type="application/atom+xml;type=entry", headers={"In-Progress": "true"}
    )
    deposit = Deposit.objects.latest("id")
    named = {"Content-Disposition": ATTACHMENT, "In-Progress": "false", **headers}
    answer = http.post(f"/1/hal/{deposit.pk}/media/", PACKAGE, content_type="application/zip", headers=named)
    assert answer.status_code == 201, answer.content
    deposit.refresh_from_db()
    return deposit


def test_names_stay_bytes_and_their_encoding_is_told(http: HttpClient) -> None:
    deposit = by_sword2(http, "bytes")
    assert archived(deposit) == [b"main.c", NAME.encode("cp932")]
    finding = Finding.objects.get(deposit=deposit, code="package.warning.encoding")
    assert (finding.severity, "cp932" in finding.message) == ("warning", True)


def test_names_are_decoded_as_the_header_says(http: HttpClient) -> None:
    deposit = by_sword2(http, "named", **{"X-Name-Encoding": "Shift_JIS"})
    assert archived(deposit) == [b"main.c", NAME.encode()]
    assert http.get(f"/api/deposits/{deposit.pk}/").json()["name_encoding"] == "shift_jis"


def test_the_same_package_with_another_encoding_is_read_again(http: HttpClient) -> None:
    first, second = by_sword2(http, "one"), by_sword2(http, "two", **{"X-Name-Encoding": "cp932"})
    assert archived(first) != archived(second)


def test_sword_3_takes_the_header(http: HttpClient, depositor: Client) -> None:
    headers = {
        "Content_Disposition": ATTACHMENT,
        "Content_Type": "application/zip",
        "X_Name_Encoding": "sjis",
    }
    answer = Sword3(http).send("POST", "/3/service/hal/", PACKAGE, In_Progress="true", **headers)
    assert answer.status_code == 201, answer.content
    assert Deposit.objects.latest("id").name_encoding == "shift_jis"


def test_the_form_takes_the_field(depositor: Client) -> None:
    form = {
        "collection": "hal",
        "title": "Engine",
        "authors": "Ada Lovelace",
        "name_encoding": "cp932",
        "package": SimpleUploadedFile("p.zip", PACKAGE),
    }
    answer = logged_in(depositor.user).post(reverse("dashboard:upload"), form)
    assert answer.status_code == 302, answer.content
    assert Deposit.objects.latest("id").name_encoding == "cp932"


@pytest.mark.parametrize("named", ["klingon", "hex", "idna", "utf-7", "x" * 500])
def test_what_is_no_encoding_of_names_is_refused(http: HttpClient, named: str) -> None:
    answer = http.post(
        "/1/hal/",
        io.BytesIO(PACKAGE).read(),
        content_type="application/zip",
        headers={"Content-Disposition": ATTACHMENT, "X-Name-Encoding": named},
    )
    assert (answer.status_code, Deposit.objects.count()) == (400, 0)
