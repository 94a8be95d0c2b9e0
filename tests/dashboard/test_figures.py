"""Figures over time: plots with tables, for each what they may see; as CSV; by collection and by client."""

import json
import re

import pytest
from django.test import Client as Browser

from dashboard.views import figures
from deposit.models import Client, Curatorship
from tests.dashboard.conftest import sent, worked_on
from tests.support.factories import logged_in, new_client, new_collection

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def counted_anew() -> None:
    figures.counted.forget()


def drawn(page: str) -> dict[str, dict[str, list[dict[str, object]]]]:
    found = re.search(r'<script id="plots" type="application/json">(.*?)</script>', page)
    assert found
    plots: dict[str, dict[str, list[dict[str, object]]]] = json.loads(found[1])
    return plots


def last(plot: dict[str, list[dict[str, object]]]) -> dict[object, object]:
    """What a plot says of today, by the name of the line."""
    return {line["label"]: line["values"][-1] for line in plot["series"]}  # type: ignore[index]


def test_today_is_in_the_plots_and_in_their_tables(browser: Browser, depositor: Client) -> None:
    worked_on(sent(depositor))
    worked_on(sent(depositor, files={"../escape": b"x"}, slug="broken"))
    response = browser.get("/figures/")
    plots = drawn(response.content.decode())
    assert last(plots["throughput"]) == {"received": 2, "done": 1}
    assert last(plots["failures"]) == {"rejected": 1, "failed": 0}
    assert {len(plots[name]["x"]) for name in ("throughput", "failures", "waits", "sizes")} == {30}
    (_day, values), *_ = response.context["plots"][0].rows
    assert values == ["2", "1"]
    assert response.context["whole"].failure_share == 0.5


def test_a_year_is_drawn_by_weeks(browser: Browser, depositor: Client) -> None:
    sent(depositor)
    plots = drawn(browser.get("/figures/?days=365").content.decode())
    assert len(plots["throughput"]["x"]) in (53, 54)
    assert last(plots["throughput"])["received"] == 1


def test_operators_tell_collections_and_clients_apart(operators_browser: Browser, depositor: Client) -> None:
    other = new_client(new_collection("theses"), username="tib", provider_url="https://hal.example.org/")
    sent(depositor)
    sent(other, slug="thesis")
    sent(other, slug="another")
    page = operators_browser.get("/figures/")
    by_name = {group["filter"]: [name for name, _tally in group["rows"]] for group in page.context["groups"]}
    assert by_name == {"collection": ["theses", "hal"], "client": ["tib", "hal"]}
    assert last(drawn(page.content.decode())["clients"]) == {"tib": 2, "hal": 1}
    narrowed = operators_browser.get("/figures/?collection=theses&client=tib")
    assert narrowed.context["whole"].received == 2
    assert operators_browser.get("/figures/?client=nobody").context["whole"].received == 0
    assert operators_browser.get("/figures/?client=nobody%00").status_code == 400


def test_a_depositor_learns_nothing_of_a_neighbour(browser: Browser, depositor: Client) -> None:
    neighbour = new_client(
        *depositor.collections.all(), username="neighbour", provider_url="https://hal.example.org/"
    )
    sent(neighbour, title="Secret")
    page = browser.get("/figures/?client=neighbour&days=90")
    assert page.context["whole"].received == 0
    assert b"neighbour" not in browser.get("/figures/").content
    assert browser.get("/figures.csv").getvalue().count(b"\n") == 1


def test_a_curator_sees_the_clients_of_the_collection(depositor: Client) -> None:
    curator = new_client(new_collection(), username="curator").user
    Curatorship.objects.create(user=curator, collection=depositor.collections.get())
    sent(depositor)
    assert logged_in(curator).get("/figures/").context["whole"].received == 1


def test_figures_are_taken_along_as_csv(operators_browser: Browser, depositor: Client) -> None:
    worked_on(sent(depositor))
    response = operators_browser.get("/figures.csv?days=30")
    head, line = response.getvalue().decode().splitlines()
    named = dict(zip(head.split(","), line.split(","), strict=True))
    assert (named["collection"], named["client"], named["received"], named["done"]) == (
        "hal",
        "hal",
        "1",
        "1",
    )
    assert response["Content-Disposition"].startswith('attachment; filename="figures-')


def test_nothing_yet_is_no_fault(browser: Browser, depositor: Client) -> None:
    assert browser.get("/figures/?days=nonsense").status_code == 200
