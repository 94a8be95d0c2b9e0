"""Serving one source: find, write down, take in, follow, report, dispose. One round at a time, by one thread.

Slow things (reading originals, writing reports) are done by a small pool, so that a large file holds up nobody.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Protocol

from django.db import Error, connection
from django.db.models.functions import Now

from sources import following, items, taking
from sources.models import ItemState, Source, SourceItem
from sources.places import Place, Sighting

logger = logging.getLogger(__name__)

WORKERS = 4
# How often things are looked at that nobody announces, in seconds: the deposits under way, and all the rest.
FOLLOW_SECONDS = 0.5
LOOK_SECONDS = 5.0
# How long a round waits for news: while something is not complete, while something is under way, and otherwise.
TICK_SECONDS = 0.1
BUSY_SECONDS = 0.25
IDLE_SECONDS = 2.0


class WorkerPool(ThreadPoolExecutor):
    """Threads whose database sessions end with them."""

    def __init__(self, name: str = "source") -> None:
        super().__init__(WORKERS, thread_name_prefix=name)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = True) -> None:
        """Let what is at work end, drop what is not begun, and close every thread's session."""
        if self._shutdown:
            return
        together = threading.Barrier(WORKERS)

        def close() -> None:
            # Each thread has to come here once: none gets through before all are here.
            with suppress(threading.BrokenBarrierError):
                together.wait(30)
            connection.close()

        while True:
            try:
                self._work_queue.get_nowait()
            except queue.Empty:
                break
        for _ in range(WORKERS):
            self.submit(close)
        super().shutdown(wait)


class Finder(Protocol):
    """What finds complete things in a place."""

    def step(self, now: float) -> list[Sighting]: ...
    def forget(self, key: str) -> None: ...
    def scan_soon(self) -> None: ...
    def stop(self) -> None: ...
    @property
    def pending(self) -> int: ...
    def pending_names(self) -> list[str]: ...
    def vanished(self) -> list[str]: ...
    def present(self) -> set[str]: ...
    @property
    def follows_renames(self) -> bool: ...
    @property
    def scans(self) -> int: ...


class Session:
    """One source while it is served. ``round`` does what is due, and says how long there is nothing to do."""

    def __init__(self, source: Source, place: Place, finder: Finder, pool: ThreadPoolExecutor) -> None:
        self.source = source
        self.place = place
        self.finder = finder
        self._pool = pool
        self._at_work: dict[str, Future[None]] = {}
        self._followed_at = 0.0
        self._looked_at = 0.0
        self._shown: set[str] = set()
        self._unfinished: set[str] = set()
        self._busy = True
        self._failures = 0
        self.wake: Callable[[], None] = lambda: None

    def round(self, now: float) -> float:
        """Do what is due. Raises what the database or the place raises."""
        self._find(now)
        self._at_work = {name: job for name, job in self._at_work.items() if not job.done()}
        looks = now - self._looked_at >= LOOK_SECONDS
        if looks:
            self._looked_at = now
        if looks or (self._busy and now - self._followed_at >= FOLLOW_SECONDS):
            self._followed_at = now
            self._follow(looks)
        if self._busy and not self.source.paused:
            self._take()
        if self.finder.pending:
            return TICK_SECONDS
        return BUSY_SECONDS if self._busy else IDLE_SECONDS

    @property
    def is_done(self) -> bool:
        """Whether what is there now has been found and, unless the source is paused, taken in; nothing is at work."""
        if (
            not self.finder.scans
            or self.finder.pending
            or any(not job.done() for job in self._at_work.values())
        ):
            return False
        takes = not self.source.paused and taking.due_items(self.source, 1)
        return not (takes or following.to_report(self.source))

    def _find(self, now: float) -> None:
        found = self.finder.step(now)
        if found:
            present = self.finder.present if self.finder.follows_renames else None
            new = items.record_complete(self.source, found, present=present)
            self._busy |= new > 0
            self._shown -= {each.key for each in found}
            Source.objects.filter(pk=self.source.pk).update(seen_at=Now())
        if gone := [name for name in self.finder.vanished() if name in self._shown]:
            items.record_vanished(self.source, gone)
            self._shown -= set(gone)

    def _show_pending(self) -> None:
        """What has not been complete for a while is shown, so that nobody wonders."""
        pending = set(self.finder.pending_names())
        fresh = sorted((pending & self._unfinished) - self._shown)
        self._unfinished = pending
        if fresh:
            items.record_seen(self.source, fresh)
            self._shown |= set(fresh)

    def _follow(self, looks: bool) -> None:
        if looks:
            self._show_pending()
        changed = following.follow(self.source, ended_too=looks)
        reports = following.to_report(self.source)
        for item in reports:
            self._start(f"report {item.pk}", self._report, item)
        disposals = following.to_dispose(self.source)
        for item in disposals:
            self._start(f"dispose {item.pk}", self._dispose, item)
        # While it is paused nothing is done with what waits.
        states = [ItemState.TAKEN, *([] if self.source.paused else [ItemState.WAITING])]
        under_way = SourceItem.objects.filter(source=self.source, state__in=states).exists()
        self._busy = bool(under_way or changed or reports or disposals or self._at_work)

    def _take(self) -> None:
        room = 2 * WORKERS - sum(name.startswith("take ") for name in self._at_work)
        if room <= 0:
            return
        due = taking.due_items(self.source, 4 * WORKERS)
        for item_id in [each for each in due if f"take {each}" not in self._at_work][:room]:
            self._start(f"take {item_id}", self._take_one, item_id)

    def _start(self, name: str, work: Callable[..., None], *arguments: object) -> None:
        if name not in self._at_work:
            job = self._pool.submit(self._guarded, work, *arguments)
            self._at_work[name] = job

    def _guarded(self, work: Callable[..., None], *arguments: object) -> None:
        """A fault ends one piece of work; it comes again in a later round."""
        try:
            work(*arguments)
            self._failures = 0
        except Error as error:
            connection.close()
            self._pause(f"database: {str(error).strip()}")
        except Exception as error:  # noqa: BLE001  (of a place: whatever its library raises; told to the operators)
            self._pause(f"{type(error).__name__}: {error}")
        finally:
            self.wake()

    def _pause(self, reason: str) -> None:
        logger.warning("source=%s %s", self.source, reason)
        self._failures += 1
        time.sleep(min(5.0, 0.2 * 2 ** min(self._failures, 5)))

    def _take_one(self, item_id: int) -> None:
        state = taking.take(item_id, self.place)
        if state == ItemState.IGNORED:
            self.finder.forget(SourceItem.objects.values_list("key", flat=True).get(pk=item_id))

    def _report(self, item: SourceItem) -> None:
        following.report(self.source, item, self.place)

    def _dispose(self, item: SourceItem) -> None:
        following.dispose(self.source, item, self.place)
