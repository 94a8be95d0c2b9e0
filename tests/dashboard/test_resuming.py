"""Uploads in a real browser that go on where they stopped, whatever broke them off.

LARGE_JOURNEY=bytes makes the journey with the killed server as long as a real one (1 GB takes some minutes).
"""

import hashlib
import os
import re
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import transaction
from playwright.sync_api import Browser, BrowserContext, Page, expect

from deposit.models import Client, Collection, Deposit, Part, Upload, UploadSegment
from deposit.staging.files import path_of
from tests.dashboard.browsing import BrowserErrors, chromium, log_in, needs_chromium
from tests.dashboard.conftest import worked_on
from tests.dashboard.screenshots import looked_at
from tests.support.factories import PASSWORD
from tests.support.restarting_server import RestartingServer, restarting_server

__all__ = ["chromium"]

pytestmark = [needs_chromium, pytest.mark.django_db(transaction=True)]

MB = 2**20
LARGE = int(os.environ.get("LARGE_JOURNEY", 0))
SIZE = LARGE or 4 * MB
PATIENCE = 30_000 + SIZE / 5_000
# Small segments for small packages, so that there are many.
SEGMENT = MB // 4
# A line on which something is still under way when a test has looked.
SLOW = 2 * MB


@pytest.fixture(scope="module")
def service(django_db_setup: None) -> Iterator[RestartingServer]:
    with restarting_server(**({} if LARGE else {"MAX_SEGMENT_SIZE": str(SEGMENT)})) as running:
        yield running


@pytest.fixture
def context(chromium: Browser, service: RestartingServer, depositor: Client) -> Iterator[BrowserContext]:
    with chromium.new_context() as context:
        log_in(context, service.url, depositor.user)
        yield context


def make_package(path: Path, size: int, name: str = "engine/noise.bin") -> Path:
    """A zip that holds one file of random bytes, so that it is as large as it says."""
    with zipfile.ZipFile(path, "w") as package, package.open(name, "w", force_zip64=True) as member:
        for _ in range(size // MB):
            member.write(os.urandom(MB))
    return path


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def opened(context: BrowserContext, service: RestartingServer, title: str = "", *, rate: int = 0) -> Page:
    """The upload page, with a description; on a line of ``rate`` bytes a second."""
    page = context.new_page()
    page.goto(f"{service.url}/upload/")
    if title:
        describe(page, title)
    if rate:
        slow_down(page, rate)
    return page


def describe(page: Page, title: str) -> None:
    page.get_by_label("Title").fill(title)
    page.get_by_label("Authors, one per line").fill("Ada Lovelace")


def choose(page: Page, package: Path) -> None:
    page.get_by_label("A zip or tar file").set_input_files(package)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()


def is_deposited(page: Page, package: Path, *, timeout: float = 30_000) -> Deposit:
    """Wait for the page of the deposit; it has what was sent, and nothing is left of the upload."""
    page.wait_for_url("**/deposits/*/", timeout=timeout)
    deposit = Deposit.objects.latest("id")
    part = Part.objects.get(deposit=deposit, kind="package")
    assert (part.name, part.size, part.sha256) == (package.name, package.stat().st_size, sha256(package))
    assert Upload.objects.count() == 0
    return deposit


def dropped(page: Page, path: Path) -> None:
    """Drop a file on the page, as a hand with a mouse does."""
    session = page.context.new_cdp_session(page)
    box = page.locator("#drop").bounding_box()
    assert box is not None
    place = {"x": box["x"] + 20, "y": box["y"] + 20}
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, **place, "data": data})


def slow_down(page: Page, rate: int) -> None:
    """A line of so many bytes a second."""
    session = page.context.new_cdp_session(page)
    session.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": rate},
    )


def arrived() -> int:
    return UploadSegment.objects.count()


def wait_until(reached: Callable[[], bool]) -> None:
    for _ in range(3000):
        if reached():
            return
        time.sleep(0.02)
    raise TimeoutError


def wait_for_segments(number: int) -> None:
    wait_until(lambda: arrived() >= number)


