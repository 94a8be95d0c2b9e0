"""Celery's pool of processes, whose queues outlive a process that is killed.

With a broker that has no event loop (the embedded folder) all processes of the pool read from one pipe, under a
semaphore that one of them holds as long as it waits. A semaphore does not notice that its holder was killed (by the
kernel that ran out of memory, say): the others would wait for it for ever. A record lock ends with its process.
"""

import fcntl
import os
from types import TracebackType
from typing import Any

from billiard.pool import Pool as BlockingPool
from celery.concurrency import prefork


class RecordLock:
    """A lock between a process and its forks; not between threads."""

    def __init__(self) -> None:
        # Closed with the process, as the pool is.
        self._file = os.memfd_create("lock")

    def acquire(self) -> bool:
        """Wait until nobody else has it."""
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        return True

    def release(self) -> None:
        """Let another have it."""
        fcntl.lockf(self._file, fcntl.LOCK_UN)

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class Pool(BlockingPool):
    """The pool for brokers without an event loop."""

    def _setup_queues(self) -> None:
        super()._setup_queues()  # type: ignore[misc]  # the stubs end here
        for name in ("_inqueue", "_outqueue"):
            queue: Any = getattr(self, name)
            queue._rlock, queue._wlock = RecordLock(), RecordLock()


class TaskPool(prefork.TaskPool):
    """The ``worker_pool`` of ``settings/celery.py``."""

    BlockingPool = Pool
