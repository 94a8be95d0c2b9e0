"""A museum's objects through their whole life while workers are killed and both systems outside fail at random.

``MUSEUM_OBJECTS`` says how many objects, ``MUSEUM_KILLS`` how often a worker is killed, ``FAULTS_SEED`` repeats a run.
A thousand objects with sixty kills take a quarter of an hour:

    MUSEUM_OBJECTS=1000 MUSEUM_KILLS=60 TEST_FAULTS=1 python3 -m embedded test tests/faults/test_museum.py -n 0 -s
"""

import os
import random
import re
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from sources.museumplus import selectors
from sources.museumplus.models import MuseumObject, MuseumPackage, WorkflowJob
from sources.museumplus.workflow import enqueuing, processed, queueing
from tests.sources.museumplus.workflow.test_working import jpeg
from tests.sources.museumplus.workflow_fixtures import Museum, signer, whole

__all__ = ["signer", "whole"]

OBJECTS = int(os.environ.get("MUSEUM_OBJECTS", "40"))
# A worker needs seconds to start, and is to do some work before it is killed.
KILLS = int(os.environ.get("MUSEUM_KILLS", str(max(OBJECTS // 16, 8))))
ROOT = Path(__file__).resolve().parents[2]
_SETTINGS = (
    "STAGING_ROOT",
    "PACKAGE_DIR",
    "ARCHIVE_DIR",
    "METS_ORGANIZATION_NAME",
    "METS_CONTRACT_ID",
    "SIP_SIGN_KEY",
    "MUSEUMPLUS_URL",
    "MUSEUMPLUS_USERNAME",
    "MUSEUMPLUS_PASSWORD",
    "MUSEUMPLUS_PRESERVATION_FIELD",
    "MIN_FREE_BYTES",
    "DPRES_SFTP_HOST",
    "DPRES_SFTP_PORT",
    "DPRES_SFTP_USERNAME",
    "DPRES_SFTP_KEY",
    "DPRES_SFTP_KNOWN_HOSTS",
    "DPRES_SFTP_HOME",
)


def environment(folder: Path) -> dict[str, str]:
    """What a worker of its own process needs to find the tests' database, folders and servers."""
    parameters = connection.get_connection_params()
    told = {key: parameters.get(key) for key in ("user", "password", "host", "port")}
    query = "&".join(f"{key}={str(value).replace('/', '%2F')}" for key, value in told.items() if value)
    return {
        **os.environ,
        **{name: str(getattr(settings, name)) for name in _SETTINGS},
        "DATABASE_URL": f"postgres:///{parameters['dbname']}?{query}",
        "SECRET_KEY": secrets.token_urlsafe(60),
        "DEPOSIT_EMBEDDED": "true",
        "DATA_DIR": str(folder),
        "LEASE_SECONDS": "3",
        "LOG_LEVEL": "ERROR",
    }


class Workers:
    """Two processes that work, killed and started again."""

    def __init__(self, environ: dict[str, str], chance: random.Random) -> None:
        self._environ, self._chance = environ, chance
        self._processes = [self._start(), self._start()]
        self.kills = 0

    def _start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", "tests.support.museum_worker"], env=self._environ, cwd=ROOT
        )

    def kill_one(self) -> None:
        place = self._chance.randrange(len(self._processes))
        self._processes[place].send_signal(signal.SIGKILL)
        self._processes[place].wait()
        self._processes[place] = self._start()
        self.kills += 1

    def stop(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


@pytest.fixture
def chance() -> random.Random:
    seed = int(os.environ.get("FAULTS_SEED", time.time()))
    sys.stderr.write(f"FAULTS_SEED={seed}\n")
    return random.Random(seed)


@pytest.fixture
def workers(whole: Museum, tmp_path: Path, chance: random.Random) -> Iterator[Workers]:
    workers = Workers(environment(tmp_path / "data"), chance)
    yield workers
    workers.stop()


def harm(museum: Museum, workers: Workers, chance: random.Random) -> None:
    """One of the things that happen."""
    match chance.randrange(6):
        case 0 | 1 | 2:
            workers.kill_one()
        case 3:
            museum.plus.knobs.statuses = [chance.choice([500, 502, 503])] * chance.randint(1, 6)
        case 4:
            museum.plus.knobs.cut_next = chance.randint(1, 3)
        case _:
            museum.plus.knobs.down = True
            time.sleep(chance.random())
            museum.plus.knobs.down = False


def verdicts(museum: Museum) -> None:
    """What the service decides, and what is read of it."""
    museum.ingester.process()
    assert processed.sync_processed_sips().errors == {}


@pytest.mark.timeout(3600)
@pytest.mark.skipif("TEST_FAULTS" not in os.environ, reason="takes minutes: set TEST_FAULTS=1")
def test_no_object_is_lost_and_no_sip_sent_twice(
    whole: Museum, workers: Workers, chance: random.Random
) -> None:
    odd = set(range(7, OBJECTS + 1, 10))
    for number in range(1, OBJECTS + 1):
        whole.add(number, ("a.wad", b"IWAD") if number in odd else ("a.jpg", jpeg()))
    whole.harvest()
    refused = re.compile(r"_Object_\d*3-")
    whole.ingester.rejects = lambda name: bool(refused.search(name))
    threads = [threading.Thread(target=_enqueue) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert WorkflowJob.objects.count() <= OBJECTS

    began, next_harm = time.monotonic(), 0.0
    while not _settled():
        if time.monotonic() - began > next_harm and workers.kills < KILLS:
            harm(whole, workers, chance)
            next_harm = time.monotonic() - began + chance.uniform(*((3, 9) if OBJECTS > 100 else (1, 4)))
        verdicts(whole)
        for number in list(WorkflowJob.objects.filter(state="failed").values_list("pk", flat=True)):
            queueing.retry(number)
        time.sleep(0.5)
    sys.stderr.write(f"{OBJECTS} objects in {time.monotonic() - began:.0f} s, {workers.kills} kills\n")

    names = Counter(done.sip for done in whole.ingester.ingested)
    assert [name for name, count in names.items() if count > 1] == []
    assert [done.faults for done in whole.ingester.ingested if done.status == "accepted"] == [[]] * sum(
        done.status == "accepted" for done in whole.ingester.ingested
    )
    assert set(MuseumObject.objects.filter(frozen=True).values_list("pk", flat=True)) == odd
    rejected = {number for number in range(1, OBJECTS + 1) if str(number).endswith("3") and number not in odd}
    assert (
        set(MuseumPackage.objects.filter(rejected=True).values_list("museum_object", flat=True)) == rejected
    )
    preserved = set(MuseumObject.objects.filter(preserved=True).values_list("pk", flat=True))
    assert preserved == set(range(1, OBJECTS + 1)) - odd - rejected
    assert MuseumPackage.objects.filter(preserved=True).count() == len(preserved)
    left = [path.name for path in Path(settings.PACKAGE_DIR).iterdir() if path.name.isdigit()]
    assert left == []


def _enqueue() -> None:
    try:
        enqueuing.enqueue_objects(OBJECTS)
    finally:
        connection.close()


def _settled() -> bool:
    steps = selectors.overview_stats()["steps"]
    ended = sum(steps[name]["count"] for name in ("preserved", "rejected", "frozen"))
    return bool(ended == OBJECTS)
