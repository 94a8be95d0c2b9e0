"""A source, and the life of what it finds: watched, taken in, checked, loaded, reported."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from checker.checking import check
from deposit.actors import Channel, system_actor
from deposit.models import Deposit, Status
from loader.workflow import load
from sources import services
from sources.models import ItemState, Source, SourceItem, SourceKind
from sources.opening import open_source
from sources.session import Session, WorkerPool
from tests.support.factories import new_collection

OPERATOR = system_actor(Channel.COMMAND)


class Served:
    """A source that is served by hand, round by round; nothing else goes on meanwhile."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.woken = threading.Event()
        self.place, self.finder = open_source(source, self.woken)
        self.pool = WorkerPool()
        self.session = Session(source, self.place, self.finder, self.pool)
        self.session.wake = self.woken.set

    def until(self, reached: Callable[[], Any], seconds: float = 20.0) -> None:
        """Go round until something is the case."""
        end = time.monotonic() + seconds
        while not reached():
            assert time.monotonic() < end, [
                (i.key, i.state, i.error, i.report) for i in SourceItem.objects.all()
            ]
            self.woken.clear()
            self.woken.wait(min(self.session.round(time.monotonic()), 0.1))

    def look(self) -> None:
        """Let the next round look at everything."""
        self.session._looked_at = 0.0

    def close(self) -> None:
        """Stop serving."""
        self.finder.stop()
        self.pool.shutdown()


@pytest.fixture(autouse=True)
def _places(tmp_path: Path, settings: Any) -> None:
    settings.STAGING_ROOT = str(tmp_path / "staging")
    settings.PUBLIC_URL = "https://deposit.example.org"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The watched folder."""
    path = tmp_path / "watched"
    path.mkdir()
    return path


@pytest.fixture
def add(folder: Path) -> Callable[..., Source]:
    """Add a source for the folder, with these options."""

    def adding(name: str = "scans", **fields: Any) -> Source:
        collection = fields.pop("collection", None) or new_collection().name
        kind = fields.pop("kind", SourceKind.FOLDER)
        location = fields.pop("location", str(folder))
        return services.add_source(
            actor=OPERATOR, name=name, kind=kind, location=location, collection=collection, **fields
        )

    return adding


@pytest.fixture
def serve() -> Iterator[Callable[[Source], Served]]:
    """Serve a source; the end of the test ends it."""
    served: list[Served] = []

    def serving(source: Source) -> Served:
        served.append(Served(services.source_named(source.name)))
        return served[-1]

    yield serving
    for each in served:
        each.close()


def state(key: str) -> str:
    """The state of the newest item of this key; "" while there is none."""
    found = SourceItem.objects.filter(key=key).exclude(version="").order_by("-id").first()
    return found.state if found else ""


def work() -> None:
    """Check and load everything that waits for that."""
    for deposit in Deposit.objects.filter(status=Status.DEPOSITED):
        check(deposit.pk, worker="checker")
    for deposit in Deposit.objects.filter(status=Status.VERIFIED):
        load(deposit.pk, worker="loader")


def reports(folder: Path) -> list[str]:
    """The names of the reports in a folder, without time and id."""
    found = [path.name for path in folder.iterdir() if path.suffix in (".log", ".json")]
    return sorted(".".join([*name.split(".")[:-3], name.split(".")[-1]]) for name in found)


def taken(key: str) -> bool:
    """Whether there is a deposit of it."""
    return state(key) == ItemState.TAKEN
