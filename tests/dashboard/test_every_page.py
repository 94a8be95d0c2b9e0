"""Every page in a real browser: no faults that axe-core takes seriously, no complaints, nothing too wide, small.

With SCREENSHOTS=folder it takes pictures too (``make screenshots``).
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, Response
from pytest_django.live_server_helper import LiveServer

from deposit.models import Client, Collection
from tests.dashboard.browsing import (
    DESKTOP,
    PHONE,
    chromium,
    complaints_of,
    log_in,
    needs_chromium,
    serious_faults,
)
from tests.dashboard.conftest import sent, worked_on
from tests.factories import new_deposit

__all__ = ["chromium"]

pytestmark = [needs_chromium, pytest.mark.django_db(transaction=True)]

LOOKS = [
    ("desk-light", DESKTOP, "light"),
    ("desk-dark", DESKTOP, "dark"),
    ("phone-light", PHONE, "light"),
    ("phone-dark", PHONE, "dark"),
]
# Every page in two ways, which differ in both; the pictures are of all four.
if "SCREENSHOTS" not in os.environ:
    LOOKS = [LOOKS[0], LOOKS[3]]
LARGEST_PAGE = 100_000
# Pages with plots bring what draws them.
PLOTTED = ("/overview/", "/figures/", "/fixity/")


@pytest.fixture
def addresses(depositor: Client, collection: Collection) -> dict[str, str]:
    """Every kind of page, by the name of its picture."""
    done = worked_on(sent(depositor, title="Analytical Engine Simulator"))
    rejected = worked_on(sent(depositor, title="Broken", files={"../escape": b"x"}, slug="broken"))
    assert (done.status, rejected.status) == ("done", "rejected")
    waiting = sent(depositor, title="Waiting for its checks", slug="waiting")
    for number in range(4):
        new_deposit(depositor, collection, package_name=f"package-{number}.tar.gz")
    files = f"/deposits/{done.pk}/files"
    return {
        "deposits": "/deposits/",
        "deposits-none": "/deposits/?q=nothing",
        "done": f"/deposits/{done.pk}/",
        "rejected": f"/deposits/{rejected.pk}/",
        "waiting": f"/deposits/{waiting.pk}/",
        "files": f"{files}/",
        "text": f"{files}/hello/src/hello.py",
        "binary": f"{files}/hello/data.bin",
        "upload": "/upload/",
        "stored": f"/stored/?q={done.swhid}",
        "not-stored": "/stored/?q=swh:1:cnt:" + "0" * 40,
        "origin": f"/origin/?origin={done.origin_url}",
        "account": "/account/",
        "help": "/help/",
        "refused": "/deposits/999999/",
        "nowhere": "/nowhere/",
        "own-figures": "/figures/?days=365",
    }


@pytest.fixture
def operators_addresses(depositor: Client) -> dict[str, str]:
    """The pages that only operators have."""
    made = [worked_on(sent(depositor, title=f"Program {number}", slug=str(number))) for number in range(3)]
    rejected = worked_on(sent(depositor, title="Broken", files={"../escape": b"x"}, slug="broken"))
    ids = "&".join(f"id={deposit.pk}" for deposit in [*made, rejected])
    return {
        "overview": "/overview/",
        "figures": "/figures/",
        "fixity": "/fixity/",
        "operator-deposits": "/deposits/",
        "confirm": f"/deposits/action/?action=reschedule&{ids}",
    }


def visit(page: Page, address: str) -> Iterator[str]:
    """What is wrong with a page."""
    heard = complaints_of(page)
    received: list[int] = []

    def count(response: Response) -> None:
        if response.request.resource_type != "image" and response.status == 200:
            received.append(len(response.body()))

    page.on("response", count)
    response = page.goto(address)
    assert response is not None
    # The page that says 404 is meant to.
    yield from (text for text in heard if not (response.status == 404 and "404" in text))
    yield from serious_faults(page)
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if wide > 0:
        yield f"{wide} pixels too wide"
    if sum(received) > LARGEST_PAGE and not any(name in address for name in PLOTTED):
        yield f"{sum(received)} bytes"


def walk(chromium: Browser, address: str, user: User | None, pages: dict[str, str]) -> dict[str, list[str]]:
    """Look at all pages in every way; what is wrong, by the name of the picture."""
    folder = os.environ.get("SCREENSHOTS")
    wrong = {}
    for look, size, scheme in LOOKS:
        with chromium.new_context(viewport=size, color_scheme=scheme) as context:  # type: ignore[arg-type]
            if user is not None:
                log_in(context, address, user)
            for name, path in pages.items():
                page = context.new_page()
                faults = list(visit(page, address + path))
                if faults:
                    wrong[f"{look}-{name}"] = faults
                if folder:
                    page.screenshot(path=Path(folder) / f"{name}-{look}.png", full_page=True)
                page.close()
    return wrong


def test_a_depositors_pages_are_sound(
    chromium: Browser, live_server: LiveServer, depositor: Client, addresses: dict[str, str]
) -> None:
    assert walk(chromium, live_server.url, depositor.user, addresses) == {}


def test_an_operators_pages_are_sound(
    chromium: Browser, live_server: LiveServer, operator: User, operators_addresses: dict[str, str]
) -> None:
    assert walk(chromium, live_server.url, operator, operators_addresses) == {}


def test_the_pages_for_everybody_are_sound(
    chromium: Browser, live_server: LiveServer, depositor: Client, collection: Collection
) -> None:
    done = worked_on(sent(depositor, title="Analytical Engine Simulator"))
    Collection.objects.filter(pk=collection.pk).update(public=True)
    pages = {"home": "/", "login": "/login/", "anonymous-help": "/help/"}
    pages |= {"landing": f"/deposits/{done.pk}/", "public-files": f"/deposits/{done.pk}/files/"}
    assert walk(chromium, live_server.url, None, pages) == {}
