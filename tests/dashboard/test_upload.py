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
from deposit.models import Upload as UploadInSegments
from tests.dashboard.conftest import FILES, sent, worked_on
from tests.deposit.sword3.asking import Sword3
from tests.support.factories import logged_in, new_client, new_collection
from tests.support.samples import atom_entry, make_tar, make_zip

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


def test_a_rejected_deposit_can_be_mended_without_typing_its_description_anew(browser: Browser) -> None:
    upload(browser, make_zip({"../escape": b"x"}))
    rejected = worked_on(Deposit.objects.get())
    assert rejected.status == "rejected"
    assert f"/upload/?like={rejected.pk}" in browser.get(f"/deposits/{rejected.pk}/").content.decode()
    form = browser.get(f"/upload/?like={rejected.pk}").context["form"]
    offered = {name: form[name].value() for name in DESCRIPTION}
    assert offered == DESCRIPTION | {"authors": DESCRIPTION["authors"].strip()}
    upload(browser, make_zip(FILES), **offered)
    mended = worked_on(Deposit.objects.latest("pk"))
    assert (mended.status, mended.origin_url) == ("done", rejected.origin_url)


def test_nobody_is_offered_a_neighbours_description(browser: Browser, collection: Collection) -> None:
    neighbour = new_client(collection, username="neighbour")
    theirs = sent(neighbour, title="Secret program")
    response = browser.get(f"/upload/?like={theirs.pk}")
    assert response.status_code == 404
    assert b"Secret program" not in response.content
    for nonsense in ("", "x", "-1", "9" * 40):
        assert browser.get("/upload/", {"like": nonsense}).status_code == 200


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


