"""The page of a deposit, its parts, its citation, its badge, and its files in the archive."""

import hashlib
import io
import tarfile
import time
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client as Browser
from django.utils import timezone

from archive.identifiers import SWHID, ObjectType
from archive.retrieval import read_object, resolve
from dashboard.citation import names_of
from dashboard.plots import in_bytes
from dashboard.sizes import size_in_words
from dashboard.templatetags.deposits import duration, percent
from dashboard.timeline import steps_of
from deposit import lifecycle
from deposit.lifecycle import Work
from deposit.metadata.entry import read_entry
from deposit.models import Client, Collection, Deposit, Event, EventName, Part, Status
from deposit.queue.items import give_back
from tests.dashboard.conftest import FILES, sent, worked_on
from tests.dashboard.test_deposits import main_of
from tests.support.factories import logged_in, new_client
from tests.support.lifecycle_fixtures import claimed, in_status
from tests.support.samples import atom_entry

pytestmark = pytest.mark.django_db


@pytest.fixture
def done(depositor: Client) -> Deposit:
    return worked_on(sent(depositor, title="Engine & Co"))


def fetched(browser: Browser, path: str, **headers: str) -> Any:
    """An answer, read to its end."""
    response = browser.get(path, headers=headers)
    response.getvalue()
    return response


def downloaded(browser: Browser, path: str, **headers: str) -> bytes:
    response = browser.get(path, headers=headers)
    assert response.status_code in (200, 206), response.content
    assert response["Content-Security-Policy"].startswith("sandbox")
    return response.getvalue()


def test_the_page_tells_the_whole_story(browser: Browser, done: Deposit) -> None:
    page = main_of(browser.get(f"/deposits/{done.pk}/").content)
    for words in ("Engine &amp; Co", "Ada Lovelace", done.swhid, done.snapshot_swhid, "p.zip", "loader"):
        assert str(words) in page
    labels = [str(moment.label) for moment in browser.get(f"/deposits/{done.pk}/").context["moments"]]
    assert labels == [
        "Received",
        "Complete, waiting for its checks",
        "Checks began",
        "Checks passed, waiting to be loaded",
        "Loading began",
        "Loaded into the archive",
    ]


