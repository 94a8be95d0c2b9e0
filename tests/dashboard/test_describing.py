"""The upload form in a real browser, filled by what the package says of itself."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from deposit.models import Client, Deposit
from tests.dashboard.browsing import BrowserErrors, chromium, log_in, needs_chromium
from tests.dashboard.conftest import worked_on
from tests.dashboard.screenshots import looked_at
from tests.support.samples import make_tar, make_zip

__all__ = ["chromium"]

pytestmark = [needs_chromium, pytest.mark.django_db(transaction=True)]

CODEMETA = {
    "@context": "https://w3id.org/codemeta/3.0",
    "type": "SoftwareSourceCode",
    "name": "Analytical engine",
    "author": [
        {
            "type": "Person",
            "givenName": "Ada",
            "familyName": "Lovelace",
            "affiliation": {"type": "Organization", "name": "A laboratory"},
        }
    ],
    "version": "1.10",
    "license": "https://spdx.org/licenses/GPL-3.0-or-later",
    "keywords": ["mathematics", "engines"],
    "datePublished": "1843-07-10",
}


@pytest.fixture
def context(chromium: Browser, live_server: LiveServer, depositor: Client) -> Iterator[BrowserContext]:
    with chromium.new_context() as context:
        log_in(context, live_server.url, depositor.user)
        yield context


def upload_page(context: BrowserContext, live_server: LiveServer) -> Page:
    page = context.new_page()
    page.goto(f"{live_server.url}/upload/")
    return page


def choose(page: Page, path: Path, data: bytes) -> None:
    path.write_bytes(data)
    page.get_by_label("A zip or tar file").set_input_files(path)


def test_empty_fields_are_filled_and_what_a_person_wrote_stays(
    context: BrowserContext, live_server: LiveServer, tmp_path: Path
) -> None:
    page = upload_page(context, live_server)
    with BrowserErrors(page) as errors:
        page.get_by_label("Version").fill("2.0")
        described = {"engine/codemeta.json": json.dumps(CODEMETA).encode(), "engine/main.c": b"int x;\n"}
        choose(page, tmp_path / "engine.zip", make_zip(described))
        expect(page.get_by_label("Title")).to_have_value("Analytical engine")
        expect(page.get_by_label("Authors, one per line")).to_have_value("Ada Lovelace")
        expect(page.get_by_label("Licence")).to_have_value("GPL-3.0-or-later")
        expect(page.get_by_label("Keywords, separated by commas")).to_have_value("mathematics, engines")
        expect(page.get_by_label("Version")).to_have_value("2.0")
        expect(page.get_by_text("From codemeta.json in your package.").first).to_be_visible()
        expect(page.get_by_role("status")).to_contain_text("Its own files have filled empty fields")
        assert looked_at(page, "upload-filled") == {}
        # A field that somebody changes is theirs.
        page.get_by_label("Title").fill("Engine")
        expect(page.locator("#id_title-from")).to_be_hidden()
        page.get_by_role("button", name="Deposit it").click()
        page.wait_for_url("**/deposits/*/")
    assert errors == []
    deposit = worked_on(Deposit.objects.get())
    assert (deposit.status, deposit.title, deposit.software_version) == ("done", "Engine", "2.0")
    page.reload()
    # The form has no room for it; the package's file has.
    expect(page.locator(".under").get_by_text("A laboratory")).to_be_visible()


def test_another_package_takes_back_what_the_one_before_said(
    context: BrowserContext, live_server: LiveServer, tmp_path: Path
) -> None:
    page = upload_page(context, live_server)
    choose(page, tmp_path / "one.zip", make_zip({"package.json": b'{"name": "one", "version": "1.0"}'}))
    expect(page.get_by_label("Title")).to_have_value("one")
    choose(page, tmp_path / "two.tar", make_tar({"two/README.md": b"# The second\n"}))
    expect(page.get_by_label("Title")).to_have_value("The second")
    expect(page.get_by_label("Version")).to_have_value("")
    expect(page.get_by_text("From README.md in your package.")).to_be_visible()
