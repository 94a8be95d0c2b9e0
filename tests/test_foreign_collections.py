"""Names of collections are not told to who may not know them: each door answers as for a name that is none."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client as Browser

from deposit.models import Collection, Curatorship, Deposit, Status
from tests.support.factories import basic, new_client, new_collection
from tests.support.lifecycle_fixtures import in_status
from tests.support.samples import atom_entry, make_zip
from tests.test_nasty_strings import status_of

pytestmark = pytest.mark.django_db

# As long as each other, so that lengths tell nothing either.
FOREIGN, NOBODYS = "foreign", "nowhere"
ZIP = make_zip({"a": b"1"})
Answer = Callable[[Browser, str], Any]


def form(path: str, fields: dict[str, str]) -> Answer:
    return lambda browser, name: browser.post(path, {key: text.format(name) for key, text in fields.items()})


def get(path: str, **headers: str) -> Answer:
    return lambda browser, name: browser.get(path.format(name), headers=headers)


def send(method: str, path: str, body: bytes = b"", kind: str = "", **headers: str) -> Answer:
    return lambda browser, name: browser.generic(
        method,
        path.format(name),
        body,
        content_type=kind,
        headers={key.replace("_", "-"): text for key, text in headers.items()},
    )


PROGRAMS: dict[str, Answer] = {
    "SWORD 2 list": get("/1/{}/"),
    "SWORD 2 list, for another": get("/1/{}/", **{"On-Behalf-Of": "bob"}),
    "SWORD 2 package": send("POST", "/1/{}/", ZIP, "application/zip"),
    "SWORD 2 entry": send("POST", "/1/{}/", atom_entry(""), "application/atom+xml;type=entry"),
    "SWORD 2 package for another": send("POST", "/1/{}/", ZIP, "application/zip", On_Behalf_Of="bob"),
    **{
        f"SWORD 2 {method} {name}": send(method, "/1/{}/" + name, ZIP, "application/zip")
        for method in ("GET", "POST", "PUT", "DELETE")
        for name in ("1/media/", "1/metadata/", "1/atom/", "1/status/", "1/content/", "1/statement.atom")
    },
    "SWORD 3 service": get("/3/service/{}"),
    "SWORD 3 service with a slash": get("/3/service/{}/"),
    "SWORD 3 package": send("POST", "/3/service/{}", ZIP, "application/zip"),
    "SWORD 3 package for another": send("POST", "/3/service/{}", ZIP, "application/zip", On_Behalf_Of="bob"),
    "JSON deposits": get("/api/deposits/?collection={}"),
    "JSON packages": get("/api/packages/?collection={}"),
    "JSON package": get("/api/packages/download/?external_id=x&collection={}"),
    "JSON file": get("/api/packages/file/?external_id=x&path=a&collection={}"),
    "JSON deliveries": get("/api/deliveries/?collection={}"),
    "JSON figures": get("/api/statistics/figures/?collection={}"),
    "JSON batch": send(
        "POST", "/api/batches/", b'{"folder": "/", "collection": "foreign"}', "application/json"
    ),
}
PAGES: dict[str, Answer] = {
    "deposits": get("/deposits/?collection={}"),
    "export": get("/deposits.csv?collection={}"),
    "figures": get("/figures/?collection={}"),
    "figures export": get("/figures.csv?collection={}"),
    "packages": get("/packages/?collection={}"),
    "packages export": get("/packages.csv?collection={}"),
    "deliveries": get("/deliveries/?collection={}"),
    "report of sources": get("/sources/report/?collection={}"),
    "upload": form("/upload/", {"collection": "{}", "title": "A", "authors": "B"}),
    "source": get("/sources/{}/"),
    "pipelines": get("/pipelines/?collection={}"),
    "admin": get("/admin/deposit/collection/?q={}"),
}


@pytest.fixture
def browser() -> Browser:
    """A depositor who mediates nowhere; the foreign collection has a deposit of somebody else's, which is done."""
    other = new_client(new_collection(FOREIGN), username="bob")
    deposit = in_status(Status.DONE)
    collection = Collection.objects.get(name=FOREIGN)
    Deposit.objects.filter(pk=deposit.pk).update(client=other, collection=collection, external_id="x")
    ada = new_client(new_collection("hal"), username="ada")
    browser = Browser(raise_request_exception=False)
    browser.force_login(ada.user)
    return browser


def told(answer: Any, name: str) -> tuple[int, str]:
    """An answer as it is for any name; what differs in every answer is left out."""
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    text = content.decode()
    text = re.sub(r'(csrfmiddlewaretoken" value|content)="[A-Za-z0-9]{32,}"', "", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)", "TIME", text)
    headers = {key: value for key, value in answer.items() if key not in ("X-Request-ID", "Content-Length")}
    whole = f"{sorted(headers.items())} {text}".replace(name, "NAME")
    return answer.status_code, re.sub(r"nonce-[^']+|[0-9a-f]{16}", "", whole)


@pytest.mark.parametrize("kind", PROGRAMS)
def test_a_program_is_told_of_a_foreign_collection_what_it_is_told_of_none(
    kind: str, browser: Browser
) -> None:
    program = Browser(raise_request_exception=False, headers={"Authorization": basic("ada")})
    answers = [told(PROGRAMS[kind](program, name), name) for name in (FOREIGN, NOBODYS)]
    assert answers[0] == answers[1]


@pytest.mark.parametrize("kind", PAGES)
def test_a_page_says_of_a_foreign_collection_what_it_says_of_none(kind: str, browser: Browser) -> None:
    answers = [told(PAGES[kind](browser, name), name) for name in (FOREIGN, NOBODYS)]
    assert answers[0] == answers[1]


def test_lists_and_documents_name_no_foreign_collection(browser: Browser) -> None:
    program = Browser(raise_request_exception=False, headers={"Authorization": basic("ada")})
    found = []
    for path in (
        "/1/servicedocument/",
        "/3/",
        "/api/",
        "/api/openapi.json",
        "/api/collections/",
        "/api/deposits/",
        "/api/statistics/figures/?by=collection",
        "/",
        "/deposits/",
        "/figures/",
        "/packages/",
        "/upload/",
        "/account/",
        "/help/",
    ):
        for who in (program, browser, Browser()):
            answer: Any = who.get(path)
            content = b"".join(answer.streaming_content) if answer.streaming else answer.content
            if FOREIGN.encode() in content:
                found.append(path)
            answer.close()
    assert found == []


def test_who_sees_a_collection_is_told_that_it_is_not_his(browser: Browser) -> None:
    """A curator who deposits elsewhere: the collection exists for him."""
    curator = new_client(new_collection("zoo"), username="cur")
    Curatorship.objects.create(user=curator.user, collection=Collection.objects.get(name=FOREIGN))
    program = Browser(headers={"Authorization": basic("cur")})
    answer = program.post(f"/1/{FOREIGN}/", ZIP, content_type="application/zip")
    assert (answer.status_code, b"Client cur cannot access collection foreign" in answer.content) == (
        403,
        True,
    )
    assert status_of(program.post(f"/1/{NOBODYS}/", ZIP, content_type="application/zip")) == 404
