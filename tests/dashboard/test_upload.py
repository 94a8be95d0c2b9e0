"""Uploading with a browser's form: what becomes of it, and what is refused without a trace."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser

from dashboard.forms import DescriptionForm, entry_of
from deposit.metadata.checks import check_entry
from deposit.metadata.entry import read_entry
from deposit.models import Client, Collection, Deposit, Part
from tests.dashboard.conftest import FILES, worked_on
from tests.factories import new_collection
from tests.samples import atom_entry, make_tar, make_zip

pytestmark = pytest.mark.django_db

DESCRIPTION = {
    "collection": "hal",
    "title": "Engine & Co <1843>",
    "authors": "Ada Lovelace <ada@example.org>\nCharles Babbage\n",
    "version": "1.0",
    "licence": "GPL-3.0-or-later",
    "description": "Computes Bernoulli numbers.",
    "keywords": "mathematics, engines",
    "repository": "https://example.org/engine",
    "date": "1843-07-10",
    "slug": "engine",
}


@pytest.fixture(autouse=True)
def staging_area(settings: Any, tmp_path: Path) -> None:
    settings.STAGING_ROOT = str(tmp_path)


def staged() -> list[Path]:
    return [path for path in Path(settings.STAGING_ROOT).rglob("*") if path.is_file()]


def upload(browser: Browser, package: bytes | None, name: str = "engine.zip", **changes: Any) -> Any:
    form: dict[str, Any] = DESCRIPTION | changes
    if package is not None:
        form["package"] = SimpleUploadedFile(name, package)
    return browser.post("/upload/", form)


def test_a_form_becomes_a_deposit_that_ends_in_the_archive(browser: Browser, depositor: Client) -> None:
    response = upload(browser, make_zip(FILES))
    deposit = Deposit.objects.get()
    assert (response.status_code, response["Location"]) == (302, f"/deposits/{deposit.pk}/")
    assert (deposit.client, deposit.title, deposit.software_version) == (
        depositor,
        "Engine & Co <1843>",
        "1.0",
    )
    assert deposit.origin_url == "https://hal.example.org/engine"
    deposit = worked_on(deposit)
    assert list(deposit.findings.filter(severity="error").values_list("message", flat=True)) == []
    assert deposit.status == "done"


def test_the_package_is_staged_as_it_was_sent(browser: Browser) -> None:
    data = make_tar(FILES)
    upload(browser, data, "engine.tar.gz")
    part = Part.objects.get(kind="package")
    assert (part.name, part.content_type, part.size) == ("engine.tar.gz", "application/x-tar", len(data))
    assert (Path(settings.STAGING_ROOT) / (part.stored_as or "")).read_bytes() == data


def test_the_description_becomes_codemeta_that_passes_the_checks() -> None:
    form = DescriptionForm(DESCRIPTION, collections=["hal"])
    assert form.is_valid(), form.errors
    document = entry_of(form.cleaned_data)
    entry = read_entry(document)
    assert entry.title == "Engine & Co <1843>"
    assert [(one.name, one.email) for one in entry.authors] == [
        ("Ada Lovelace", "ada@example.org"),
        ("Charles Babbage", ""),
    ]
    assert entry.software_version == "1.0"
    assert [found.code for found in check_entry(document)] == ["metadata.suggested"]


def test_control_characters_do_not_break_the_description() -> None:
    form = DescriptionForm(
        DESCRIPTION | {"title": "a\x00b\x0bc\ufffe", "authors": "A\x01da"}, collections=["hal"]
    )
    entered = form.is_valid()
    # Django itself refuses the null character; all others are dropped.
    assert not entered
    form = DescriptionForm(
        DESCRIPTION | {"title": "ab\x0bc\ufffe", "authors": "A\x01da"}, collections=["hal"]
    )
    assert form.is_valid(), form.errors
    entry = read_entry(entry_of(form.cleaned_data))
    assert (entry.title, entry.authors[0].name) == ("abc", "Ada")


def test_a_metadata_file_stands_for_the_fields(browser: Browser) -> None:
    document = SimpleUploadedFile("entry.xml", atom_entry(title="From a file"))
    upload(browser, make_zip(FILES), metadata=document, title="", authors="")
    assert Deposit.objects.get().title == "From a file"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"title": ""}, b"This field is required."),
        ({"authors": "<nobody@example.org>"}, b"is not a person"),
        ({"collection": "foreign"}, b"Select a valid choice"),
        ({"metadata": SimpleUploadedFile("entry.xml", b"<entry")}, b"Malformed xml metadata"),
        ({"slug": "a/../b"}, b"Invalid Slug header"),
    ],
)
def test_what_cannot_be_read_is_named_and_leaves_nothing(
    browser: Browser, changes: dict[str, Any], words: bytes
) -> None:
    new_collection("foreign")
    before = staged()
    response = upload(browser, make_zip(FILES), **changes)
    assert (response.status_code, words in response.content) == (400, True), response.content
    assert b"Computes Bernoulli numbers." in response.content
    assert (Deposit.objects.count(), staged()) == (0, before)


def test_a_form_without_a_package_says_so(browser: Browser) -> None:
    assert b"There is no file." in upload(browser, None).content
    assert Deposit.objects.count() == 0


def test_programs_of_the_page_get_json(browser: Browser) -> None:
    package = SimpleUploadedFile("engine.zip", make_zip(FILES))
    response = browser.post(
        "/upload/", DESCRIPTION | {"package": package}, headers={"Accept": "application/json"}
    )
    deposit = Deposit.objects.get()
    assert (response.status_code, response.json()) == (
        201,
        {"id": deposit.pk, "url": f"/deposits/{deposit.pk}/"},
    )
    refused = browser.post("/upload/", DESCRIPTION | {"title": ""}, headers={"Accept": "application/json"})
    assert (refused.status_code, refused.json()["code"]) == (400, "form.no_package")


def test_a_body_that_is_cut_short_leaves_nothing(browser: Browser) -> None:
    before = staged()
    head = (
        b'--x\r\nContent-Disposition: form-data; name="title"\r\n\r\nEngine\r\n--x\r\n'
        b'Content-Disposition: form-data; name="package"; filename="a.zip"\r\n\r\nPK'
    )
    environment: dict[str, Any] = {"CONTENT_LENGTH": str(len(head) + 5000), "wsgi.input": io.BytesIO(head)}
    response = browser.generic(
        "POST", "/upload/", head, content_type="multipart/form-data; boundary=x", **environment
    )
    assert response.status_code in (400, 412)
    assert (Deposit.objects.count(), staged()) == (0, before)


def test_a_form_that_another_site_sends_is_refused(depositor: Client) -> None:
    strict = Browser(enforce_csrf_checks=True)
    strict.force_login(depositor.user)
    before = staged()
    assert upload(strict, make_zip(FILES)).status_code == 403
    assert (Deposit.objects.count(), staged()) == (0, before)
    page = strict.get("/upload/")
    token = page.context["csrf_token"]
    assert upload(strict, make_zip(FILES), csrfmiddlewaretoken=str(token)).status_code == 302


def test_a_package_over_the_limit_is_refused(browser: Browser, settings: Any) -> None:
    settings.MAX_UPLOAD_SIZE = 100
    before = staged()
    assert upload(browser, make_zip(FILES)).status_code == 413
    assert (Deposit.objects.count(), staged()) == (0, before)


def test_the_bounds_of_the_collection_and_the_client_hold_here_too(
    browser: Browser, depositor: Client, collection: Collection
) -> None:
    collection.max_upload_size = 100
    collection.save()
    assert upload(browser, make_zip(FILES)).status_code == 413
    collection.max_upload_size = None
    collection.save()
    depositor.quota_bytes = 100
    depositor.save()
    refused = upload(browser, make_zip(FILES))
    assert (refused.status_code, b"Your quota is used up" in refused.content) == (403, True)
    assert (Deposit.objects.count(), staged()) == (0, [])


def test_who_is_no_depositor_is_told(db: None, collection: Collection, operator: User) -> None:
    browser = Browser()
    browser.force_login(operator)
    assert browser.get("/upload/").status_code == 403
