"""The fixity page: what was read, what is damaged and what to do about it, what was repaired."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client as Browser

from archive.fixity import audit
from archive.models import Pack
from archive.storage import primary_storage
from archive.storage.files import FileStorage
from dashboard.views import fixity
from deposit.models import Client
from tests.dashboard.conftest import sent, worked_on

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def computed_anew() -> None:
    fixity.known.forget()


def broken(pack: Pack) -> None:
    """Turn over a bit in the middle of a pack."""
    path = next(Path(settings_root()).rglob(pack.name + "*"))
    path.chmod(0o600)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def settings_root() -> str:
    from django.conf import settings  # noqa: PLC0415

    return str(settings.ARCHIVE_ROOT)


def audited(replica: Any = None) -> None:
    list(audit(Pack.objects.all(), primary_storage(), replica))
    fixity.known.forget()


def test_an_empty_archive_says_so(operators_browser: Browser) -> None:
    assert "Nothing is archived yet." in operators_browser.get("/fixity/").content.decode()


def test_what_was_read_and_found_sound_is_told(operators_browser: Browser, depositor: Client) -> None:
    worked_on(sent(depositor))
    assert "No pack has been audited yet" in operators_browser.get("/fixity/").content.decode()
    audited()
    page = operators_browser.get("/fixity/")
    assert "Every pack that was read is, byte for byte, what was archived." in page.content.decode()
    assert (page.context["state"].packs, page.context["state"].unread) == (1, 0)
    assert [check.outcome for check in page.context["readings"]] == ["sound"]
    assert page.context["plots"][0].series[0].values[-1] == 1


def test_damage_is_named_with_what_is_lost_and_what_to_do(
    operators_browser: Browser, depositor: Client
) -> None:
    worked_on(sent(depositor))
    pack = Pack.objects.get()
    broken(pack)
    audited()
    page = operators_browser.get("/fixity/").content.decode()
    assert "1 pack is damaged or missing." in page
    assert pack.name in page
    assert "swh:1:" in page
    assert "There is no replica" in page


def test_repairs_are_told(operators_browser: Browser, depositor: Client, tmp_path: Path) -> None:
    worked_on(sent(depositor))
    pack = Pack.objects.get()
    replica = FileStorage(tmp_path / "replica")
    from archive.storage.replicated import copy_pack  # noqa: PLC0415

    copy_pack(primary_storage(), replica, pack.name)
    broken(pack)
    audited(replica)
    page = operators_browser.get("/fixity/")
    assert [check.outcome for check in page.context["repairs"]] == ["repaired"]
    assert page.context["state"].damaged == 0


def test_the_page_is_for_operators(browser: Browser) -> None:
    assert browser.get("/fixity/").status_code == 403
