"""A real browser: Debian's Chromium, driven by Playwright. Tests that need it are skipped where there is none."""

import os
import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Literal

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.db import connections
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    ViewportSize,
    sync_playwright,
)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")

PHONE: ViewportSize = {"width": 390, "height": 844}
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
Scheme = Literal["light", "dark"]


@pytest.fixture(scope="module")
def chromium(django_db_setup: None) -> Iterator[Browser]:
    """One browser for the tests of a module; each test has a context of its own in it.

    Playwright keeps an event loop in this thread, and while there is one, Django keeps the thread's database
    connections in another place. One left open in the place that is not looked at would be found by the children that
    other tests fork, and by whoever drops the database: so none is open when the loop comes and when it goes.
    """
    connections.close_all()
    # Django is suspicious of every query beside an event loop.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        yield browser
        browser.close()
        connections.close_all()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


def log_in(context: BrowserContext, address: str, user: User) -> None:
    """Give a browser the session of a user, without the form."""
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": str(session.session_key), "url": address}]
    )


class BrowserErrors(list[str]):
    """What goes wrong in the browser on a page meanwhile: scripts that fail, and what the policy forbids."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self._page = page

    def _read(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.append(message.text)

    def _caught(self, error: Error) -> None:
        self.append(str(error))

    def __enter__(self) -> "BrowserErrors":
        self._page.on("console", self._read)
        self._page.on("pageerror", self._caught)
        return self

    def __exit__(self, *_: object) -> None:
        self._page.remove_listener("console", self._read)
        self._page.remove_listener("pageerror", self._caught)


AXE = Path(__file__).parent / "vendor" / "axe-4.14.1.min.js"


def serious_faults(page: Page) -> list[str]:
    """What axe-core finds serious or critical by the rules of WCAG 2.2 AA: ``rule: the element``."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = page.evaluate("(options) => axe.run(options)", {"runOnly": rules, "resultTypes": ["violations"]})
    return [
        f"{rule['id']}: {node['html'][:200]} {node.get('failureSummary', '')}"
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]
