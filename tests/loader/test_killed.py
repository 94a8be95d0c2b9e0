"""A loader that is killed at any instant leaves nothing visible or everything, and the deposit is done once.

Each load runs in a process of its own that is killed with SIGKILL at a random instant; then the record, the index and
the packs are looked at, and the next loader takes over.
"""

import os
import random
import signal
import time
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from archive.identifiers import SWHID
from archive.maintenance import verify
from archive.models import Object, Pack, Visit
from archive.storage import default_storage
from archive.tar import stream_tar
from checker.checking import check
from deposit.models import Deposit, Event, Status
from deposit.queue.dispatcher import release_passed_leases
from loader.workflow import load
from tests.support.lifecycle_fixtures import pass_lease, sent
from tests.support.samples import make_tar

pytestmark = pytest.mark.django_db(transaction=True)


def load_in_child(
    deposit_id: int, kill_after: float | None, *, started: Callable[[int], None] | None = None
) -> float:
    """Load in a process of its own; kill it after so many seconds, if it still runs. Returns how long it ran.

    ``started`` is told the number of the process.
    """
    connection.close()
    child = os.fork()
    if child == 0:
        try:
            load(deposit_id, worker="child")
        except BaseException:  # noqa: BLE001  the child dies here, and says why
            traceback.print_exc()
        finally:
            os._exit(0)
    if started is not None:
        started(child)
    begun = time.monotonic()
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    took = time.monotonic() - begun
    _until_the_childs_session_ends()
    return took


def _until_the_childs_session_ends() -> None:
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with connection.cursor() as cursor:
        for _ in range(1000):
            cursor.execute(query)
            if cursor.fetchone()[0] == 0:
                return
            time.sleep(0.01)
    raise AssertionError("the killed loader's database session does not end")


def verified(number: int) -> Deposit:
    files = {f"pkg-{number}/{n % 17}/file-{n}": f"{number} {n}".encode() * 50 for n in range(400)}
    files |= {"big": os.urandom(3_000_000)}
    deposit = sent(make_tar(files, "w"), origin=f"https://hal.example.org/{number}")
    check(deposit.pk, worker="checker")
    deposit.refresh_from_db()
    assert deposit.status == Status.VERIFIED
    return deposit


def assert_nothing_is_visible(deposit: Deposit, before: tuple[int, int, int]) -> None:
    assert (Pack.objects.count(), Object.objects.count(), Visit.objects.count()) == before
    assert deposit.swhid is None


def assert_everything_is_visible(deposit: Deposit) -> None:
    assert [*verify(default_storage())].count(None) == Pack.objects.count()
    assert deposit.swhid is not None
    size = sum(len(chunk) for chunk in stream_tar(SWHID.parse(deposit.swhid).hash))
    assert size > 3_000_000
    assert Visit.objects.filter(origin__url=deposit.origin_url).count() == 1
    assert Event.objects.filter(deposit=deposit, name="finish").count() == 1


def counts() -> tuple[int, int, int]:
    return Pack.objects.count(), Object.objects.count(), Visit.objects.count()


def test_a_killed_loader_leaves_nothing_or_everything(settings: Any) -> None:
    settings.MAX_ATTEMPTS = 1000
    chance = random.Random(os.environ.get("PYTEST_SEED", "1"))
    first = verified(0)
    usual = load_in_child(first.pk, None)
    kills = int(os.environ.get("LOADER_KILLS", "25"))
    survived = 0
    deposit, number = verified(1), 1
    for _ in range(kills):
        before = counts()
        load_in_child(deposit.pk, chance.uniform(0, usual * 1.1))
        deposit.refresh_from_db()
        if deposit.status == Status.DONE:
            assert_everything_is_visible(deposit)
            survived += 1
            number += 1
            deposit = verified(number)
            continue
        assert_nothing_is_visible(deposit, before)
        if deposit.status == Status.LOADING:
            pass_lease(deposit)
            assert release_passed_leases() == 1
    load_in_child(deposit.pk, None)
    deposit.refresh_from_db()
    assert_everything_is_visible(deposit)
    assert survived < kills
