"""Whole journeys in a real browser, as people take them."""

import hashlib
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from deposit.models import Client, Deposit, Status
from deposit.staging.files import path_of
from tests.dashboard.browsing import chromium, log_in, needs_chromium
from tests.dashboard.conftest import FILES, sent, worked_on
from tests.support.lifecycle_fixtures import in_status
from tests.support.samples import make_zip

__all__ = ["chromium"]

pytestmark = [needs_chromium, pytest.mark.django_db(transaction=True)]


def fill_in(page: Page, package: Path, title: str) -> None:
    page.get_by_label("A zip or tar file").set_input_files(package)
    page.get_by_label("Title").fill(title)
    page.get_by_label("Authors, one per line").fill("Ada Lovelace")
    page.get_by_role("button", name="Deposit").click()
    page.wait_for_url("**/deposits/*/")


def test_a_file_that_is_dropped_is_hashed_and_found(
    chromium: Browser, live_server: LiveServer, depositor: Client, tmp_path: Path
) -> None:
    data = hashlib.sha256(b"seed").digest() * 40_000
    sent_one = worked_on(sent(depositor, files={"large.bin": data}))
    package = path_of(str(sent_one.parts.get(kind="package").stored_as)).read_bytes()
    with chromium.new_context() as context:
        log_in(context, live_server.url, depositor.user)
        page = context.new_page()
        for name, content, words in (
            ("kept.bin", data, "Yes, it is stored."),
            ("package.zip", package, "As the package"),
            ("new.bin", data + b"!", "No, it is not stored here."),
        ):
            (tmp_path / name).write_bytes(content)
            page.goto(f"{live_server.url}/stored/")
            page.get_by_label("Or choose a file, or drop one here").set_input_files(tmp_path / name)
            sha256 = hashlib.sha256(content).hexdigest()
            page.wait_for_url(f"**/stored/?q={sha256}")
            expect(page.get_by_text(words)).to_be_visible()


def test_an_operator_reschedules_what_failed(
    chromium: Browser, live_server: LiveServer, operator: User
) -> None:
    deposits = [in_status(Status.FAILED) for _ in range(3)]
    with chromium.new_context() as context:
        log_in(context, live_server.url, operator)
        page = context.new_page()
        page.goto(f"{live_server.url}/overview/")
        page.locator('a[href$="?status=failed"]').first.click()
        page.get_by_label("Choose all on this page").check()
        page.get_by_role("button", name="Load again…").click()
        expect(page.get_by_role("heading", name="3 deposits will be changed")).to_be_visible()
        assert {Deposit.objects.get(pk=one.pk).status for one in deposits} == {"failed"}
        page.get_by_role("button", name="Load again").click()
        expect(page.get_by_text("Load again: ordered for 3 deposits.")).to_be_visible()
    assert {Deposit.objects.get(pk=one.pk).status for one in deposits} == {"verified"}


def test_reading_filtering_and_uploading_need_no_javascript(
    chromium: Browser, live_server: LiveServer, depositor: Client, tmp_path: Path
) -> None:
    package = tmp_path / "engine.zip"
    package.write_bytes(make_zip(FILES))
    with chromium.new_context(java_script_enabled=False) as context:
        log_in(context, live_server.url, depositor.user)
        page = context.new_page()
        page.goto(f"{live_server.url}/upload/")
        fill_in(page, package, "Plain")
        expect(page.get_by_role("heading", name="Plain")).to_be_visible()
        page.get_by_role("link", name="Deposits").first.click()
        page.get_by_label("Words, number, or SWHID").fill("plain")
        page.get_by_label("deposited").check()
        page.get_by_role("button", name="Filter").click()
        expect(page.get_by_role("link", name="Plain")).to_be_visible()
