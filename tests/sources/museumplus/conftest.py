"""A MuseumPlus for the tests of its client and of the harvest."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sources.museumplus.harvest.client import MuseumPlusClient
from tests.sources.museumplus.workflow_fixtures import signer, whole
from tests.support import museumplus as double

__all__ = ["signer", "whole"]


@pytest.fixture
def museum() -> Iterator[double.MuseumPlus]:
    with double.museumplus() as museum:
        yield museum


@pytest.fixture
def client(transactional_db: None, museum: double.MuseumPlus, tmp_path: Path) -> Iterator[MuseumPlusClient]:
    with connected(museum, tmp_path) as client:
        yield client


def connected(museum: double.MuseumPlus, folder: Path) -> MuseumPlusClient:
    """A client whose attempts follow each other without a pause."""
    return MuseumPlusClient(
        museum.url, double.USERNAME, double.PASSWORD, cache=folder / "cache", timeout=5, pauses=(0.0, 0.0)
    )


@pytest.fixture
def samples() -> Path:
    """Passari's sample documents."""
    folder = os.environ.get("DEPOSIT_TEST_DATA")
    if not folder:
        pytest.skip("DEPOSIT_TEST_DATA does not name the folder of test data")
    return Path(folder) / "museumplus" / "museumplus_mock" / "module"
