"""A withdrawn deposit at every address of the service: nothing of it is shown but its tombstone."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser
from django.urls import URLPattern, URLResolver, get_resolver

from archive.identifiers import SWHID
from archive.retrieval import resolve
from checker.checking import check
from deposit.actors import Actor, Channel
from deposit.models import Collection, Curatorship, DeletionKind, DeletionRequest, Deposit, PartKind
from deposit.services import deletions
from loader.workflow import load
from tests.support.factories import PASSWORD, basic, new_client, new_collection
from tests.support.lifecycle_fixtures import sent
from tests.support.samples import atom_entry, create_origin, make_zip

pytestmark = pytest.mark.django_db

REASON = "The publisher asks for it: the data name people."
# In the package, its metadata and its names; none of it is in the citation.
MARKS = (b"Marker-Content", b"marker-file", b"marker-package", b"Marker-Description", b"marker-origin")
TITLE = b"A title to be cited"
FILES = {"pkg/marker-file.txt": b"Marker-Content of a file\n", "pkg/other": b"x"}


class World:
    """A public collection with a deposit by ada that is done; a curator and an operator."""

    def __init__(self) -> None:
        collection = new_collection("hal")
        Collection.objects.update(public=True, closed=False)
        self.depositor = new_client(collection, username="ada")
        self.deposit = self.archived(FILES)
        self.curator = User.objects.create_user("cora", password=PASSWORD)
        Curatorship.objects.create(user=self.curator, collection=collection)

    def archived(self, files: dict[str, bytes], origin: str = "marker-origin") -> Deposit:
        told = create_origin(f"https://hal.example.org/{origin}")
        told += "<codemeta:description>Marker-Description</codemeta:description>"
        entry = atom_entry(told, title=TITLE.decode())
        who = (self.depositor, Collection.objects.get())
        deposit = sent(make_zip(files), entry=entry, who=who)
        deposit.parts.filter(kind=PartKind.PACKAGE).update(name="marker-package.zip")
        Deposit.objects.filter(pk=deposit.pk).update(package_name="marker-package.zip")
        check(deposit.pk, worker="checker@test")
        load(deposit.pk, worker="loader@test")
        deposit.refresh_from_db()
        assert deposit.status == "done"
        return deposit

    def withdraw(self, kind: DeletionKind = DeletionKind.WITHDRAW) -> None:
        depositor, curator = (
            Actor(user=user, channel=Channel.DASHBOARD) for user in (self.depositor.user, self.curator)
        )
        asked = deletions.request(actor=depositor, deposit_id=self.deposit.pk, kind=kind, reason=REASON)
        deletions.approve(actor=curator, request_id=asked.pk)

    def program(self, name: str) -> Browser:
        return Browser(headers={"Authorization": basic(name)}) if name else Browser()


@pytest.fixture
def world(db: None) -> World:
    return World()


def addresses(world: World, patterns: list[Any], before: str = "/") -> Iterator[str]:
    """One address for each path, about the deposit wherever a path has room for one."""
    for pattern in patterns:
        path = before + _written(pattern.pattern, world)
        if isinstance(pattern, URLResolver):
            yield from addresses(world, pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern):
            yield path


def _written(pattern: Any, world: World) -> str:
    deposit = world.deposit
    part = deposit.parts.filter(kind=PartKind.PACKAGE).get().pk
    values = {
        "deposit_id": deposit.pk,
        "pk": deposit.pk,
        "part_id": part,
        "swhid": deposit.swhid,
        "path": "pkg/marker-file.txt",
        "collection": "hal",
        "suffix": "atom",
        "name": "hal",
    }

    def value(match: re.Match[str]) -> str:
        return str(values.get(match[1], 1))

    route = getattr(pattern, "_route", None)
    if route is not None:
        return re.sub(r"<(?:\w+:)?(\w+)>", value, str(route))
    text = re.sub(r"\(\?P<(\w+)>[^)]*\)", value, pattern.regex.pattern.strip("^$"))
    return re.sub(r"\(.*?\)", "1", text).replace("\\.", ".").replace("\\Z", "").replace("/?", "/").rstrip("$")


def everything(world: World) -> list[str]:
    deposit = world.deposit
    assert deposit.swhid is not None
    found = set(addresses(world, get_resolver().url_patterns))
    content = resolve(SWHID.parse(deposit.swhid).hash, b"pkg/marker-file.txt").swhid
    found |= {
        f"/archive/{content}/",
        f"/archive/{deposit.release_swhid}/",
        f"/archive/{deposit.snapshot_swhid}/",
    }
    found |= {f"/stored/?q={content}", f"/stored/?q={deposit.swhid}", f"/deposits/?q={TITLE.decode()}"}
    found |= {f"/archive/origin/?url={deposit.origin_url}", f"/origin/?origin={deposit.origin_url}"}
    found |= {f"/archive/{content.hash.hex()}/", "/1/hal/?page=1", "/deposits.csv", "/packages.csv"}
    found |= {f"/api/deposits/{deposit.pk}/exports/{name}" for name in ("citation.bib", "codemeta.json")}
    found |= {f"/archive/{deposit.swhid}/pkg/", f"/deposits/{deposit.pk}/files/pkg/"}
    return sorted(path for path in found if "logout" not in path)


def body(answer: Any) -> bytes:
    data = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return data + repr(sorted(answer.items())).encode()


def told(world: World, name: str, *, as_browser: bool) -> dict[str, list[bytes]]:
    """Which addresses show which marks to somebody."""
    browser = world.program("" if as_browser else name)
    browser.raise_request_exception = False
    if as_browser and name:
        browser.login(username=name, password=PASSWORD)
    shown = {}
    for path in everything(world):
        data = body(browser.get(path))
        # What was asked for is no news to who asked.
        asked = path.encode()
        marks = [mark for mark in MARKS if mark in data.replace(asked, b"") and mark not in asked]
        if marks:
            shown[path] = marks
    return shown


@pytest.mark.parametrize(("name", "as_browser"), [("ada", False), ("ada", True), ("", False)])
def test_nothing_of_it_is_shown_anywhere(world: World, name: str, as_browser: bool) -> None:
    before = told(world, name, as_browser=as_browser)
    assert len(before) > (5 if name else 2), before
    world.withdraw()
    assert told(world, name, as_browser=as_browser) == {}
    world.withdraw(DeletionKind.RESTORE)
    assert told(world, name, as_browser=as_browser).keys() == before.keys()


def test_its_addresses_say_that_it_is_gone_and_why(world: World) -> None:
    world.withdraw()
    number, swhid = world.deposit.pk, world.deposit.swhid
    part = world.deposit.parts.filter(kind=PartKind.PACKAGE).get().pk
    own = [f"/1/hal/{number}/{name}/" for name in ("media", "metadata", "atom", "status", "content")]
    own += [f"/3/object/{number}", f"/api/deposits/{number}/", f"/archive/deposit/{number}/bag/"]
    own += [f"/archive/deposit/{number}/sent/", f"/deposits/{number}/parts/{part}/"]
    public = [f"/deposits/{number}/", f"/deposits/{number}/files/", f"/deposits/{number}/zip/"]
    public += [
        f"/archive/{swhid}/",
        f"/archive/{world.deposit.release_swhid}/",
        f"/archive/{swhid}/pkg/other",
    ]
    public += [f"/archive/{world.deposit.snapshot_swhid}/", f"/deposits/{number}/citation.bib"]
    program, page, anybody = world.program("ada"), Browser(), Browser()
    page.login(username="ada", password=PASSWORD)
    for path in own + public:
        browser = page if path.startswith("/deposits/") else program
        answer = browser.get(path)
        assert (path, answer.status_code) == (path, 410)
        data = body(answer)
        assert (path, TITLE in data, REASON.encode() in data, b"cora" in data) == (path, True, True, True)
    for path in public:
        assert (path, anybody.get(path).status_code) == (path, 410)
    # What is not public is not told of: neither that it was there nor that it is gone.
    Collection.objects.update(public=False)
    for path in public:
        assert (path, anybody.get(path).status_code in (302, 401)) == (path, True)
    stranger = new_client(username="bob")
    assert world.program(stranger.user.username).get(f"/api/deposits/{number}/").status_code == 404


def test_a_tombstone_is_json_for_programs(world: World) -> None:
    world.withdraw()
    answer = Browser().get(f"/deposits/{world.deposit.pk}/", headers={"Accept": "application/json"})
    assert (answer.status_code, answer["Content-Type"]) == (410, "application/json")
    assert (answer.json()["reason"], answer.json()["decided_by"]) == (REASON, "cora")
    problem = Browser().get(f"/archive/{world.deposit.swhid}/").json()
    assert (problem["code"], problem["tombstone"]["reason"]) == ("deposit.withdrawn", REASON)
    document = world.program("ada").get(f"/3/object/{world.deposit.pk}").json()
    assert document["tombstone"]["deposit"] == world.deposit.pk


def test_what_another_deposit_holds_stays_readable(world: World) -> None:
    shared = {"pkg/marker-file.txt": FILES["pkg/marker-file.txt"], "pkg/new": b"new"}
    other = world.archived(shared, origin="elsewhere")
    assert world.deposit.swhid is not None
    assert other.swhid is not None
    content = resolve(SWHID.parse(other.swhid).hash, b"pkg/marker-file.txt").swhid
    alone = resolve(SWHID.parse(world.deposit.swhid).hash, b"pkg/other").swhid
    world.withdraw()
    assert FILES["pkg/marker-file.txt"] in body(Browser().get(f"/archive/{content}/"))
    assert b"marker-file" in body(Browser().get(f"/archive/{other.swhid}/"))
    assert Browser().get(f"/archive/{alone}/").status_code == 410
    known = world.program("ada").post(
        "/api/archive/known/", {"swhids": [str(content), str(alone)]}, content_type="application/json"
    )
    assert known.json() == {str(content): {"known": True}, str(alone): {"known": False}}


def test_feeds_tell_of_it(world: World) -> None:
    world.withdraw()
    for browser, path in ((Browser(), "/feeds/collections/hal/"), (world.program("ada"), "/feeds/mine/")):
        feed = browser.get(path).content.decode()
        assert f"Withdrawn: {REASON}" in feed
        assert 'term="withdrawn"' in feed
        assert str(world.deposit.swhid) not in feed


@pytest.mark.parametrize("door", ["/1/hal/{}/atom/", "/3/object/{}"])
def test_deleting_what_is_done_asks_for_it(world: World, door: str) -> None:
    path = door.format(world.deposit.pk)
    program = world.program("ada")
    answers = [program.delete(path), program.delete(path)]
    assert [answer.status_code for answer in answers] == [202, 202]
    place = answers[0]["Location"]
    assert answers[1]["Location"] == place
    asked = program.get(place).json()
    assert (asked["kind"], asked["state"], asked["requester"]) == ("withdraw", "requested", "ada")
    reviewer = world.program("cora")
    assert program.post(f"{place}approve/", content_type="application/json").status_code == 403
    assert reviewer.get(place).json()["may_review"] is True
    assert reviewer.post(f"{place}approve/", content_type="application/json").json()["state"] == "approved"
    assert program.delete(path).status_code == 410
    assert reviewer.post(f"{place}approve/", content_type="application/json").status_code == 409


@pytest.mark.parametrize("door", ["/1/hal/{}/atom/", "/3/object/{}"])
def test_deleting_says_why_in_a_header(world: World, door: str) -> None:
    path, program = door.format(world.deposit.pk), world.program("ada")
    short = program.delete(path, headers={"X-Deletion-Reason": "no"})
    assert (short.status_code, DeletionRequest.objects.count()) == (422, 0)
    reason = "The dataset names Zo\u00eb, and she did not agree."
    wire = reason.encode().decode("latin-1")
    answer = program.delete(path, headers={"X-Deletion-Reason": wire})
    assert (answer.status_code, DeletionRequest.objects.get().reason) == (202, reason)


def test_the_api_asks_cancels_and_rejects(world: World) -> None:
    program, reviewer = world.program("ada"), world.program("cora")
    wanted = {"deposit": world.deposit.pk, "kind": "withdraw", "reason": REASON}
    made = program.post("/api/deletions/", wanted, content_type="application/json")
    assert made.status_code == 201
    number = made.json()["id"]
    assert program.post("/api/deletions/", wanted, content_type="application/json").status_code == 409
    assert program.post(f"/api/deletions/{number}/cancel/").json()["state"] == "cancelled"
    number = program.post("/api/deletions/", wanted, content_type="application/json").json()["id"]
    short = reviewer.post(f"/api/deletions/{number}/reject/", {"note": "no"}, content_type="application/json")
    assert (short.status_code, short.json()["code"]) == (422, "deletion.reason")
    note = {"note": "The data are public elsewhere."}
    answer = reviewer.post(f"/api/deletions/{number}/reject/", note, content_type="application/json")
    assert answer.json()["state"] == "rejected"
    listed = program.get("/api/deletions/?state=rejected").json()["results"]
    assert [one["id"] for one in listed] == [number]


def test_the_pages_ask_and_decide(world: World) -> None:
    page, other = Browser(), Browser()
    page.login(username="ada", password=PASSWORD)
    other.login(username="cora", password=PASSWORD)
    form = f"/deposits/{world.deposit.pk}/deletion/"
    assert form in page.get(f"/deposits/{world.deposit.pk}/").content.decode()
    assert page.post(form, {"reason": "short"}).status_code == 400
    place = page.post(form, {"reason": REASON})["Location"]
    assert "Take the request back" in page.get(place).content.decode()
    assert page.post(f"{place}review/", {"action": "approve"}).status_code == 400
    assert other.post(f"{place}review/", {"action": "reject", "note": ""}).status_code == 400
    assert other.post(f"{place}review/", {"action": "approve"}).status_code == 302
    assert page.get(f"/deposits/{world.deposit.pk}/").status_code == 410
    seen = other.get(f"/deposits/{world.deposit.pk}/")
    assert (seen.status_code, "others see only a tombstone" in seen.content.decode()) == (200, True)
    assert REASON in page.get("/deletions/").content.decode()
    assert page.get(form).status_code == 200
