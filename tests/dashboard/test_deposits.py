"""The list of deposits: who sees what, filters, slices, export, keeping up."""

import csv
import io

import pytest
from django.test import Client as Browser

from deposit.models import Client, Collection, Deposit
from tests.dashboard.conftest import sent, worked_on
from tests.support.factories import logged_in, new_client, new_deposit

pytestmark = pytest.mark.django_db


def numbers(browser: Browser, query: str = "") -> list[int]:
    """The deposits in the exported list, which is the page's without slices."""
    response = browser.get(f"/deposits.csv{query}")
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    return [int(row["id"]) for row in csv.DictReader(io.StringIO(text))]


def main_of(page: bytes) -> str:
    """What is inside the frame, which holds tokens that differ each time."""
    return page.decode().partition("<main")[2].partition("</main>")[0]


def test_who_has_not_logged_in_is_asked_to(db: None) -> None:
    for path in ("/deposits/", "/deposits/1/", "/overview/", "/upload/", "/stored/", "/account/"):
        response = Browser().get(path)
        assert (response.status_code, response["Location"]) == (302, f"/login/?next={path}")


def test_the_home_page_says_what_this_is(db: None) -> None:
    response = Browser().get("/")
    assert response.status_code == 200
    assert b"SWHIDs" in response.content


def test_a_depositor_sees_its_own_deposits_only(
    browser: Browser, depositor: Client, collection: Collection
) -> None:
    mine = new_deposit(depositor, collection)
    foreign = new_deposit(new_client(collection), collection)
    assert numbers(browser) == [mine.pk]
    page = browser.get("/deposits/").content.decode()
    assert f"/deposits/{mine.pk}/" in page
    assert f"/deposits/{foreign.pk}/" not in page


def test_a_foreign_deposit_and_a_missing_one_look_the_same(browser: Browser, collection: Collection) -> None:
    foreign = new_deposit(new_client(collection), collection)
    for path in ("/", "/files/", "/citation.bib", "/parts/1/", "/tar/"):
        answers = [browser.get(f"/deposits/{number}{path}") for number in (foreign.pk, foreign.pk + 1000)]
        texts = [
            main_of(answer.content).replace(str(foreign.pk + 1000), "N").replace(str(foreign.pk), "N")
            for answer in answers
        ]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert texts[0] == texts[1]


def test_an_operator_sees_all(operators_browser: Browser, depositor: Client, collection: Collection) -> None:
    all_of_them = [new_deposit(depositor, collection), new_deposit(new_client(collection), collection)]
    assert numbers(operators_browser) == [deposit.pk for deposit in reversed(all_of_them)]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?status=partial", [2, 1, 0]),
        ("?status=done&status=failed", []),
        ("?q=analy", [1]),
        ("?q=engine+analytical", [1]),
        ("?q=hal/second", [1]),
        ("?q=package.zip", [2]),
        ("?q=nothing", []),
        ("?q=%3A-%29", []),
        ("?collection=hal", [2, 1, 0]),
        ("?collection=other", []),
        ("?client=hal", [2, 1, 0]),
        ("?since=2000-01-01&until=2000-01-02", []),
        ("?since=2000-01-01", [2, 1, 0]),
        ("?type=meta", []),
    ],
)
def test_filters_narrow_the_list(
    browser: Browser, depositor: Client, collection: Collection, query: str, found: list[int]
) -> None:
    made = [
        new_deposit(depositor, collection),
        new_deposit(
            depositor, collection, title="The Analytical Engine", origin_url="https://x.org/hal/second"
        ),
        new_deposit(depositor, collection, package_name="package.zip"),
    ]
    assert numbers(browser, query) == [made[index].pk for index in found]


def test_a_deposit_is_found_by_its_number_and_by_its_swhid(browser: Browser, depositor: Client) -> None:
    deposit = worked_on(sent(depositor))
    assert numbers(browser, f"?q={deposit.pk}") == [deposit.pk]
    assert numbers(browser, f"?q={deposit.swhid_context}") == [deposit.pk]
    assert numbers(browser, "?q=swh:1:dir:" + "0" * 40) == []


