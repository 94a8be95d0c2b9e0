"""Loading, merging, erasing, reading and auditing at once."""

import os
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from archive import erasure, fixity, retrieval
from archive.errors import ErasedMeanwhile, ObjectErased
from archive.locks import Lock, alone
from archive.models import Object, Outcome, Pack
from archive.reading import Packs
from archive.replication import replicate
from archive.rewriting import merging
from archive.storage import FileStorage
from tests.archive.rewriting.archives import (
    assert_clean,
    assert_erased,
    content,
    deposit,
    deposits,
    everything,
    mark,
    merge,
    packed,
    retire,
)
from tests.archive.test_crashes import in_threads

SECONDS = 60 if "TEST_FAULTS" in os.environ else 6
MOST = 90


def test_two_merge_at_once_and_one_of_them_does_it(storage: FileStorage, transactional_db: None) -> None:
    deposits(storage, 12)
    before = everything()
    done: list[str] = []
    barrier = threading.Barrier(2)

    def run() -> None:
        packs = list(Pack.objects.in_storage())
        barrier.wait()
        try:
            done.append(merging.merge_packs(storage, packs).name)
        except merging.Overtaken:
            done.append("overtaken")

    assert in_threads(run, run) == []
    assert (len(done), "overtaken" in done) == (2, True)
    retire(storage)
    assert len(list(storage.packs())) == Pack.objects.in_storage().count() == 1
    assert everything() == before
    assert_clean(storage)


@pytest.mark.timeout(60 + 4 * SECONDS)
def test_all_at_once(storage: FileStorage, transactional_db: None, tmp_path: Path) -> None:
    replica = FileStorage(tmp_path / "replica")
    until = time.monotonic() + SECONDS
    loaded: list[int] = []
    gone: list[int] = []

    def repeat(what: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            while time.monotonic() < until:
                what()

        return run

    def load() -> None:
        number = len(loaded)
        if number < MOST:
            try:
                deposit(storage, number, large=number % 9 == 0)
            except ErasedMeanwhile:
                return
            loaded.append(number)
        time.sleep(0.01)

    def merge_and_retire() -> None:
        with alone(Lock.REWRITE) as first:
            if first:
                merge(storage)
        retire(storage, replica)
        time.sleep(0.05)

    def erase() -> None:
        number = random.Random(len(gone)).choice([0, *loaded])
        if loaded and number not in gone:
            mark(content(number))
            gone.append(number)
        # Files wait while the others are removing some.
        list(erasure.erase(storage, replica))
        time.sleep(0.2)

    def read() -> None:
        number = random.Random(time.monotonic()).choice([0, *loaded])
        if loaded:
            try:
                assert retrieval.read_object(content(number)) == b"deposit %d" % number
            except ObjectErased:
                assert number in gone or erasure.erased_among([content(number)])

    def audit() -> None:
        checks = list(fixity.audit(fixity.due(), storage, replica, thorough=True))
        assert {check.outcome for check in checks} <= {Outcome.SOUND}
        list(replicate(storage, replica))

    works = (load, merge_and_retire, erase, read, read, audit)
    assert in_threads(*(repeat(work) for work in works)) == []
    assert len(loaded) > 3
    list(erasure.erase(storage, replica))
    merge(storage)
    assert retire(storage, replica) == []
    list(replicate(storage, replica))
    for number in gone:
        assert_erased(content(number), storage, replica)
    assert len(everything()) == Object.objects.count() + len(loaded)
    assert set(packed(storage)) == {str(one) for one in Object.objects.all()}
    assert {pack.name for pack in replica.packs()} == {pack.name for pack in storage.packs()}
    with Packs(storage):
        assert_clean(storage)
