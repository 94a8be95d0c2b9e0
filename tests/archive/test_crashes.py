"""Loads that are killed, cut off from the database, or run at once: nothing half done is ever visible.

``ARCHIVE_KILLS=300`` makes it three hundred kills, and as many cuts, instead of a few.
"""

import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from django.db import OperationalError, close_old_connections, connection, transaction
from django.db.backends.utils import CursorWrapper

from archive import fixity, maintenance
from archive.identifiers import content_id
from archive.ingest import Ingest
from archive.models import Object, Outcome, Pack
from archive.packs import LARGE
from archive.storage import FileStorage
from tests.archive.conftest import add_package

KILLS = int(os.environ.get("ARCHIVE_KILLS", "4"))
REPOSITORY = Path(__file__).resolve().parents[2]

# Loads one package after the other, each a little different from the one before, until it is killed.
CHILD = """
import random, sys
import django
django.setup()
from django.db import transaction
from archive.ingest import Ingest
from archive.tree import Tree
seed = int(sys.argv[1])
print("ready", flush=True)
for turn in range(10_000):
    source = random.Random(seed * 1000 + turn)
    tree = Tree()
    with Ingest(pack_size=300_000) as ingest:
        for number in range(300):
            data = b"shared %d" % number if number % 2 else source.randbytes(source.randrange(3000))
            tree.add_file(b"%d/%d" % (number % 9, number), ingest.add_content(data))
        large = source.randbytes(1_500_000)
        tree.add_file(b"large", ingest.add_content_stream((large,), len(large)))
        ingest.add_tree(tree)
        ingest.seal()
        with transaction.atomic():
            ingest.publish()
"""