def test_a_filter_that_cannot_be_read_is_named(browser: Browser) -> None:
    assert b"Enter a valid date" in browser.get("/deposits/?since=yesterday").content
    assert browser.get("/deposits.csv?since=yesterday").status_code == 400


def test_slices_lead_to_each_other(browser: Browser, depositor: Client, collection: Collection) -> None:
    made = [new_deposit(depositor, collection).pk for _ in range(60)]
    pages = []
    url = "/deposits/?status=partial"
    while url:
        links = browser.get(url).context["links"]
        pages.append([deposit.pk for deposit in browser.get(url).context["shown"].items])
        url = "/deposits/" + links["older"] if "older" in links else ""
    assert [number for page in pages for number in page] == made[::-1]
    assert [len(page) for page in pages] == [25, 25, 10]
    newer = browser.get(f"/deposits/?after={pages[2][0]}").context
    assert [deposit.pk for deposit in newer["shown"].items] == pages[1]


def test_the_list_takes_the_same_queries_for_one_deposit_and_for_three(
    browser: Browser,
    depositor: Client,
    collection: Collection,
    django_assert_num_queries: pytest.FixtureRequest,
) -> None:
    for _ in range(3):
        new_deposit(depositor, collection)
        with django_assert_num_queries(13, exact=False):  # type: ignore[operator]
            browser.get("/deposits/")


def test_a_spreadsheet_takes_no_title_for_a_formula(
    browser: Browser, depositor: Client, collection: Collection
) -> None:
    new_deposit(depositor, collection, title="=HYPERLINK(1)")
    text = b"".join(browser.get("/deposits.csv").streaming_content).decode()  # type: ignore[attr-defined]
    assert next(iter(csv.DictReader(io.StringIO(text))))["title"] == "'=HYPERLINK(1)"


def test_a_list_that_shows_what_is_so_gets_nothing_new(
    browser: Browser, depositor: Client, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.polling._newest._until", 0.0)
    new_deposit(depositor, collection)
    region = browser.get("/deposits/").context["live"]
    again = browser.get(region["url"], headers={"HX-Request": "true"})
    assert (again.status_code, again.content) == (204, b"")
    sent(depositor, title="Another one")
    monkeypatch.setattr("dashboard.polling._newest._until", 0.0)
    changed = browser.get(region["url"], headers={"HX-Request": "true"})
    assert changed.status_code == 200
    assert b"Another one" in changed.content
    assert b"<html" not in changed.content


def test_titles_are_text_and_nothing_else(
    browser: Browser, depositor: Client, collection: Collection
) -> None:
    deposit = new_deposit(depositor, collection, title="<script>alert(1)</script>")
    for path in ("/deposits/", f"/deposits/{deposit.pk}/"):
        assert b"<script>alert" not in browser.get(path).content


def test_every_page_forbids_what_is_not_its_own(browser: Browser) -> None:
    policy = browser.get("/deposits/")["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy


def test_an_account_without_a_role_sees_nothing(db: None, django_user_model: type) -> None:
    user = django_user_model.objects.create_user("nobody")  # type: ignore[attr-defined]
    new_deposit()
    assert numbers(logged_in(user)) == []
    assert Deposit.objects.count() == 1


def test_words_that_are_common_and_words_that_are_rare_find_the_same_deposits_by_either_way(
    browser: Browser, depositor: Client, collection: Collection
) -> None:
    """Those of many of the newest are met on a walk, others by the index of words."""
    neighbour = new_client(collection)
    common = [new_deposit(depositor, collection, title=f"Engine {number}") for number in range(30)]
    rare = new_deposit(depositor, collection, title="Jacquard engine")
    new_deposit(neighbour, collection, title="Jacquard engine")
    assert set(numbers(browser, "?q=engine")) == {deposit.pk for deposit in [*common, rare]}
    assert numbers(browser, "?q=jacq") == [rare.pk]
