"""A deposit that is erased, at every address, by every method and for everybody: nothing of it is shown or done."""

import os
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client as Browser

from archive.identifiers import SWHID
from archive.retrieval import resolve
from deposit.erasure import work
from deposit.models import DeletionKind, Notification, NotificationState, Part, PartKind
from deposit.notices.expansion import expand
from deposit.permissions import Role
from deposit.services import deletions, roles
from tests.support.erasing import acting
from tests.support.factories import PASSWORD
from tests.support.notices import subscribed, with_address
from tests.test_withdrawn_everywhere import MARKS, REASON, TITLE, World, body, everything

pytestmark = pytest.mark.django_db

# An origin is an identifier: it stays, for those who see the record.
CONTENT = (*(mark for mark in MARKS if mark != b"marker-origin"), TITLE)
# The whole walk takes minutes; a part of it is in every run.
thorough = pytest.mark.skipif("TEST_FAULTS" not in os.environ, reason="takes minutes: set TEST_FAULTS=1")


class Erased(World):
    """The same collection, with those who run the service."""

    def __init__(self) -> None:
        super().__init__()
        self.administrator = User.objects.create_superuser("adam", password=PASSWORD)
        self.operator = User.objects.create_user("oscar", password=PASSWORD, is_staff=True)
        roles.grant(actor=acting(self.administrator), username="oscar", role=Role.OPERATOR, collection=None)
        self.paths = everything(self)
        number = self.deposit.pk
        self.paths += [f"/admin/deposit/{name}/{number}/change/" for name in ("deposit",)]
        self.paths += [f"/admin/deposit/{name}/?q=A+title" for name in ("deposit", "client", "collection")]
        self.part = self.deposit.parts.filter(kind=PartKind.PACKAGE).get().pk

    def erase(self) -> None:
        asked = deletions.request(
            actor=acting(self.curator), deposit_id=self.deposit.pk, kind=DeletionKind.ERASE, reason=REASON
        )
        work.plan(asked.pk, worker="planner@test")
        deletions.approve(actor=acting(self.administrator), request_id=asked.pk)
        work.erase(asked.pk, worker="eraser@test")

    def browser(self, name: str) -> Browser:
        browser = Browser(raise_request_exception=False)
        if name:
            browser.login(username=name, password=PASSWORD)
        return browser

    def program_of(self, name: str) -> Browser:
        program = self.program(name)
        program.raise_request_exception = False
        return program


@pytest.fixture
def world(db: None) -> Erased:
    return Erased()


def shown(browser: Browser, paths: list[str]) -> dict[str, list[bytes]]:
    """Which addresses show which marks, or fail."""
    found = {}
    for path in paths:
        answer = browser.get(path)
        data = body(answer)
        # What was asked for is no news to who asked.
        asked = path.encode()
        marks = [mark for mark in CONTENT if mark in data.replace(asked, b"") and mark not in asked]
        marks += [b"500"] if answer.status_code >= 500 else []
        if marks:
            found[path] = marks
    return found


@pytest.mark.parametrize(
    ("way", "name"),
    [
        ("browser", "adam"),
        ("program", "ada"),
        pytest.param("browser", "ada", marks=thorough),
        pytest.param("browser", "", marks=thorough),
        pytest.param("browser", "cora", marks=thorough),
        pytest.param("browser", "oscar", marks=thorough),
        pytest.param("program", "cora", marks=thorough),
        pytest.param("program", "adam", marks=thorough),
    ],
)
def test_nothing_of_it_is_shown_to_anybody(world: Erased, way: str, name: str) -> None:
    browser = world.browser(name) if way == "browser" else world.program_of(name)
    before = {path: marks for path, marks in shown(browser, world.paths).items() if marks != [b"500"]}
    assert len(before) > 1, before
    world.erase()
    assert shown(browser, world.paths) == {}


_BODIES: dict[str, Callable[[Browser, str], Any]] = {
    "post": lambda browser, path: browser.post(path, "{}", content_type="application/json"),
    "post-form": lambda browser, path: browser.post(path, {"action": "restore", "reason": REASON}),
    "put": lambda browser, path: browser.put(path, b"x", content_type="application/zip"),
    "patch": lambda browser, path: browser.patch(path, "{}", content_type="application/json"),
    "delete": lambda browser, path: browser.delete(path),
    "head": lambda browser, path: browser.head(path),
    "options": lambda browser, path: browser.options(path),
}


@thorough
@pytest.mark.parametrize(("name", "state"), [("ada", "withdrawn"), ("ada", "erased"), ("adam", "erased")])
def test_no_method_shows_anything_of_it(world: Erased, name: str, state: str) -> None:
    if state == "erased":
        world.erase()
    else:
        world.withdraw()
    # The tombstone of what is withdrawn cites it.
    marks = CONTENT if state == "erased" else CONTENT[:-1]
    program = world.program_of(name)
    found = {}
    for path in world.paths:
        for method, send in _BODIES.items():
            data = body(send(program, path))
            if any(mark in data and mark not in path.encode() for mark in marks):
                found[method, path] = data[:300]
    assert found == {}
    assert world.deposit.collection.deposits.filter(pk=world.deposit.pk, status="done").exists()


