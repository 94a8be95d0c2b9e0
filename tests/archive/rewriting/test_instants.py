"""Packs are written anew by a process that dies, or whose calls fail, at every instant: the old ones are there, or the
new ones, all whole, and running again finishes.

In the short form some instants are tried, spread over the work; ``TEST_FAULTS=1`` tries all.
"""

import os
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from archive import erasure, maintenance
from archive.models import Object, Pack
from archive.replication import replicate
from archive.storage import FileStorage
from tests.archive.rewriting.archives import (
    assert_clean,
    assert_erased,
    content,
    deposits,
    everything,
    mark,
    merge,
    packed,
    retire,
)
from tests.faults.instants import Nth, die, fail, watched

pytestmark = pytest.mark.django_db(transaction=True)
TRIED = None if "TEST_FAULTS" in os.environ else 5
Work = Callable[[FileStorage, FileStorage], None]


def merge_and_retire(storage: FileStorage, replica: FileStorage) -> None:
    assert merge(storage)
    assert retire(storage, replica) == []


def erase(storage: FileStorage, replica: FileStorage) -> None:
    assert [done.outcome for done in erasure.erase(storage, replica)] == ["rewritten"]


def in_child(work: Work, storage: FileStorage, replica: FileStorage, happen: Nth) -> list[str]:
    """Do it in a process of its own; returns the instants seen, if it lived."""
    connection.close()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            connection.ensure_connection()
            with watched(happen):
                work(storage, replica)
            os.write(writing, " ".join(happen.seen).encode())
        except Exception:  # noqa: BLE001  the call that was made to fail, where the framework would catch it
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as seen:
        told = seen.read().split()
    os.waitpid(child, 0)
    return told


def spread(count: int) -> list[int]:
    if TRIED is None:
        return list(range(1, count + 1))
    return sorted({1 + round(n * (count - 1) / (TRIED - 1)) for n in range(TRIED)})


def prepare(root: Path, settings: Any, *, merged: bool) -> tuple[FileStorage, FileStorage]:
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE archive_object, archive_visit, archive_origin, archive_pack, archive_erasedobject CASCADE"
        )
    settings.ARCHIVE_ROOT = str(root / "archive")
    storage, replica = FileStorage(root / "archive"), FileStorage(root / "replica")
    deposits(storage, 4, large=frozenset({2}))
    if merged:
        merge(storage)
    assert list(replicate(storage, replica))
    return storage, replica


@pytest.mark.timeout(900)
@pytest.mark.parametrize("harm", [die, fail])
def test_merging_that_is_ended_at_any_instant_is_finished_by_the_next(
    harm: Callable[[str], None], tmp_path: Path, settings: Any
) -> None:
    storage, replica = prepare(tmp_path / "0", settings, merged=False)
    before = everything()
    seen = in_child(merge_and_retire, storage, replica, Nth(0, harm))
    assert len(seen) > 20
    # Shown with -rP.
    sys.stdout.write(
        f"{harm.__name__} at {len(spread(len(seen)))} of {len(seen)} instants: {dict(Counter(seen))}\n"
    )
    for number in spread(len(seen)):
        storage, replica = prepare(tmp_path / str(number), settings, merged=False)
        in_child(merge_and_retire, storage, replica, Nth(number, harm))
        try:
            assert everything() == before
            assert_clean(storage)
            merge(storage)
            assert retire(storage, replica) == []
            maintenance.remove_orphans(storage, age=timedelta(0))
            assert everything() == before
            assert len(list(storage.packs())) == Pack.objects.in_storage().count() == 1
            assert list(storage.workspace().iterdir()) == []
            assert_clean(storage)
        except BaseException as error:
            error.add_note(f"after {harm.__name__} at instant {number} of {len(seen)}")
            raise


@pytest.mark.timeout(900)
@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize("harm", [die, fail])
def test_erasing_that_is_ended_at_any_instant_is_finished_by_the_next(
    harm: Callable[[str], None], merged: bool, tmp_path: Path, settings: Any
) -> None:
    storage, replica = prepare(tmp_path / "0", settings, merged=merged)
    mark(content(1))
    before = everything()
    seen = in_child(erase, storage, replica, Nth(0, harm))
    assert len(seen) > 20
    # Shown with -rP.
    sys.stdout.write(
        f"{harm.__name__} at {len(spread(len(seen)))} of {len(seen)} instants: {dict(Counter(seen))}\n"
    )
    for number in spread(len(seen)):
        storage, replica = prepare(tmp_path / str(number), settings, merged=merged)
        mark(content(1))
        in_child(erase, storage, replica, Nth(number, harm))
        try:
            assert everything() == before
            list(erasure.erase(storage, replica))
            assert erasure.packs_to_erase() == 0
            maintenance.remove_orphans(storage, age=timedelta(0))
            list(replicate(storage, replica))
            assert everything() == before
            assert_erased(content(1), storage, replica)
            assert len(packed(storage)) == Object.objects.count()
            assert_clean(storage)
        except BaseException as error:
            error.add_note(f"after {harm.__name__} at instant {number} of {len(seen)}")
            raise