def segments(browser: Browser, data: bytes) -> str:
    """The number of a whole segmented upload, sent with the session of the page."""
    address = Sword3(browser).uploaded(data, -(-len(data) // 2))
    return address.rstrip("/").rpartition("/")[2]


def deposit_upload(browser: Browser, number: str, **changes: Any) -> Any:
    form = DESCRIPTION | {"upload": number, "package_name": "C:\\mine\\engine.zip"} | changes
    return browser.post("/upload/", form, headers={"Accept": "application/json"})


def test_a_segmented_upload_becomes_a_deposit_without_a_copy(browser: Browser) -> None:
    data = make_zip(FILES)
    number = segments(browser, data)
    stored_as = UploadInSegments.objects.get().stored_as
    response = deposit_upload(browser, number)
    deposit = Deposit.objects.get()
    assert (response.status_code, response.json()["id"]) == (201, deposit.pk)
    part = Part.objects.get(kind="package")
    assert (part.name, part.content_type, part.stored_as) == ("engine.zip", "application/zip", stored_as)
    assert (UploadInSegments.objects.count(), worked_on(deposit).status) == (0, "done")


def test_a_segmented_upload_is_deposited_once_however_often_its_form_is_sent(browser: Browser) -> None:
    number = segments(browser, make_zip(FILES))
    first = deposit_upload(browser, number)
    again = deposit_upload(browser, number, title="Sent again")
    assert (again.status_code, again.json()) == (201, first.json())
    assert Deposit.objects.get().title == "Engine & Co <1843>"


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [
        ("no number", 404, "upload.unknown"),
        ("00000000-0000-0000-0000-000000000000", 404, "upload.unknown"),
        ("", 400, "form.no_package"),
    ],
)
def test_an_upload_that_is_not_there_is_told(browser: Browser, number: str, status: int, code: str) -> None:
    response = deposit_upload(browser, number)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert Deposit.objects.count() == 0


def test_nobody_deposits_the_upload_of_another_or_half_of_one(
    browser: Browser, collection: Collection
) -> None:
    other = Browser()
    other.force_login(new_client(collection).user)
    number = segments(other, make_zip(FILES))
    assert deposit_upload(browser, number).json()["code"] == "upload.unknown"
    UploadInSegments.objects.get().segments.filter(number=2).delete()
    assert deposit_upload(other, number).json()["code"] == "upload.incomplete"
    assert (Deposit.objects.count(), UploadInSegments.objects.count()) == (0, 1)


def test_a_refused_upload_stays_and_can_be_deposited_elsewhere(
    browser: Browser, depositor: Client, collection: Collection
) -> None:
    collection.max_upload_size = 100
    collection.save()
    depositor.collections.add(new_collection("roomy"))
    number = segments(browser, make_zip(FILES))
    assert deposit_upload(browser, number).status_code == 413
    assert deposit_upload(browser, number, title="").json()["code"] == "form.incomplete"
    assert deposit_upload(browser, number, collection="roomy").status_code == 201


def test_an_upload_that_fills_the_quota_to_its_last_byte_can_be_deposited(
    browser: Browser, depositor: Client
) -> None:
    data = make_zip(FILES)
    depositor.quota_bytes = len(data)
    depositor.save()
    number = segments(browser, data)
    assert deposit_upload(browser, number).status_code == 201


def test_a_page_whose_log_in_is_over_is_told_without_being_asked_for_a_password(db: None) -> None:
    refused = Browser().get("/3/staging/", headers={"X-Requested-With": "XMLHttpRequest"})
    assert (refused.status_code, refused["WWW-Authenticate"]) == (401, 'Session realm="deposit"')
    assert Browser().get("/3/staging/")["WWW-Authenticate"].startswith("Basic ")


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


def test_the_history_names_the_package_that_came_in_segments(browser: Browser) -> None:
    deposit_upload(browser, segments(browser, make_zip(FILES)))
    page = browser.get(f"/deposits/{Deposit.objects.get().pk}/")
    (received, *_) = page.context["moments"]
    assert [(str(name), value) for name, value in received.details] == [("package", "engine.zip")]


CITED = make_zip(
    {
        "engine/CITATION.cff": b"title: Engine\nversion: 1.10\nlicense: MIT\nauthors:\n"
        b"- {family-names: Lovelace, given-names: Ada, affiliation: A lab, orcid: https://orcid.org/0000-0002-1825-0097}\n",
        "engine/README": b"x",
    }
)


def description_of(browser: Browser, number: str, **form: str) -> Any:
    return browser.post("/upload/description/", {"upload": number, "collection": "hal", **form})


def test_a_package_offers_what_its_own_files_say(browser: Browser) -> None:
    told = description_of(browser, segments(browser, CITED)).json()
    source = "CITATION.cff"
    assert told["fields"] == {
        "title": {"value": "Engine", "source": source},
        "authors": {"value": "Ada Lovelace 0000-0002-1825-0097", "source": source},
        "version": {"value": "1.10", "source": source},
        "licence": {"value": "MIT", "source": source},
    }
    assert told["notes"] == []
    # What is no package, or says nothing, fills nothing: the checker will tell.
    assert description_of(browser, segments(browser, b"no package")).json()["fields"] == {}
    named = description_of(browser, segments(browser, make_zip({"a": b"x"})), name_encoding="klingon")
    assert named.json() == {"fields": {}, "notes": []}


def test_nobody_reads_the_package_of_another(browser: Browser, collection: Collection, settings: Any) -> None:
    other = logged_in(new_client(collection).user)
    number = segments(other, CITED)
    assert description_of(browser, number).status_code == 404
    assert description_of(browser, "no number").status_code == 404
    settings.CHECK_MAX_SIZE = 10
    assert description_of(other, number).json() == {"fields": {}, "notes": []}


def test_fields_that_stand_as_the_package_fills_them_are_taken_from_it_whole(browser: Browser) -> None:
    number = segments(browser, CITED)
    filled = {
        "title": "Engine",
        "authors": "Ada Lovelace 0000-0002-1825-0097",
        "version": "1.10",
        "licence": "MIT",
    }
    said = {"description": "Typed", "keywords": "", "repository": "", "date": ""}
    answer = deposit_upload(
        browser, number, **filled, **said, from_package="title authors version licence slug"
    )
    assert answer.status_code == 201, answer.content
    deposit = worked_on(Deposit.objects.get())
    assert (deposit.status, deposit.title, deposit.external_id) == ("done", "Engine", "engine")
    page = browser.get(f"/deposits/{deposit.pk}/").content.decode()
    # More than the form can hold.
    assert "A lab" in page
    assert "Typed" in page


def test_what_neither_says_is_missing(browser: Browser) -> None:
    number = segments(browser, make_zip({"a/data.bin": b"x"}))
    deposit_upload(browser, number, from_package="title authors")
    deposit = worked_on(Deposit.objects.get())
    assert deposit.status == "rejected"
    assert "metadata.mandatory" in deposit.findings.values_list("code", flat=True)
