"""Whole journeys in a real browser, as people take them."""

import hashlib
import io
import tarfile
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from deposit.models import Client, Deposit, Status
from tests.dashboard.browsing import chromium, complaints_of, log_in, needs_chromium
from tests.dashboard.conftest import FILES, sent, worked_on
from tests.factories import PASSWORD
from tests.samples import make_zip
from tests.spine import in_status

__all__ = ["chromium"]

pytestmark = [needs_chromium, pytest.mark.django_db(transaction=True)]


def fill_in(page: Page, package: Path, title: str) -> None:
    page.get_by_label("A zip or tar file").set_input_files(package)
    page.get_by_label("Title").fill(title)
    page.get_by_label("Authors, one per line").fill("Ada Lovelace")
    page.get_by_role("button", name="Deposit").click()
    page.wait_for_url("**/deposits/*/")


def test_a_depositor_uploads_mends_browses_and_downloads(
    chromium: Browser, live_server: LiveServer, depositor: Client, tmp_path: Path
) -> None:
    with chromium.new_context() as context:
        page = context.new_page()
        heard = complaints_of(page)
        page.goto(live_server.url)
        page.get_by_role("main").get_by_role("link", name="Log in").click()
        page.get_by_label("User name").fill("hal")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()

        package = tmp_path / "engine.zip"
        package.write_bytes(make_zip({"../escape": b"x"}))
        page.get_by_role("link", name="Upload").click()
        fill_in(page, package, "Engine")
        worked_on(Deposit.objects.latest("id"))
        # The page finds out by itself.
        expect(page.get_by_role("heading", name="What to mend")).to_be_visible(timeout=15_000)
        expect(page.get_by_text("climbs with '..'")).to_be_visible()

        package.write_bytes(make_zip(FILES))
        page.get_by_role("link", name="Upload").click()
        fill_in(page, package, "Engine, mended")
        deposit = worked_on(Deposit.objects.latest("id"))
        expect(page.get_by_text("It is in the archive.")).to_be_visible(timeout=15_000)

        page.get_by_role("link", name="Browse the files").click()
        page.get_by_role("link", name="hello/").click()
        with page.expect_download() as download:
            page.get_by_role("link", name="Download as tar").click()
        with tarfile.open(fileobj=io.BytesIO(Path(download.value.path()).read_bytes())) as tar:
            files = {one.name: tar.extractfile(one).read() for one in tar if one.isfile()}  # type: ignore[union-attr]
        assert {f"hello/{name}": data for name, data in files.items()} == FILES
        assert deposit.status == "done"
        assert heard == []


def test_a_file_that_is_dropped_is_hashed_and_found(
    chromium: Browser, live_server: LiveServer, depositor: Client, tmp_path: Path
) -> None:
    data = hashlib.sha256(b"seed").digest() * 40_000
    worked_on(sent(depositor, files={"large.bin": data}))
    with chromium.new_context() as context:
        log_in(context, live_server.url, depositor.user)
        page = context.new_page()
        for name, content, words in (
            ("kept.bin", data, "Yes, it is stored."),
            ("new.bin", data + b"!", "No, it is not stored here."),
        ):
            (tmp_path / name).write_bytes(content)
            page.goto(f"{live_server.url}/stored/")
            page.get_by_label("Or choose a file, or drop one here").set_input_files(tmp_path / name)
            page.wait_for_url("**/stored/?q=swh*")
            git = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            expect(page.get_by_label("SWHID, SHA-256, number or words")).to_have_value(f"swh:1:cnt:{git}")
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
