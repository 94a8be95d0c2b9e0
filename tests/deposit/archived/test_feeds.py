"""Feeds tell what is done to whom it is visible, in pages, and cost nothing while nothing has changed."""

from typing import Any

import pytest
from django.test import Client as HttpClient
from lxml import etree

from deposit.archived import feeds
from deposit.models import Collection, Deposit, Status
from tests.support.factories import http_client, new_client, new_collection, new_deposit
from tests.support.lifecycle_fixtures import ORIGIN, in_status

pytestmark = pytest.mark.django_db

ATOM = {"a": "http://www.w3.org/2005/Atom"}


@pytest.fixture(name="public")
def _public() -> Collection:
    collection = new_collection("open")
    Collection.objects.filter(pk=collection.pk).update(public=True, title="All that is open")
    return collection


def done(collection: Collection, title: str = "A title", client: Any = None) -> Deposit:
    client = client or new_client(collection)
    return in_status(Status.DONE, new_deposit(client, collection, origin_url=ORIGIN, title=title))


def tree(answer: Any) -> Any:
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/atom+xml; charset=utf-8"
    return etree.fromstring(answer.content)


def entries(answer: Any) -> list[str]:
    return [
        str(one).rpartition("/deposits/")[2].strip("/")
        for one in tree(answer).xpath("//a:entry/a:id/text()", namespaces=ATOM)
    ]


def link(answer: Any, relation: str) -> str:
    return str(tree(answer).xpath(f"string(a:link[@rel='{relation}']/@href)", namespaces=ATOM))


def test_everybody_reads_the_feed_of_a_public_collection(public: Collection) -> None:
    first, second = done(public), done(public, title="<b>\x07Böse</b>")
    in_status(Status.REJECTED, new_deposit(new_client(public), public))
    answer = HttpClient().get("/feeds/collections/open/")
    assert entries(answer) == [str(second.pk), str(first.pk)]
    assert answer["Cache-Control"] == "public, max-age=60"
    entry = tree(answer).xpath("a:entry[1]", namespaces=ATOM)[0]
    assert entry.xpath("string(a:title)", namespaces=ATOM) == "<b>Böse</b>"
    assert entry.xpath("a:category/@term", namespaces=ATOM) == ["done", "open"]
    assert tree(answer).xpath("string(a:title)", namespaces=ATOM) == "All that is open"
    assert link(answer, "self") == "http://testserver/feeds/collections/open/"


def test_a_collection_that_is_not_public_is_not_there_for_others() -> None:
    collection = new_collection("hal")
    owner = new_client(collection)
    mine, foreign = done(collection, client=owner), done(collection)
    unknown = HttpClient().get("/feeds/collections/nowhere/")
    hidden = HttpClient().get("/feeds/collections/hal/")
    assert (hidden.status_code, unknown.status_code) == (404, 404)
    assert hidden.json()["code"] == unknown.json()["code"]
    assert http_client(new_client(new_collection())).get("/feeds/collections/hal/").status_code == 404
    assert entries(http_client(owner).get("/feeds/collections/hal/")) == [str(mine.pk)]
    assert str(foreign.pk) not in entries(http_client(owner).get("/feeds/mine/"))


def test_one_reads_ones_own_feed_and_nobody_elses(public: Collection) -> None:
    client = new_client(public, new_collection("other"))
    mine = done(public, client=client)
    done(public)
    answer = http_client(client).get("/feeds/mine/")
    assert entries(answer) == [str(mine.pk)]
    assert answer["Cache-Control"] == "private, no-cache"
    assert HttpClient().get("/feeds/mine/").status_code == 401


def test_pages_have_each_deposit_once(public: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "PAGE_SIZE", 2)
    client = new_client(public)
    made = [done(public, client=client).pk for _ in range(5)]
    browser, url, seen = HttpClient(), "/feeds/collections/open/", []
    while url:
        answer = browser.get(url)
        seen += [int(number) for number in entries(answer)]
        url = link(answer, "next")
        # What comes meanwhile is on the first page, and shifts no other.
        done(public, client=client)
    assert sorted(seen) == made
    assert seen == sorted(seen, reverse=True)
    for wrong in ("x", "1", "9" * 17 + "-1", "1-" + "9" * 19):
        for end in ("before", "after"):
            assert browser.get(f"/feeds/collections/open/?{end}={wrong}").status_code == 404


def test_one_comes_back_the_way_one_went(public: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "PAGE_SIZE", 2)
    client, browser = new_client(public), HttpClient()
    made = [done(public, client=client).pk for _ in range(5)]
    first = browser.get("/feeds/collections/open/")
    assert not link(first, "previous")
    second = browser.get(link(first, "next"))
    last = browser.get(link(second, "next"))
    assert [entries(page) for page in (first, second, last)] == [
        [str(pk) for pk in pks] for pks in (made[:2:-1], made[2:0:-1], made[:1])
    ]
    back = browser.get(link(last, "previous"))
    assert entries(back) == entries(second)
    assert entries(browser.get(link(back, "next"))) == entries(last)
    assert entries(browser.get(link(back, "previous"))) == entries(first)


def test_what_has_not_changed_is_not_sent_again(public: Collection) -> None:
    done(public)
    browser = HttpClient()
    first = browser.get("/feeds/collections/open/")
    for header in ({"If-None-Match": first["ETag"]}, {"If-Modified-Since": first["Last-Modified"]}):
        again = browser.get("/feeds/collections/open/", headers=header)
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    done(public)
    # Times are in whole seconds: who sends the ETag is told of a change within one.
    changed = browser.get("/feeds/collections/open/", headers={"If-None-Match": first["ETag"]})
    assert (changed.status_code, len(entries(changed))) == (200, 2)


def test_an_empty_feed_is_a_feed(public: Collection) -> None:
    assert entries(HttpClient().get("/feeds/collections/open/")) == []


def test_a_page_costs_as_many_queries_for_three_as_for_one(
    public: Collection, django_assert_max_num_queries: Any
) -> None:
    client = new_client(public)
    for _ in range(3):
        done(public, client=client)
    with django_assert_max_num_queries(8):
        HttpClient().get("/feeds/collections/open/")
