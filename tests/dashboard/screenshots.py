"""Pages as people see them, in a real browser: wide and narrow, light and dark, in several languages.

With SCREENSHOTS=folder pictures are taken too (``make screenshots``).
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, Response, ViewportSize

from tests.dashboard.browsing import DESKTOP, PHONE, BrowserErrors, Scheme, log_in, serious_faults

PICTURES = os.environ.get("SCREENSHOTS")
LARGEST_PAGE = 100_000
# Pages with plots bring what draws them; the administration and the API's page bring others' scripts.
HEAVIER = ("/overview/", "/figures/", "/fixity/", "/admin/", "/api/")
# Plots are drawn anew a moment after the window has another size.
REDRAWN_MS = 300
SETTLED = """() => Promise.allSettled(
    document.getAnimations().filter((one) => one instanceof CSSTransition).map((one) => one.finished)
)"""


@dataclass(frozen=True, slots=True)
class Look:
    """One way to see a page."""

    name: str
    size: ViewportSize
    scheme: Scheme


DESK_LIGHT = Look("desk-light", DESKTOP, "light")
PHONE_LIGHT = Look("phone-light", PHONE, "light")
PHONE_DARK = Look("phone-dark", PHONE, "dark")
# By language. Every page in two ways, which differ in both; the pictures are of more, and in more languages.
LOOKS = {"en": [DESK_LIGHT, PHONE_DARK]}
if PICTURES:
    LOOKS = {
        "en": [DESK_LIGHT, Look("desk-dark", DESKTOP, "dark"), PHONE_DARK, PHONE_LIGHT],
        "de": [PHONE_LIGHT],
        "fr": [DESK_LIGHT],
    }

# Where a page is, and what is to be done there before it is looked at.
Way = str | tuple[str, Callable[[Page], None]]


def faults_of(page: Page) -> Iterator[str]:
    """What axe-core takes seriously on a page as it stands, and whether it is too wide."""
    yield from serious_faults(page)
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if wide > 0:
        yield f"{wide} pixels too wide"


def looked_at(page: Page, name: str, language: str = "en") -> dict[str, list[str]]:
    """What is wrong with a page as it stands, by the name of the picture."""
    wrong = {}
    for look in LOOKS[language]:
        page.set_viewport_size(look.size)
        page.emulate_media(color_scheme=look.scheme)
        # Colours that are still on their way from light to dark are neither.
        page.evaluate(SETTLED)
        picture = f"{name}-{look.name}" + ("" if language == "en" else f"-{language}")
        faults = list(faults_of(page))
        if faults:
            wrong[picture] = faults
        if PICTURES:
            page.wait_for_timeout(REDRAWN_MS)
            page.screenshot(path=Path(PICTURES) / f"{picture}.png", full_page=True)
    return wrong


def arrive(page: Page, address: str, way: Way) -> Iterator[str]:
    """Go to a page; what is wrong with how it comes."""
    path, act = way if isinstance(way, tuple) else (way, None)
    received: list[int] = []

    def count(response: Response) -> None:
        if response.request.resource_type != "image" and response.status == 200:
            received.append(len(response.body()))

    page.on("response", count)
    with BrowserErrors(page) as heard:
        response = page.goto(address + path)
        assert response is not None
        if act:
            act(page)
    page.remove_listener("response", count)
    # The page that says 404 is meant to.
    yield from (text for text in heard if not (response.status >= 400 and str(response.status) in text))
    if sum(received) > LARGEST_PAGE and not path.startswith(HEAVIER):
        yield f"{sum(received)} bytes"


def walk(
    chromium: Browser, address: str, user: User | None, pages: Mapping[str, Way]
) -> dict[str, list[str]]:
    """Look at all pages in every way; what is wrong, by the name of the page or the picture.

    In one tab: a browser that has read axe-core once need not do so again there.
    """
    wrong: dict[str, list[str]] = {}
    for language, (first, *_) in LOOKS.items():
        with chromium.new_context(locale=language, viewport=first.size, color_scheme=first.scheme) as context:
            if user is not None:
                log_in(context, address, user)
            page = context.new_page()
            for name, way in pages.items():
                page.set_viewport_size(first.size)
                page.emulate_media(color_scheme=first.scheme)
                faults = list(arrive(page, address, way))
                wrong |= {name: faults} if faults else {}
                wrong |= looked_at(page, name, language)
    return wrong
