"""The pages without a mouse: Tab reaches everything, one sees where one is, nothing holds one fast."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from deposit.models import Client, Deposit, Status
from tests.dashboard.browsing import chromium, log_in, needs_chromium
from tests.dashboard.conftest import FILES, sent, worked_on
from tests.support.factories import PASSWORD
from tests.support.lifecycle_fixtures import in_status
from tests.support.samples import make_zip

__all__ = ["chromium"]

pytestmark = [needs_chromium, pytest.mark.django_db(transaction=True)]

MOST = 150
# What can be acted on and is seen; of a group of radio buttons Tab visits one.
REACHABLE = """() => {
  const seen = (one) => one.checkVisibility({ visibilityProperty: true }) && !one.disabled && one.tabIndex >= 0;
  const controls = "a[href], button, input, select, textarea, summary, [tabindex]";
  const all = [...document.querySelectorAll(controls)].filter(seen);
  const groups = new Set();
  return all.filter((one) => {
    if (one.type !== "radio") return true;
    return !groups.has(one.name) && groups.add(one.name);
  }).map((one, number) => {
    const html = one.outerHTML.slice(0, 120);
    one.dataset.reached = `${number}`;
    return html;
  });
}"""
HERE = """() => {
  const one = document.activeElement;
  const style = getComputedStyle(one);
  const box = one.getBoundingClientRect();
  const top = document.elementFromPoint(box.x + box.width / 2, box.y + Math.min(box.height / 2, 20));
  return {
    number: one.dataset.reached ?? null,
    html: one.outerHTML.slice(0, 120),
    name: (one.getAttribute("aria-label") ?? one.labels?.[0]?.textContent ?? one.textContent).trim(),
    outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    within: box.right > 0 && box.bottom > 0 && box.x < innerWidth && box.y < innerHeight,
    covered: Boolean(top) && top !== one && !one.contains(top) && !top.contains(one) && !top.closest("label"),
  };
}"""


def step(page: Page, key: str = "Tab") -> dict[str, Any]:
    """Where a key leads, which one must see."""
    page.keyboard.press(key)
    here: dict[str, Any] = page.evaluate(HERE)
    if not here["html"].startswith("<body"):
        assert (here["outlined"], here["within"], here["covered"]) == (True, True, False), here
    return here


def unreached(page: Page) -> list[str]:
    """What Tab does not come by on its way once through the page; the way has to end, and back leads elsewhere."""
    everything: list[str] = page.evaluate(REACHABLE)
    seen: list[str] = []
    for _ in range(MOST):
        here = step(page)
        # A field for a date has several stops.
        if here["html"].startswith("<body") or here["number"] in seen[:-1]:
            assert step(page, "Shift+Tab")["html"] != here["html"], "one way only"
            return [html for place, html in enumerate(everything) if str(place) not in seen]
        if here["number"] is not None and here["number"] not in seen:
            seen.append(here["number"])
    raise AssertionError(f"no way out of {everything[int(seen[-1])]}")


def go_to(page: Page, name: str) -> None:
    """Press Tab until something of this name is reached."""
    for _ in range(MOST):
        if step(page)["name"].startswith(name):
            return
    raise AssertionError(f"{name} was not reached")


def press(page: Page, name: str, key: str = "Enter") -> None:
    go_to(page, name)
    page.keyboard.press(key)


def write(page: Page, name: str, text: str) -> None:
    go_to(page, name)
    page.keyboard.type(text)


def test_a_depositor_logs_in_uploads_and_reads_without_a_mouse(
    chromium: Browser, live_server: LiveServer, depositor: Client, tmp_path: Path
) -> None:
    package = tmp_path / "engine.zip"
    package.write_bytes(make_zip(FILES))
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(live_server.url)
        press(page, "Log in")
        page.wait_for_url("**/login/")
        write(page, "User name", "hal")
        write(page, "Password", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/deposits/")
        press(page, "Upload")
        page.wait_for_url("**/upload/")
        with page.expect_file_chooser() as chooser:
            press(page, "A zip or tar file")
        chooser.value.set_files(package)
        write(page, "Title", "Engine")
        write(page, "Authors", "Ada Lovelace")
        press(page, "Deposit it")
        page.wait_for_url("**/deposits/*/")
        worked_on(Deposit.objects.get())
        page.reload()
        press(page, "Browse the files")
        page.wait_for_url("**/files/")
        press(page, "hello/")
        expect(page.get_by_role("link", name="Download as tar")).to_be_visible()
        page.go_back()
        page.go_back()
        press(page, "Log out")
        page.wait_for_url(f"{live_server.url}/")


def test_an_operator_loads_failed_deposits_again_without_a_mouse(
    chromium: Browser, live_server: LiveServer, operator: User
) -> None:
    deposits = [in_status(Status.FAILED) for _ in range(3)]
    with chromium.new_context() as context:
        log_in(context, live_server.url, operator)
        page = context.new_page()
        page.goto(f"{live_server.url}/overview/")
        press(page, "failed")
        page.wait_for_url("**/deposits/?status=failed")
        press(page, "Choose all on this page", "Space")
        press(page, "Load again")
        expect(page.get_by_role("heading", name="3 deposits will be changed")).to_be_visible()
        press(page, "Load again")
        expect(page.get_by_text("Load again: ordered for 3 deposits.")).to_be_visible()
    assert {Deposit.objects.get(pk=one.pk).status for one in deposits} == {"verified"}


def test_everything_on_a_page_is_reached_and_left_again(
    chromium: Browser, live_server: LiveServer, operator: User, depositor: Client
) -> None:
    done = worked_on(sent(depositor))
    in_status(Status.FAILED)
    deposit = f"/deposits/{done.pk}/"
    visited = {
        depositor.user: (
            "/deposits/",
            deposit,
            f"{deposit}files/",
            "/upload/",
            "/stored/",
            "/account/",
            "/help/",
        ),
        operator: ("/overview/", "/figures/", "/fixity/", "/deposits/?status=failed"),
    }
    missed: dict[str, list[str]] = {}
    for user, paths in visited.items():
        with chromium.new_context() as context:
            log_in(context, live_server.url, user)
            page = context.new_page()
            for path in paths:
                page.goto(f"{live_server.url}{path}")
                left = unreached(page)
                missed |= {path: left} if left else {}
    assert missed == {}
