"""The workers' pool goes on when one of its processes is killed, whatever that one was doing."""

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from server.celery_pool import Pool, TaskPool
from settings.celery import app


@pytest.fixture
def pool() -> Iterator[Pool]:
    """Two processes, one of which waits for work and holds the lock, and the other waits for the lock."""
    pool = Pool(processes=2, threads=True)
    pool.apply_async(os.getpid).get(timeout=30)
    time.sleep(0.2)
    yield pool
    pool.terminate()
    pool.join()


def test_work_goes_on_after_every_process_was_killed_while_it_waited(pool: Pool) -> None:
    workers: list[Any] = list(pool._pool)  # type: ignore[attr-defined]  # the stubs end here
    for worker in workers:
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()
    assert pool.apply_async(os.getpid).get(timeout=30) not in (os.getpid(), None)


def test_work_goes_on_after_a_process_was_killed_at_work(pool: Pool) -> None:
    busy = pool.apply_async(time.sleep, (60,), lost_worker_timeout=0.1)
    while not (pids := busy.worker_pids()):
        time.sleep(0.01)
    os.kill(pids[0], signal.SIGKILL)
    assert pool.apply_async(os.getpid).get(timeout=30) != pids[0]


def test_the_workers_have_this_pool() -> None:
    assert app.conf.worker_pool == "server.celery_pool:TaskPool"
    assert TaskPool.BlockingPool is Pool
