"""What a package says of itself comes in by every door, and comes out again wherever a deposit is described."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from datacite import schema45
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as HttpClient

from checker.checking import check
from deposit.metadata.xml import parse
from deposit.models import Client, Collection, Deposit, Status
from deposit.services.exports import FORMATS
from loader.workflow import load
from sources import services
from sources.models import SourceKind
from tests.deposit.sword3.asking import Sword3
from tests.sources.conftest import OPERATOR, Served, taken
from tests.support.factories import basic, logged_in, new_client, new_collection
from tests.support.samples import make_zip

pytestmark = pytest.mark.django_db(transaction=True)

DESCRIBED = make_zip(
    {
        "engine/CITATION.cff": b"""\
cff-version: 1.2.0
message: cite
title: Analytical engine
version: 1.10
license: MIT
date-released: 1843-07-10
keywords: [mathematics]
authors:
- family-names: Lovelace
  given-names: Ada
  email: ada@example.org
  affiliation: A laboratory
  orcid: https://orcid.org/0000-0002-1825-0097
""",
        "engine/main.c": b"int main;",
    }
)
SAID = ("Ada", "0000-0002-1825-0097", "A laboratory", "MIT", "mathematics", "1843-07-10")


@pytest.fixture
def collection() -> Collection:
    return new_collection("hal")


@pytest.fixture
def depositor(collection: Collection) -> Client:
    return new_client(collection, username="hal")


@pytest.fixture
def http(depositor: Client) -> HttpClient:
    return HttpClient(headers={"Authorization": basic("hal")})


@pytest.fixture(autouse=True)
def _places(tmp_path: Any, settings: Any) -> None:
    settings.STAGING_ROOT = str(tmp_path / "staging")
    settings.ARCHIVE_ROOT = str(tmp_path / "archive")


def by_sword_2(http: HttpClient, depositor: Client, tmp_path: Any) -> None:
    headers = {"Content-Disposition": "attachment; filename=engine.zip", "In-Progress": "false"}
    assert http.post("/1/hal/", DESCRIBED, content_type="application/zip", headers=headers).status_code == 201


def by_sword_3(http: HttpClient, depositor: Client, tmp_path: Any) -> None:
    assert Sword3(http).file("POST", "/3/service/hal/", DESCRIBED).status_code in (201, 202)


def by_browser(http: HttpClient, depositor: Client, tmp_path: Any) -> None:
    form = {"collection": "hal", "title": "", "authors": "", "from_package": "title authors"}
    answer = logged_in(depositor.user).post(
        "/upload/", {**form, "package": SimpleUploadedFile("engine.zip", DESCRIBED)}
    )
    assert answer.status_code == 302, answer.content


def by_folder(http: HttpClient, depositor: Client, tmp_path: Any) -> None:
    folder = tmp_path / "watched"
    folder.mkdir()
    services.add_source(
        actor=OPERATOR, name="scans", kind=SourceKind.FOLDER, location=str(folder), collection="hal"
    )
    (folder / "engine.zip").write_bytes(DESCRIBED)
    served = Served(services.source_named("scans"))
    try:
        served.until(lambda: taken("engine.zip"))
    finally:
        served.close()


@pytest.mark.parametrize("send", [by_sword_2, by_sword_3, by_browser, by_folder])
def test_a_package_alone_describes_its_deposit(
    send: Callable[..., None], http: HttpClient, depositor: Client, tmp_path: Any
) -> None:
    send(http, depositor, tmp_path)
    deposit = Deposit.objects.get()
    check(deposit.pk, worker="checker")
    load(deposit.pk, worker="loader")
    deposit.refresh_from_db()
    assert (deposit.status, deposit.title, deposit.software_version) == (
        Status.DONE,
        "Analytical engine",
        "1.10",
    )
    assert "metadata.from_package" in deposit.findings.values_list("code", flat=True)


@pytest.fixture
def done(http: HttpClient, depositor: Client, tmp_path: Any) -> Deposit:
    by_sword_2(http, depositor, tmp_path)
    deposit = Deposit.objects.get()
    check(deposit.pk, worker="checker")
    load(deposit.pk, worker="loader")
    deposit.refresh_from_db()
    return deposit


def test_receipts_tell_it_in_dublin_core(http: HttpClient, done: Deposit) -> None:
    receipt = parse(http.get(f"/1/hal/{done.pk}/atom/").content)
    terms = {
        (each.tag.rpartition("}")[2], each.text)
        for each in receipt
        if str(each.tag).startswith("{http://purl.org/dc/terms/}")
    }
    assert terms >= {
        ("creator", "Ada Lovelace (https://orcid.org/0000-0002-1825-0097; A laboratory)"),
        ("subject", "mathematics"),
        ("license", "MIT"),
        ("issued", "1843-07-10"),
        ("hasVersion", "1.10"),
    }
    fields = Sword3(http).document(f"/3/object/{done.pk}/metadata/")
    assert (fields["dc:title"], fields["dcterms:subject"], fields["dcterms:license"]) == (
        "Analytical engine",
        "mathematics",
        "MIT",
    )


def test_every_format_has_an_address_in_the_api_and_on_the_page(http: HttpClient, done: Deposit) -> None:
    told = http.get(f"/api/deposits/{done.pk}/").json()["exports"]
    assert list(told) == list(FORMATS)
    page = logged_in(done.client.user).get(f"/deposits/{done.pk}/").content.decode()
    for name, address in told.items():
        answer = http.get(address, headers={"Accept": FORMATS[name].content_type})
        assert (answer.status_code, answer["Content-Type"]) == (200, FORMATS[name].content_type)
        text = answer.content.decode()
        assert [said for said in SAID if said not in text and name != "citation.bib"] == []
        assert f'rel="describedby" type="{FORMATS[name].content_type.partition(";")[0]}"' in page
        assert f"/deposits/{done.pk}/{name}" in page
    datacite = json.loads(http.get(told["datacite.json"]).content)
    assert list(schema45.validator.iter_errors(datacite)) == []
    unknown = http.get(f"/api/deposits/{done.pk}/exports/marc.xml")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "export.unknown")


def test_what_is_public_is_described_for_everybody_but_for_addresses_of_people(
    http: HttpClient, done: Deposit, collection: Collection
) -> None:
    other = HttpClient(headers={"Authorization": basic(new_client(new_collection("else")).user.username)})
    anybody = HttpClient()
    address, own = f"/deposits/{done.pk}/CITATION.cff", f"/api/deposits/{done.pk}/exports/CITATION.cff"
    assert other.get(own).status_code == 404
    assert anybody.get(own).status_code == 401
    assert anybody.get(address).status_code == 302
    Collection.objects.filter(pk=collection.pk).update(public=True)
    cited = yaml.safe_load(anybody.get(address).content)
    assert (cited["title"], cited["authors"][0]["family-names"]) == ("Analytical engine", "Lovelace")
    assert b"ada@example.org" not in anybody.get(address).content
    assert b"ada@example.org" in http.get(own).content
    landing = anybody.get(f"/deposits/{done.pk}/").content.decode()
    assert 'rel="describedby" type="application/ld+json"' in landing
    assert address in landing