def test_durations_are_those_of_the_work(browser: Browser, done: Deposit) -> None:
    moments = browser.get(f"/deposits/{done.pk}/").context["moments"]
    events = {event.name: event.at for event in Event.objects.filter(deposit_id=done.pk)}
    took = {str(moment.label): moment.took for moment in moments if moment.took is not None}
    assert took == {
        "Checks passed, waiting to be loaded": events["verify"] - events["check"],
        "Loaded into the archive": events["finish"] - events["start"],
    }


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 ms"),
        (0.0421, "42 ms"),
        (3.44, "3.4 s"),
        (62, "1 min 2 s"),
        (3599, "59 min 59 s"),
        (3660, "1 h 1 min"),
        (90_000, "1 d 1 h"),
        (10_000_000, "115 d 17 h"),
    ],
)
def test_durations_are_told_in_two_units(seconds: float, words: str) -> None:
    assert duration(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize("status", list(Status))
def test_every_status_has_its_page(browser: Browser, depositor: Client, status: Status) -> None:
    deposit = in_status(status)
    Deposit.objects.filter(pk=deposit.pk).update(client=depositor)
    response = browser.get(f"/deposits/{deposit.pk}/")
    assert response.status_code == 200
    states = [step.state for step in steps_of(deposit)]
    assert states.count("past") + states.count("now") + states.count("stopped") + states.count("") == 4
    assert ("stopped" in states) == (status in ("expired", "rejected", "failed"))
    keeps_looking = b"hx-trigger" in response.content
    assert keeps_looking == (status in ("deposited", "verified", "loading"))


def test_findings_say_what_to_mend(browser: Browser, depositor: Client) -> None:
    rejected = worked_on(sent(depositor, files={"../escape": b"x"}))
    page = main_of(browser.get(f"/deposits/{rejected.pk}/").content)
    assert "What to mend" in page
    assert "../escape" in page
    assert "package.member.path" in page


def test_parts_come_back_as_they_were_sent(browser: Browser, done: Deposit) -> None:
    package, document = Part.objects.filter(deposit=done).order_by("-kind")
    response = browser.get(f"/deposits/{done.pk}/parts/{package.pk}/")
    assert hashlib.sha256(response.getvalue()).hexdigest() == package.sha256
    assert response["Content-Disposition"] == 'attachment; filename="p.zip"'
    assert downloaded(browser, f"/deposits/{done.pk}/parts/{document.pk}/") == bytes(document.document or b"")


def test_a_citation_is_ready_for_latex(browser: Browser, done: Deposit) -> None:
    text = browser.get(f"/deposits/{done.pk}/citation.bib").content.decode()
    now = timezone.now()
    assert text.splitlines() == [
        f"@softwareversion{{deposit{done.pk},",
        "  title = {Engine \\& Co},",
        "  author = {{Ada Lovelace}},",
        f"  date = {{{now:%Y-%m-%d}}},",
        f"  year = {{{now.year}}},",
        f"  month = {now:%b},".lower(),
        "  version = {1},",
        "  url = {https://hal.example.org/hello},",
        f"  swhid = {{{done.swhid_context}}},",
        "}",
    ]


def test_an_author_who_is_said_twice_is_cited_once() -> None:
    people = "<author><name>Ada Lovelace</name></author>"
    assert names_of(read_entry(atom_entry(people, title="Engine"))) == ["Ada Lovelace"]


def test_a_citation_file_is_yaml_that_names_title_authors_and_identifier(
    browser: Browser, done: Deposit
) -> None:
    response = browser.get(f"/deposits/{done.pk}/CITATION.cff")
    assert response["Content-Disposition"] == 'attachment; filename="CITATION.cff"'
    told = yaml.safe_load(response.content)
    assert (told["cff-version"], told["title"]) == ("1.2.0", "Engine & Co")
    assert told["authors"] == [{"name": "Ada Lovelace"}]
    assert told["identifiers"] == [{"type": "swh", "value": done.swhid}]


def test_a_badge_is_copied_with_the_way_to_its_page(browser: Browser, done: Deposit) -> None:
    page = browser.get(f"/deposits/{done.pk}/")
    assert page.context["badge"] == (
        f"[![{done.swhid}](http://testserver/badge/{done.swhid}.svg)](http://testserver/deposits/{done.pk}/)"
    )


def test_an_address_that_leads_nowhere_leads_back(browser: Browser) -> None:
    response = browser.get("/nothing/here/")
    assert response.status_code == 404
    assert "There is nothing at this address" in response.content.decode()


def test_a_badge_is_for_everybody_and_tells_only_the_identifier(db: None) -> None:
    swhid = "swh:1:dir:" + "ab" * 20
    response = Browser().get(f"/badge/{swhid}.svg")
    assert response["Content-Type"] == "image/svg+xml"
    assert b"dir:abababa" in response.content
    assert Browser().get("/badge/nonsense.svg").status_code == 404


def test_files_are_browsed_down_to_their_bytes(browser: Browser, done: Deposit) -> None:
    root = f"/deposits/{done.pk}/files/"
    assert [line.name for line in browser.get(root).context["lines"]] == ["hello"]
    listed = browser.get(f"{root}hello/").context["lines"]
    assert [(line.name, line.kind, line.size) for line in listed] == [
        ("src", "folder", None),
        ("README", "file", 36),
        ("data.bin", "file", 256),
        ("picture.png", "file", 28),
    ]
    shown = browser.get(listed[1].url).context
    assert (shown["text"], shown["numbers"]) == (FILES["hello/README"].decode(), "1")
    for name, data in FILES.items():
        assert downloaded(browser, f"/deposits/{done.pk}/raw/{name}") == data


def test_only_pictures_are_shown_in_place(browser: Browser, done: Deposit) -> None:
    raw = f"/deposits/{done.pk}/raw/hello"
    kinds = {name: fetched(browser, f"{raw}/{name}") for name in ("picture.png", "README", "data.bin")}
    assert {
        name: (one["Content-Type"], one["Content-Disposition"].split(";")[0]) for name, one in kinds.items()
    } == {
        "picture.png": ("image/png", "inline"),
        "README": ("application/octet-stream", "attachment"),
        "data.bin": ("application/octet-stream", "attachment"),
    }


def test_a_page_that_was_deposited_is_text_and_never_a_page(browser: Browser, depositor: Client) -> None:
    files = {
        "x.html": b"<script>alert(1)</script>",
        "x.svg": b"<svg onload='alert(1)'/>",
        "x.png": b"<script>",
    }
    deposit = worked_on(sent(depositor, files=files))
    for name in files:
        assert b"<script>alert" not in browser.get(f"/deposits/{deposit.pk}/files/{name}").content
        response = fetched(browser, f"/deposits/{deposit.pk}/raw/{name}")
        assert response["Content-Type"] == "application/octet-stream"
        assert response["Content-Disposition"].startswith("attachment")


def test_a_range_of_a_file_is_served(browser: Browser, done: Deposit) -> None:
    path = f"/deposits/{done.pk}/raw/hello/data.bin"
    assert downloaded(browser, path, Range="bytes=10-19") == bytes(range(10, 20))
    assert downloaded(browser, path, Range="bytes=250-") == bytes(range(250, 256))
    assert fetched(browser, path, Range="bytes=10-19")["Content-Range"] == "bytes 10-19/256"
    assert browser.get(path, headers={"Range": "bytes=256-"}).status_code == 416


def test_a_folder_is_taken_away_whole(browser: Browser, done: Deposit) -> None:
    with tarfile.open(fileobj=io.BytesIO(downloaded(browser, f"/deposits/{done.pk}/tar/hello/src"))) as tar:
        assert tar.getnames() == ["hello.py"]
    with zipfile.ZipFile(io.BytesIO(downloaded(browser, f"/deposits/{done.pk}/zip/"))) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    assert files == FILES


def test_every_name_has_an_address(browser: Browser, depositor: Client) -> None:
    names = ["a b", "100%", "%41", "ü", "x?y#z", "semi;colon", "'quote\"", "-", "a&b=c"]
    deposit = worked_on(sent(depositor, files={f"d/{name}": name.encode() for name in names}))
    lines = browser.get(f"/deposits/{deposit.pk}/files/d").context["lines"]
    assert sorted(line.name for line in lines) == sorted(names)
    for line in lines:
        shown = browser.get(line.url)
        assert (shown.status_code, shown.context["text"]) == (200, line.name)
        assert downloaded(browser, shown.context["raw"]) == line.name.encode()


def test_a_long_folder_is_listed_by_pages(
    browser: Browser, depositor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.views.archive._SHOWN_ENTRIES", 3)
    names = ["100%", "%41", "a b", "c&d", "e", "f", "ü"]
    deposit = worked_on(sent(depositor, files=dict.fromkeys(names, b"x")))

    pages, address = [], f"/deposits/{deposit.pk}/files/"
    while address:
        page = browser.get(address).context
        pages.append([line.name for line in page["lines"]])
        address = page["more"]

    assert [len(page) for page in pages] == [3, 3, 1]
    assert sorted(name for page in pages for name in page) == sorted(names)
    assert browser.get(f"/deposits/{deposit.pk}/files/?after=nothing").status_code == 404


def test_what_the_archive_cannot_read_now_is_said_so(browser: Browser, done: Deposit) -> None:
    for pack in Path(settings.ARCHIVE_ROOT).rglob("*"):
        if pack.is_file():
            pack.unlink()
    for page in ("files/", "files/hello/README", "raw/hello/README", "tar/"):
        answer = browser.get(f"/deposits/{done.pk}/{page}")
        assert (answer.status_code, b"archive.pack-missing" in answer.content) == (503, True), page


def test_a_path_that_is_not_there_is_not_found(browser: Browser, done: Deposit) -> None:
    for path in ("nothing", "hello/../hello", "hello/README/x"):
        assert browser.get(f"/deposits/{done.pk}/files/{path}").status_code == 404


def test_an_operator_sees_a_closed_deposit_but_not_what_it_holds(
    operators_browser: Browser, done: Deposit
) -> None:
    assert done.collection.closed
    page = main_of(operators_browser.get(f"/deposits/{done.pk}/").content)
    assert "Ada Lovelace" not in page
    part = Part.objects.filter(deposit=done)[0]
    for path in ("files/", "raw/hello/README", "tar/", "citation.bib", f"parts/{part.pk}/"):
        assert operators_browser.get(f"/deposits/{done.pk}/{path}").status_code == 403


FAULT = "PermissionError: [Errno 13] Permission denied: '/srv/archive/incoming'"


@pytest.fixture
def failed(done: Deposit) -> Deposit:
    """A deposit whose load failed again and again, by a fault of the machine."""
    lifecycle.fire(EventName.RESCHEDULE, done.pk, actor="operator")
    for _ in range(2):
        claim = claimed(Work.LOAD, done, worker="loader@host7.internal:4242")
        give_back(claim, reason=FAULT, after_seconds=0, counts=True)
    claim = claimed(Work.LOAD, done, worker="loader@host7.internal:4242")
    lifecycle.fire(EventName.FAIL, done.pk, actor=claim.worker, token=claim.token)
    return done


def test_depositors_see_no_paths_exceptions_and_workers_and_operators_do(
    browser: Browser, operators_browser: Browser, failed: Deposit
) -> None:
    address = f"/deposits/{failed.pk}/"
    own, theirs = (main_of(one.get(address).content) for one in (browser, operators_browser))
    for inner in ("PermissionError", "/srv/archive", "host7"):
        assert inner not in own
        assert inner in theirs
    assert "This is not your fault" in own
    assert "not your fault" not in theirs
    assert "load it again" in theirs
    events = f"/api/deposits/{failed.pk}/events/?page_size=100"
    bag = b"".join(browser.get(f"/archive/deposit/{failed.pk}/bag/"))
    for inner in ("PermissionError", "/srv/archive", "host7"):
        assert inner not in browser.get(events).content.decode()
        assert inner in operators_browser.get(events).content.decode()
        assert inner.encode() not in bag


def test_shares_are_rounded_and_sizes_have_one_unit() -> None:
    assert [percent(share) for share in (4 / 22, 1 / 3, 2 / 3, 0, 1)] == [
        "18.2 %", "33.3 %", "66.7 %", "0.0 %", "100.0 %",
    ]  # fmt: skip
    told = {
        0: "0 bytes", 1: "1 byte", 1023: "1023 bytes", 1024: "1.0 KiB", 1536: "1.5 KiB",
        1024**2 - 1: "1.0 MiB", 10 * 1024**2: "10.0 MiB", 3 * 1024**3: "3.0 GiB", 2 * 1024**4: "2.0 TiB",
    }  # fmt: skip
    assert {size: size_in_words(size) for size in told} == told
    assert in_bytes([[10 * 1024**2]]) == (1024**2, "MiB")


def test_stored_answers_for_the_own_deposits_only(
    browser: Browser, done: Deposit, django_user_model: type[User]
) -> None:
    content = "swh:1:cnt:" + SWHID.parse(str(done.swhid)).hash.hex()
    assert browser.get("/stored/", {"q": str(done.swhid_context)}).context["is_stored"] is True
    places = browser.get("/stored/", {"q": str(done.swhid)}).context["places"]
    assert [(place.deposit.pk, place.path) for place in places] == [(done.pk, "")]
    assert browser.get("/stored/", {"q": content}).context["is_stored"] is False
    neighbour = logged_in(django_user_model.objects.create_user("neighbour"))
    assert neighbour.get("/stored/", {"q": str(done.swhid)}).context["is_stored"] is False
    assert browser.get("/stored/", {"q": "engine"})["Location"] == "/deposits/?q=%65%6E%67%69%6E%65"


def test_a_digest_of_what_another_has_is_answered_like_one_that_nobody_has(
    collection: Collection, done: Deposit
) -> None:
    neighbour = logged_in(new_client(collection).user)
    pages = []
    for data in (FILES["hello/README"], b"what nobody has"):
        digest = hashlib.sha256(data).hexdigest()
        began = time.monotonic()
        page = main_of(neighbour.get("/stored/", {"q": digest}).content).replace(digest, "")
        assert time.monotonic() - began > 0.05
        pages.append(page)
    assert "No, it is not stored here." in pages[0]
    assert pages[0] == pages[1]


def test_stored_finds_a_file_by_its_sha256(browser: Browser, done: Deposit) -> None:
    readme = FILES["hello/README"]
    from_archive = browser.get(f"/deposits/{done.pk}/files/hello/README").context["swhid"]
    assert read_object(SWHID.parse(from_archive)) == readme
    digest = hashlib.sha256(readme).hexdigest()
    for asked in (from_archive, digest, digest.upper()):
        context = browser.get("/stored/", {"q": asked}).context
        assert context["is_stored"] is True
        [place] = context["places"]
        assert (place.deposit.pk, place.path, context["packages"]) == (done.pk, "hello/README", [])
        assert browser.get(place.url).status_code == 200
        assert place.since == Event.objects.get(deposit=done, name="finish").at


def test_stored_finds_a_package_by_its_sha256_whatever_became_of_it(
    browser: Browser, depositor: Client, done: Deposit
) -> None:
    part = Part.objects.get(deposit=done, kind="package")
    page = browser.get("/stored/", {"q": part.sha256})
    [place] = page.context["packages"]
    assert (page.context["is_stored"], place.deposit.pk, place.package) == (True, done.pk, "p.zip")
    assert place.since == part.created_at
    assert "As the package p.zip of" in main_of(page.content)
    waiting = sent(depositor, files={"other": b"waits"})
    digest = Part.objects.get(deposit=waiting, kind="package").sha256
    page = browser.get("/stored/", {"q": digest})
    assert page.context["is_stored"] is False
    assert "It was sent, but it is not in the archive." in main_of(page.content)
    neighbour = logged_in(new_client(depositor.collections.get()).user)
    assert neighbour.get("/stored/", {"q": part.sha256}).context["packages"] == []
    assert "No, it is not stored here." in main_of(neighbour.get("/stored/", {"q": part.sha256}).content)


def test_stored_finds_folders_and_what_is_in_several_deposits(
    browser: Browser, depositor: Client, done: Deposit
) -> None:
    again = worked_on(sent(depositor, files={"deep/er/README": FILES["hello/README"]}, slug="again"))
    asked = browser.get(f"/deposits/{done.pk}/files/hello/README").context["swhid"]
    places = browser.get("/stored/", {"q": asked}).context["places"]
    assert [(place.deposit.pk, place.path) for place in places] == [
        (done.pk, "hello/README"),
        (again.pk, "deep/er/README"),
    ]
    folder = str(SWHID(ObjectType.DIRECTORY, resolve(SWHID.parse(str(again.swhid)).hash, b"deep/er").target))
    [place] = browser.get("/stored/", {"q": folder}).context["places"]
    assert (place.deposit.pk, place.path) == (again.pk, "deep/er")
    for whole in (again.release_swhid, again.snapshot_swhid):
        places = browser.get("/stored/", {"q": str(whole)}).context["places"]
        assert [(place.deposit.pk, place.path) for place in places] == [(again.pk, "")]


def test_the_history_of_an_origin_lists_its_versions(browser: Browser, depositor: Client) -> None:
    first, second = worked_on(sent(depositor)), worked_on(sent(depositor, files={"b": b"2"}))
    listed = browser.get("/origin/", {"origin": str(first.origin_url)}).context["deposits"]
    assert [(one.pk, one.software_version) for one in listed] == [(second.pk, "2"), (first.pk, "1")]