def test_a_package_dropped_while_the_server_dies_is_mended_and_ends_in_the_archive(
    context: BrowserContext, service: RestartingServer, tmp_path: Path
) -> None:
    page = opened(context, service)
    dropped(page, make_package(tmp_path / "engine.zip", MB, name="../escape"))
    describe(page, "Engine")
    press(page, "Deposit")
    page.wait_for_url("**/deposits/*/")
    rejected = worked_on(Deposit.objects.get())
    assert rejected.status == "rejected"
    expect(page.get_by_role("heading", name="What to mend")).to_be_visible(timeout=15_000)
    expect(page.get_by_text("climbs with '..'")).to_be_visible()
    page.get_by_role("link", name="Upload", exact=True).click()

    good = make_package(tmp_path / "mended.zip", SIZE)
    slow_down(page, max(SLOW, SIZE // 10))
    dropped(page, good)
    describe(page, "Engine, mended")
    wait_for_segments(2)
    service.kill()
    expect(page.get_by_text("The connection was lost. What has arrived is safe")).to_be_visible()
    assert 2 <= arrived() < Upload.objects.get().segment_count
    service.start()
    press(page, "Deposit")
    deposit = is_deposited(page, good, timeout=PATIENCE)
    assert worked_on(deposit).status == "done"
    expect(page.get_by_text("It is in the archive.")).to_be_visible(timeout=15_000)

    page.get_by_role("link", name="Browse the files").click()
    page.get_by_role("link", name="engine/").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as tar").click()
    with (
        tarfile.open(download.value.path()) as tar,
        zipfile.ZipFile(good) as package,
        package.open("engine/noise.bin") as sent,
    ):
        (got,) = (member for member in tar if member.isfile())
        kept = tar.extractfile(got)
        assert kept is not None
        digests = [hashlib.file_digest(file, "sha256").hexdigest() for file in (kept, sent)]  # type: ignore[arg-type]
    assert digests[0] == digests[1]


def test_a_closed_browser_goes_on_when_the_same_file_is_chosen_again(
    context: BrowserContext, service: RestartingServer, tmp_path: Path
) -> None:
    package = make_package(tmp_path / "engine.zip", 3 * MB)
    page = opened(context, service, "Interrupted", rate=SLOW)
    choose(page, package)
    wait_for_segments(2)
    page.close()
    assert arrived() < Upload.objects.get().segment_count

    page = context.new_page()
    with BrowserErrors(page) as heard:
        page.goto(f"{service.url}/upload/")
        expect(page.get_by_text("engine.zip: ")).to_be_visible()
        choose(page, package)
        expect(page.get_by_label("Title")).to_have_value("Interrupted")
        press(page, "Deposit")
        is_deposited(page, package)
        page.goto(f"{service.url}/upload/")
        expect(page.get_by_text("engine.zip: ")).to_be_hidden()
    assert heard == []


def test_an_upload_is_paused_gone_on_with_and_given_up(
    context: BrowserContext, service: RestartingServer, tmp_path: Path
) -> None:
    page = opened(context, service, rate=SLOW)
    choose(page, make_package(tmp_path / "engine.zip", 4 * MB))
    wait_for_segments(1)
    press(page, "Pause")
    expect(page.get_by_text("Paused. What has arrived is kept for 7 days.")).to_be_visible()
    had = arrived()
    press(page, "Go on")
    wait_for_segments(had + 1)
    press(page, "Give up this upload")
    expect(page.locator("#sending")).to_be_hidden()
    expect(page.get_by_label("A zip or tar file")).to_have_value("")
    wait_until(lambda: not Upload.objects.exists())


def test_a_log_in_that_ends_in_the_middle_is_told_and_the_upload_goes_on_after_the_next(
    context: BrowserContext, service: RestartingServer, depositor: Client, tmp_path: Path
) -> None:
    package = make_package(tmp_path / "engine.zip", 4 * MB)
    page = opened(context, service, "Long", rate=SLOW)
    choose(page, package)
    press(page, "Deposit")
    wait_for_segments(1)
    context.clear_cookies()
    expect(page.get_by_text("You are not logged in any more.")).to_be_visible(timeout=15_000)
    other = context.new_page()
    other.goto(f"{service.url}/login/")
    other.get_by_label("User name").fill("hal")
    other.get_by_label("Password").fill(PASSWORD)
    press(other, "Log in")
    other.wait_for_url("**/deposits/")
    press(page, "Go on")
    expect(page.get_by_text("The file has arrived.")).to_be_visible(timeout=30_000)
    press(page, "Deposit")
    is_deposited(page, package)


@pytest.mark.parametrize("lost", ["row", "file"])
def test_an_upload_that_expired_or_was_lost_meanwhile_is_begun_anew_by_itself(
    context: BrowserContext, service: RestartingServer, tmp_path: Path, lost: str
) -> None:
    package = make_package(tmp_path / "engine.zip", 2 * MB)
    page = opened(context, service, "Expired", rate=SLOW)
    choose(page, package)
    press(page, "Deposit")
    wait_for_segments(1)
    upload = Upload.objects.get()
    if lost == "row":
        with transaction.atomic():
            # Segments that arrive meanwhile wait.
            Upload.objects.select_for_update().get().delete()
    path_of(upload.stored_as).unlink()
    is_deposited(page, package)


def test_an_upload_whose_file_is_lost_when_all_has_arrived_is_begun_anew_by_itself(
    context: BrowserContext, service: RestartingServer, tmp_path: Path
) -> None:
    package = make_package(tmp_path / "engine.zip", MB)
    page = opened(context, service, "Lost")
    choose(page, package)
    expect(page.get_by_text("The file has arrived.")).to_be_visible()
    path_of(Upload.objects.get().stored_as).unlink()
    press(page, "Deposit")
    is_deposited(page, package)


def test_what_is_wrong_with_the_description_is_told_and_nothing_is_sent_twice(
    context: BrowserContext, service: RestartingServer, collection: Collection, tmp_path: Path
) -> None:
    page = opened(context, service, "Engine")
    page.get_by_label("Authors, one per line").fill("<nobody@example.org>")
    choose(page, make_package(tmp_path / "engine.zip", MB))
    press(page, "Deposit")
    expect(page.get_by_text("is not a person")).to_be_visible()
    upload = Upload.objects.get()
    page.get_by_label("Authors, one per line").fill("Ada Lovelace")
    press(page, "Deposit")
    page.wait_for_url("**/deposits/*/")
    assert Part.objects.get(kind="package").stored_as == upload.stored_as


def test_a_file_that_has_no_chance_is_refused_at_once(
    context: BrowserContext, service: RestartingServer, collection: Collection, tmp_path: Path
) -> None:
    collection.max_upload_size = 100_000
    collection.save()
    page = opened(context, service)
    for package, words in (
        (
            make_package(tmp_path / "large.zip", MB),
            re.compile(r"This file has [\d.]+ [KM]iB; at most 97\.7 KiB are taken\."),
        ),
        (tmp_path / "empty.zip", "This file is empty, or it is a folder."),
    ):
        package.touch()
        choose(page, package)
        expect(page.get_by_text(words)).to_be_visible()
        expect(page.get_by_label("A zip or tar file")).to_have_value("")
    assert not Upload.objects.exists()


def held(page: Page) -> None:
    """Let no segment through from now on."""
    segment = re.compile(r"/3/staging/[0-9a-f-]{36}")
    page.route(segment, lambda route: None if route.request.method == "POST" else route.continue_())


def test_the_upload_page_is_sound_in_every_state(
    context: BrowserContext, service: RestartingServer, tmp_path: Path
) -> None:
    """Under way, paused, told of a fault, arrived, and left unfinished: by axe-core, and in pictures."""
    package = make_package(tmp_path / "engine.zip", MB)
    page = opened(context, service, "Engine")
    held(page)
    choose(page, package)
    expect(page.locator("#told")).to_contain_text("Sending")
    wrong = looked_at(page, "upload-under-way")
    press(page, "Pause")
    expect(page.get_by_text("Paused.")).to_be_visible()
    wrong |= looked_at(page, "upload-paused")
    page.reload()
    expect(page.get_by_text("engine.zip: ")).to_be_visible()
    wrong |= looked_at(page, "upload-unfinished")
    page.unroute_all()
    page.get_by_label("Authors, one per line").fill("<nobody@example.org>")
    choose(page, package)
    expect(page.get_by_text("The file has arrived.")).to_be_visible()
    wrong |= looked_at(page, "upload-arrived")
    press(page, "Deposit")
    expect(page.get_by_text("is not a person")).to_be_visible()
    wrong |= looked_at(page, "upload-fault")
    assert wrong == {}
