"""``manage.py check_deposit`` through the destinations software_heritage and deposit_forward, to the real servers."""

import json
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.interop.service import Service, running
from tests.interop.software_heritage import DepositPeer, SoftwareHeritage

pytestmark = pytest.mark.timeout(600)


@dataclass(frozen=True, kw_only=True)
class Place:
    """A service whose collections lead to a storage and to another deposit server; ``password``: a file."""

    service: Service
    storage: SoftwareHeritage
    peer: DepositPeer
    password: Path

    def collection(self, name: str, destinations: str) -> str:
        """A collection of the demo client that leads there."""
        self.manage("collection", "create", "--name", name, "--destination", destinations)
        self.manage("user", "grant", "--username", self.service.user, "--collection", name)
        return name

    def numbers(self, status: str) -> set[int]:
        """The deposits of a status."""
        listed = self.service.manage("deposit", "list", "--status", status, "--json")
        return {row["id"] for row in json.loads(listed.stdout)}

    def manage(self, *words: str) -> None:
        """A command of the operator, which has to work."""
        done = self.service.manage(*words)
        assert done.returncode == 0, done.stdout + done.stderr

    def check(self, *collections: str, seconds: int = 120) -> tuple[int, str]:
        """Exit code and line of the check, while the other server's workers work."""
        words = ["--url", f"{self.service.base_url}/", "--username", self.service.user]
        words += ["--password-file", str(self.password), "--round-trip-seconds", str(seconds), str(seconds)]
        # The machine of the tests may have a full disk.
        words += ["--free-percent", "0", "0"]
        words += [word for name in collections for word in ("--collection", name)]
        over = threading.Event()
        found: list[tuple[int, str]] = []

        def run() -> None:
            try:
                done = self.service.manage("check_deposit", *words)
                found.append((done.returncode, done.stdout + done.stderr))
            finally:
                over.set()

        thread = threading.Thread(target=run)
        thread.start()
        while not over.wait(0.1):
            self._work_there()
        thread.join()
        return found[0]

    def _work_there(self) -> None:
        """What the other server's checker and loader do."""
        for row in self.peer.do("rows"):
            if row["status"] == "deposited":
                self.peer.do("check", id=row["id"], collection="forward")
            elif row["status"] == "verified":
                assert self.peer.do("load", id=row["id"])["status"] == "eventful"


@pytest.fixture(scope="module")
def place(software_heritage: SoftwareHeritage, deposit_peer: DepositPeer) -> Iterator[Place]:
    with (
        software_heritage.another("checked") as storage,
        tempfile.TemporaryDirectory(prefix="checking-", dir="/tmp") as folder,
    ):
        # As root the database runs under an unprivileged account, which must get through.
        Path(folder).chmod(0o711)
        password, there = Path(folder, "password"), Path(folder, "there")
        there.write_text("forwarded")
        settings = {
            "SOFTWARE_HERITAGE_STORAGE_URL": storage.storage_url,
            "SOFTWARE_HERITAGE_OBJSTORAGE_URL": storage.objects_url,
            "FORWARD_TO": deposit_peer.base_url,
            "FORWARD_COLLECTION": "forward",
            "FORWARD_USERNAME": "forward",
            "FORWARD_PASSWORD": f"file:{there}",
            "FORWARD_POLL_SECONDS": "1",
        }
        with running(Path(folder), **settings) as service:
            password.write_text(service.password)
            who: dict[str, Any] = {"provider_url": service.provider_url, "domain": "forward.example.org"}
            deposit_peer.do("user", username="forward", password="forwarded", collections=["forward"], **who)
            yield Place(service=service, storage=storage, peer=deposit_peer, password=password)


def test_both_destinations_are_tried_from_end_to_end(place: Place) -> None:
    collections = [
        place.collection("check-heritage", "software_heritage"),
        place.collection("check-both", "archive,software_heritage"),
        place.collection("check-forward", "deposit_forward"),
    ]
    code, line = place.check(*collections)
    assert (code, line.partition(" - ")[0]) == (0, "DEPOSIT OK"), line
    for name in collections:
        assert f"'round_trip_{name}'=" in line
    # It is there: a visit for each, and a done deposit.
    visits = place.storage.query("SELECT status FROM origin_visit_status WHERE status = 'full'")
    assert len(visits) == 2
    assert [row["status"] for row in place.peer.do("rows")] == ["done"]
    # The next run, on the same origin, is as good.
    code, line = place.check(*collections)
    assert code == 0, line


def test_a_storage_that_is_away_is_told_of_and_the_deposit_is_done_once_it_is_back(place: Place) -> None:
    name = place.collection("check-away", "archive,software_heritage")
    place.storage.kill()
    code, line = place.check(name, seconds=5)
    assert code == 2
    assert "(delivery to software_heritage is waiting)" in line, line
    place.storage.start()
    waiting = place.numbers("loading")
    assert len(waiting) == 1
    # By itself it would be tried again in a minute.
    work = place.service.manage("queue", "list", "--deposit-id", str(*waiting), "--json")
    place.manage("queue", "retry", "--id", str(json.loads(work.stdout)[0]["id"]))
    deadline = time.monotonic() + 120
    while not waiting <= place.numbers("done"):
        assert time.monotonic() < deadline
        time.sleep(1)
