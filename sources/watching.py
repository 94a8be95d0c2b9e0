"""The process ``watch``: one thread for each source, as long as it is neither paused nor removed.

Of several watchers one serves a source, by an advisory lock that ends with its database session; the others take over
when it is gone. That saves work only: an item is deposited once, whoever sees it.
"""

import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.db import Error, connection
from django.db.models.functions import Now

from deposit.monitoring import heartbeats
from sources.models import Source
from sources.opening import open_source
from sources.session import Session, WorkerPool

logger = logging.getLogger(__name__)

# The first half of the key of the advisory lock of a source.
_LEADER = 0x5E4D_0020
RELOAD_SECONDS = 2.0
RETRY_SECONDS = 1.0


def lead(source_id: int) -> bool:
    """Try to become the one who serves a source, for as long as this database session lasts."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LEADER, source_id])
        row = cursor.fetchone()
    return bool(row and row[0])


def resign(source_id: int) -> None:
    """Let another serve the source."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LEADER, source_id])


def active_sources() -> dict[int, dict[str, Any]]:
    """The sources that are to be served, with all that would make serving them another thing."""
    told = ("scan_wanted_at", "scanned_at", "seen_at", "trouble")
    rows = Source.objects.filter(removed_at__isnull=True).values()
    return {row["id"]: {name: value for name, value in row.items() if name not in told} for row in rows}


class Watcher:
    """Starts and stops the threads. ``stop`` may be called from a signal handler."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._runners: dict[int, Runner] = {}
        self._name = f"watch@{socket.gethostname()}"
        self._beat_at: float | None = None

    def stop(self) -> None:
        """Let everything end soon."""
        self._stopping.set()

    def run(self, alive: Callable[[], None] = lambda: None) -> None:
        """Watch until stopped; a database that is away is waited for. ``alive`` is called every few seconds."""
        while not self._stopping.is_set():
            alive()
            try:
                self._beat()
                self._match(active_sources())
            except Error as error:
                logger.warning("sources cannot be read: %s", str(error).strip())
                connection.close()
            self._stopping.wait(RELOAD_SECONDS)
        for runner in self._runners.values():
            runner.stop()
        for runner in self._runners.values():
            runner.join(30)
        with suppress(Error):
            heartbeats.end(self._name)
        connection.close()

    def _beat(self) -> None:
        now = time.monotonic()
        if self._beat_at is None or now - self._beat_at >= heartbeats.BEAT_SECONDS:
            heartbeats.beat(self._name, "watch", begins=self._beat_at is None)
            self._beat_at = now

    def _match(self, wanted: dict[int, dict[str, Any]]) -> None:
        for source_id, runner in list(self._runners.items()):
            if wanted.get(source_id) != runner.settings or not runner.is_alive():
                runner.stop()
                if not runner.is_alive():
                    del self._runners[source_id]
        for source_id, settings in wanted.items():
            if source_id not in self._runners:
                self._runners[source_id] = Runner(source_id, settings)
                self._runners[source_id].start()


class Runner(threading.Thread):
    """Serves one source, again and again if need be."""

    def __init__(self, source_id: int, settings: dict[str, Any]) -> None:
        super().__init__(name=f"source-{settings['name']}", daemon=True)
        self.source_id, self.settings = source_id, settings
        self._stopping = threading.Event()
        self._woken = threading.Event()

    def stop(self) -> None:
        """End after the present round."""
        self._stopping.set()
        self._woken.set()

    def run(self) -> None:
        """Serve until stopped. What goes wrong is told, and tried again."""
        while not self._stopping.is_set():
            try:
                if lead(self.source_id):
                    self._serve()
            except Exception as error:  # noqa: BLE001  (the folder, the bucket, the database: whatever is away)
                logger.warning("source=%s is not served: %s", self.name, str(error).strip())
                self._record_trouble(error)
                connection.close()
            self._stopping.wait(RETRY_SECONDS)
        connection.close()

    def _serve(self) -> None:
        source = Source.objects.select_related("collection", "client__user").get(pk=self.source_id)
        place, finder = open_source(source, self._woken)
        with WorkerPool(self.name) as pool:
            session = Session(source, place, finder, pool)
            session.wake = self._woken.set
            told: Any = None
            try:
                while not self._stopping.is_set():
                    self._woken.clear()
                    pause = session.round(time.monotonic())
                    told = self._scan_if_wanted(session, told)
                    self._woken.wait(pause)
            finally:
                finder.stop()
        resign(self.source_id)

    def _scan_if_wanted(self, session: Session, told: Any) -> Any:
        """Tell when the last scan was, now and then, and scan when somebody asks for it."""
        now = time.monotonic()
        if told is not None and now - told < RELOAD_SECONDS:
            return told
        row = Source.objects.filter(pk=self.source_id).values("scan_wanted_at", "scanned_at").get()
        wanted, scanned = row["scan_wanted_at"], row["scanned_at"]
        if wanted and (scanned is None or wanted > scanned):
            session.finder.scan_soon()
            self._woken.set()
        if told is None or wanted or now - told > 10 * RELOAD_SECONDS:
            Source.objects.filter(pk=self.source_id).update(scanned_at=Now(), trouble="", scan_wanted_at=None)
        return now

    def _record_trouble(self, error: Exception) -> None:
        try:
            connection.close()
            Source.objects.filter(pk=self.source_id).update(trouble=f"{type(error).__name__}: {error}"[:500])
        except Error:
            connection.close()


def serve_once(source: Source, *, seconds: float = 60.0) -> bool:
    """Scan a source and take in what is complete, here and now; False when a watcher does so already."""
    if not lead(source.pk):
        return False
    woken = threading.Event()
    try:
        place, finder = open_source(source, woken)
        with WorkerPool() as pool:
            session = Session(source, place, finder, pool)
            session.wake = woken.set
            until = time.monotonic() + seconds
            try:
                while time.monotonic() < until:
                    woken.clear()
                    pause = session.round(time.monotonic())
                    if session.is_done:
                        break
                    woken.wait(min(pause, 0.1))
            finally:
                finder.stop()
        Source.objects.filter(pk=source.pk).update(scanned_at=Now(), scan_wanted_at=None)
    finally:
        resign(source.pk)
    return True