@contextmanager
def started(seed: int, root: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that loads into the test's database and folder for as long as the block at most."""
    # The server as it is named to us, be it by a host or by the folder of its socket.
    url = (
        urlsplit(os.environ["DATABASE_URL"])
        ._replace(path=f"/{quote(connection.settings_dict['NAME'])}")
        .geturl()
    )
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(seed)],
        cwd=REPOSITORY,
        env=os.environ | {"DATABASE_URL": url, "ARCHIVE_ROOT": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n", child.communicate()[1]
        yield child
    finally:
        child.kill()
        child.wait()


def assert_sound(storage: FileStorage) -> None:
    """All that is visible is there, whole, and where the index says."""
    differences = [one for one in maintenance.verify(storage) if one is not None]
    assert differences == []
    checks = list(fixity.audit(fixity.due(), storage, thorough=True))
    assert {check.outcome for check in checks} <= {Outcome.SOUND}
    assert len(checks) == Pack.objects.count()


def wait_for_backends_to_go() -> None:
    """The server learns of a killed client when it next talks to it."""
    for _ in range(100):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            if cursor.fetchone() == (0,):
                return
        time.sleep(0.1)


@pytest.mark.timeout(120 + 5 * KILLS)
def test_a_load_killed_at_any_instant_leaves_nothing_half_visible(
    storage: FileStorage, transactional_db: None
) -> None:
    source = random.Random(KILLS)
    for seed in range(KILLS):
        with started(seed, storage._packs.parent) as child:
            time.sleep(source.uniform(0, 0.6))
            child.kill()
            _, said = child.communicate()
        assert child.returncode == -signal.SIGKILL, said
        wait_for_backends_to_go()
        maintenance.remove_orphans(storage, age=timedelta(0))
        assert list(storage.workspace().iterdir()) == []
        assert {pack.name for pack in storage.packs()} == maintenance.pack_names()
    assert Pack.objects.exists()
    assert_sound_and_at_work(storage)


@pytest.mark.timeout(120 + 5 * KILLS)
def test_a_load_cut_off_from_the_database_at_any_instant_leaves_nothing_half_visible(
    storage: FileStorage, transactional_db: None
) -> None:
    source = random.Random(-KILLS)
    for seed in range(KILLS):
        with started(10_000 + seed, storage._packs.parent) as child:
            time.sleep(source.uniform(0, 0.6))
            with connection.cursor() as cursor:
                # Its first query may be yet to come.
                while child.poll() is None and not end_other_sessions(cursor):
                    time.sleep(0.01)
            _, said = child.communicate(timeout=60)
        assert child.returncode == 1, said
        assert "terminating connection" in said or "closed the connection" in said, said
        assert list(storage.workspace().iterdir()) == []
        wait_for_backends_to_go()
        maintenance.remove_orphans(storage, age=timedelta(0))
        assert {pack.name for pack in storage.packs()} == maintenance.pack_names()
    assert_sound_and_at_work(storage)


def end_other_sessions(cursor: CursorWrapper) -> int:
    """End all sessions of the test's database but this one; returns how many there were."""
    cursor.execute(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    return int(cursor.fetchone()[0])


def assert_sound_and_at_work(storage: FileStorage) -> None:
    """What is there is whole, and the next load goes well."""
    assert_sound(storage)
    with Ingest(storage) as ingest:
        add_package(ingest, {b"after": b"after the crashes"})
        ingest.seal()
        with transaction.atomic():
            ingest.publish()
    assert_sound(storage)


def test_a_load_cut_off_from_the_database_fails_and_cleans_up(
    storage: FileStorage, transactional_db: None
) -> None:
    with Ingest(storage) as ingest:
        ingest.add_content(os.urandom(1000))
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (own,) = cursor.fetchone()
        terminate(own)
        with pytest.raises(OperationalError):
            ingest.seal()
    connection.close()
    assert (list(storage.packs()), list(storage.workspace().iterdir())) == ([], [])


def terminate(backend: int) -> None:
    """End a session of the server from another one."""

    def run() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [backend])
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    time.sleep(0.2)


def test_a_commit_that_is_lost_leaves_an_orphan_and_the_next_load_finishes(
    storage: FileStorage, transactional_db: None
) -> None:
    content = os.urandom(1000)

    def load(cut: bool) -> None:
        with Ingest(storage) as ingest:
            ingest.add_content(content)
            ingest.seal()
            with transaction.atomic():
                ingest.publish()
                if cut:
                    with connection.cursor() as cursor:
                        cursor.execute("SELECT pg_backend_pid()")
                        terminate(cursor.fetchone()[0])

    with pytest.raises(OperationalError):
        load(cut=True)
    connection.close()
    assert Object.objects.count() == 0
    assert len(maintenance.orphans(storage, age=timedelta(0))) == 1
    load(cut=False)
    assert Object.objects.filter(sha1_git=content_id(content)).exists()
    maintenance.remove_orphans(storage, age=timedelta(0))
    assert_sound(storage)


def in_threads(*calls: Callable[[], None]) -> list[BaseException]:
    """Run calls at once, each with a database connection of its own; what they raised."""
    raised: list[BaseException] = []

    def run(call: Callable[[], None]) -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - given to the test
            raised.append(error)
        finally:
            close_old_connections()
            connection.close()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_loads_of_the_same_contents_at_once_keep_each_of_them_once(
    storage: FileStorage, transactional_db: None
) -> None:
    contents = [b"content %d" % number for number in range(1500)]
    barrier = threading.Barrier(4)

    def load(seed: int) -> None:
        mine = list(contents)
        random.Random(seed).shuffle(mine)
        with Ingest(storage) as ingest:
            for data in mine:
                ingest.add_content(data)
            ingest.add_content(bytes([seed]) * 3)
            large = b"large" * LARGE
            ingest.add_content_stream((large,), len(large))
            ingest.seal()
            barrier.wait()
            with transaction.atomic():
                ingest.publish()

    assert in_threads(*(lambda seed=seed: load(seed) for seed in range(4))) == []
    assert Object.objects.count() == len(contents) + 4 + 1
    assert Pack.objects.count() == 4
    assert_sound(storage)


@pytest.fixture
def full_disk() -> Iterator[None]:
    """No file can grow beyond 200 kB: writing fails as it does on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_fails_the_load_and_leaves_nothing(
    storage: FileStorage, db: None, full_disk: None
) -> None:
    def load() -> None:
        with Ingest(storage) as ingest:
            for _ in range(10):
                ingest.add_content_stream((os.urandom(2 * LARGE),), 2 * LARGE)
            ingest.seal()

    with pytest.raises(OSError, match="File too large"):
        load()
    assert (list(storage.packs()), list(storage.workspace().iterdir())) == ([], [])
