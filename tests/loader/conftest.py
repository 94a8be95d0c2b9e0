"""An archive and a staging area of the test's own, and loads in them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from checker.checking import check
from deposit.models import Deposit
from loader.workflow import load
from tests.support.lifecycle_fixtures import sent

Loaded = Callable[..., Deposit]


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, settings: Any) -> None:
    settings.STAGING_ROOT = str(tmp_path / "staging")
    settings.ARCHIVE_ROOT = str(tmp_path / "archive")


@pytest.fixture
def loaded(transactional_db: None) -> Loaded:
    """Send, check and load a deposit; arguments as for `lifecycle_fixtures.sent`."""

    def run(*packages: bytes, **arguments: Any) -> Deposit:
        deposit = sent(*packages, **arguments)
        check(deposit.pk, worker="checker")
        load(deposit.pk, worker="loader")
        deposit.refresh_from_db()
        return deposit

    return run