def test_its_addresses_say_that_it_was_erased_and_why(world: Erased) -> None:
    assert world.deposit.swhid is not None
    content = resolve(SWHID.parse(world.deposit.swhid).hash, b"pkg/other").swhid
    world.erase()
    number, swhid = world.deposit.pk, world.deposit.swhid
    own = [f"/1/hal/{number}/{name}/" for name in ("media", "metadata", "atom", "status", "content")]
    own += [f"/3/object/{number}", f"/api/deposits/{number}/", f"/archive/deposit/{number}/bag/"]
    own += [f"/archive/deposit/{number}/sent/", f"/deposits/{number}/parts/{world.part}/"]
    public = [f"/deposits/{number}/", f"/deposits/{number}/files/", f"/archive/{swhid}/"]
    public += [f"/archive/{content}/", f"/archive/{world.deposit.release_swhid}/"]
    public += [f"/archive/{world.deposit.snapshot_swhid}/", f"/deposits/{number}/citation.bib"]
    program, page, anybody = world.program_of("ada"), world.browser("ada"), world.browser("")
    for path in own + public:
        answer = (page if path.startswith("/deposits/") else program).get(path)
        data = body(answer)
        seen = (answer.status_code, TITLE in data, REASON.encode() in data, b"adam" in data)
        assert (path, *seen) == (path, 410, False, True, True)
    for path in public:
        assert (path, anybody.get(path).status_code) == (path, 410)
    problem = program.get(f"/api/deposits/{number}/").json()
    assert (problem["code"], sorted(problem["tombstone"])) == (
        "deposit.erased",
        ["decided_by", "deposit", "erased_at", "reason"],
    )
    tombstone = page.get(f"/deposits/{number}/").content.decode()
    assert "was erased" in tombstone
    assert "Citation" not in tombstone


def test_those_who_run_the_service_see_that_it_was_there(world: Erased) -> None:
    world.erase()
    for name in ("cora", "adam"):
        page = world.browser(name).get(f"/deposits/{world.deposit.pk}/")
        told = page.content.decode()
        assert (name, page.status_code, "only identifiers and the history are left" in told) == (
            name,
            200,
            True,
        )
        assert str(world.deposit.swhid) in told
    page = world.browser("adam").get(f"/admin/deposit/deposit/{world.deposit.pk}/change/")
    assert page.status_code == 200


def test_commands_tell_nothing_of_it(world: Erased, capsys: pytest.CaptureFixture[str]) -> None:
    world.erase()
    capsys.readouterr()
    call_command("deposit", "show", "--deposit-id", str(world.deposit.pk))
    call_command("deposit", "list")
    call_command(
        "deletion", "show", "--id", str(deletions.requests_for(acting(world.administrator)).get().pk)
    )
    told = capsys.readouterr().out.encode()
    assert [mark for mark in CONTENT if mark in told] == []


def test_of_what_is_withdrawn_operators_see_the_title_and_no_files(world: Erased) -> None:
    """Those who decide on it read it until it is erased; who only runs the service sees what it is about."""
    world.withdraw()
    part = f"/deposits/{world.deposit.pk}/parts/{world.part}/"
    for name, reads in (("cora", 200), ("adam", 200), ("oscar", 410)):
        browser = world.browser(name)
        page = browser.get(f"/deposits/{world.deposit.pk}/").content
        sent = browser.get(part)
        body(sent)
        assert (name, TITLE in page, sent.status_code) == (name, True, reads)
    world.erase()
    for name in ("cora", "adam", "oscar"):
        browser = world.browser(name)
        page = browser.get(f"/deposits/{world.deposit.pk}/").content
        assert (name, TITLE in page, browser.get(part).status_code) == (name, False, 410)


@pytest.mark.django_db(transaction=True)
def test_what_waited_to_be_told_of_it_is_not_told() -> None:
    world = Erased()
    user = with_address(world.depositor)
    subscription, _secret = subscribed(user, events=["deposit.done", "deposit.withdrawn"])
    world.deposit = world.archived({"pkg/later": b"Marker-Content later"}, origin="later")
    expand()
    queued = Notification.objects.get(subscription=subscription)
    assert (queued.type, TITLE.decode() in str(queued.body)) == ("deposit.done", True)
    # Another is done, and nobody has told of it yet.
    first, world.deposit = world.deposit, world.archived({"pkg/last": b"x"}, origin="last")
    for deposit in (world.deposit, first):
        world.deposit = deposit
        world.withdraw()
    expand()
    states = dict(Notification.objects.values_list("type", "state").order_by("id"))
    assert states == {
        "deposit.done": NotificationState.DROPPED,
        "deposit.withdrawn": NotificationState.WAITING,
    }
    world.erase()
    expand()
    told = str(list(Notification.objects.filter(deposit=world.deposit.pk).values_list("body"))).encode()
    assert [mark for mark in CONTENT if mark in told] == []
    assert Part.objects.filter(deposit=world.deposit).count() == 0
