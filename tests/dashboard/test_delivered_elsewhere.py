"""What was new at Software Heritage, on the pages of the delivery and of its deposit, in a browser."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from deposit.models import Delivery
from tests.dashboard.browsing import chromium, needs_chromium
from tests.dashboard.screenshots import Way, walk
from tests.loader.destinations.software_heritage.test_delivering import BOTH, loaded, verified
from tests.support.software_heritage_storage import storage_server

__all__ = ["chromium"]

pytestmark = [needs_chromium, pytest.mark.django_db(transaction=True)]


def test_a_delivery_to_software_heritage_is_sound(
    chromium: Browser, live_server: LiveServer, operator: User, tmp_path: Path, settings: Any
) -> None:
    settings.STAGING_ROOT, settings.ARCHIVE_ROOT = str(tmp_path / "staging"), str(tmp_path / "archive")
    with storage_server() as storage:
        settings.SOFTWARE_HERITAGE_STORAGE_URL = storage.url
        deposit = loaded(verified(BOTH))
    delivery = Delivery.objects.get(deposit=deposit, destination="software_heritage")
    pages: dict[str, Way] = {
        "delivery-software-heritage": f"/deliveries/{delivery.pk}/",
        "deposit-software-heritage": f"/deposits/{deposit.pk}/",
    }
    assert walk(chromium, live_server.url, operator, pages) == {}
