"""A double of Archivematica and our own client of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from loader.destinations.archivematica.dashboard import Dashboard
from loader.destinations.archivematica.http import Api
from loader.destinations.archivematica.storage import StorageService
from tests.support.archivematica import KEY, STORAGE_KEY, STORAGE_USER, USER, Archivematica


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A transfer source, empty."""
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


@pytest.fixture
def double(source: Path) -> Iterator[Archivematica]:
    """Archivematica 1.17."""
    with Archivematica(source) as server:
        yield server


@pytest.fixture
def dashboard(double: Archivematica) -> Iterator[Dashboard]:
    """Our client of its dashboard."""
    with Api(name="The dashboard", url=double.url, user=USER, key=KEY, seconds=2.0) as api:
        yield Dashboard(api)


@pytest.fixture
def storage(double: Archivematica) -> Iterator[StorageService]:
    """Our client of its Storage Service."""
    with Api(
        name="The Storage Service", url=double.storage_url, user=STORAGE_USER, key=STORAGE_KEY, seconds=2.0
    ) as api:
        yield StorageService(api)
