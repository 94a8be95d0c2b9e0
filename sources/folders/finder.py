"""Finding what is complete in a folder: kernel events tell at once, full scans find what no event told.

Events get lost (a full queue, a network mount, a watcher that was down), so a scan of all names comes again and again,
the more rarely the longer it takes: it never uses more than half a percent of a processor.
"""

import logging
import os
import re
import threading
import time
from collections.abc import Iterable
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers.api import BaseObserver

from sources.folders.completeness import Completeness
from sources.folders.scanning import Stamp, entries, is_ignored, is_text, stamp_of
from sources.places import Sighting

logger = logging.getLogger(__name__)

# A full scan comes at the earliest after so many seconds, with kernel events and without them.
SCAN_SECONDS = 10.0
POLL_SECONDS = 1.0
# ... and at the earliest after so many times the processor time, and the time, that the last one took.
RARITY = 200.0
PATIENCE = 5.0


class _Handler(FileSystemEventHandler):
    """Collects the names that the kernel tells of; whatever the event is, the entry itself is looked at."""

    def __init__(self, root: str, woken: threading.Event) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._names: dict[str, bool] = {}
        self._woken = woken

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type in ("opened", "closed_no_write"):
            return
        for path in (event.src_path, event.dest_path):
            folder, name = os.path.split(os.fsdecode(path))
            if folder == self._root and name:
                with self._lock:
                    self._names[name] = event.event_type in ("closed", "moved")
                self._woken.set()

    def take(self) -> dict[str, bool]:
        """The names since the last call, and whether the last that was told is that it was closed or moved in."""
        with self._lock:
            names, self._names = self._names, {}
        return names


class FolderFinder:
    """Finds complete entries. ``known`` maps names to the versions that are written down already."""

    follows_renames = True

    def __init__(
        self,
        root: Path,
        *,
        stable_seconds: float | None = None,
        ignore: str = "",
        polling: bool = False,
        leave_out: Iterable[str] = (),
        known: dict[str, set[str]] | None = None,
        woken: threading.Event | None = None,
    ) -> None:
        self.root = Path(os.path.realpath(root))
        self.woken = woken or threading.Event()
        self._pattern = re.compile(ignore) if ignore else None
        self._polling = polling
        self._leave_out = frozenset(leave_out)
        self._versions = known or {}
        self._known: dict[str, Stamp] = {}
        self._completeness = Completeness(self.root, stable_seconds)
        self._handler = _Handler(str(self.root), self.woken)
        self._observer: BaseObserver | None = None
        self._scan_at = 0.0
        self.scans = 0

    def start(self) -> None:
        """Listen to the kernel, unless the source polls. Raises `OSError` when the folder cannot be listed."""
        os.scandir(self.root).close()
        if self._polling:
            return
        try:
            self._observer = _observer()
            self._observer.schedule(self._handler, str(self.root), recursive=False)
            self._observer.start()
        except OSError as error:
            # No room for another watch, most of all; scans find everything a little later.
            logger.warning("folder %s is polled: %s", self.root, error)
            self._observer = None

    def stop(self) -> None:
        """Stop listening."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join(5)

    @property
    def pending(self) -> int:
        """How many entries are looked at and are not complete yet."""
        return len(self._completeness)

    def pending_names(self) -> list[str]:
        """Their names."""
        return self._completeness.names()

    def scan_soon(self) -> None:
        """Let the next step scan."""
        self._scan_at = 0.0

    def present(self) -> set[str]:
        """The names in the folder now. Raises `OSError`."""
        return set(os.listdir(self.root))  # noqa: PTH208  (strings, a hundred thousand of them)

    def step(self, now: float) -> list[Sighting]:
        """What has become complete by ``now``, a time of the monotonic clock. Raises `OSError`."""
        for name, closed in self._handler.take().items():
            if not is_ignored(name, self._pattern) and is_text(name) and name not in self._leave_out:
                self._notice(name, stamp_of(self.root / name), closed=closed)
        if now >= self._scan_at:
            self._scan(now)
        found = []
        for sighting, stamp in self._completeness.complete(now):
            self._known[sighting.key] = stamp
            if not (stamp.is_link and self._leads_inside(sighting.key)):
                found.append(sighting)
        return found

    def vanished(self) -> list[str]:
        """What went before it was complete, since the last step."""
        return self._completeness.vanished

    def forget(self, key: str) -> None:
        """Look at an entry anew: it was another one than was thought."""
        self._known.pop(key, None)
        self._versions.pop(key, None)
        self._scan_at = 0.0
        self.woken.set()

    def _notice(self, name: str, stamp: Stamp | None, *, closed: bool) -> None:
        if stamp is None:
            self._known.pop(name, None)
        elif stamp.counts and self._known.get(name) != stamp:
            self._completeness.notice(name, closed=closed)

    def _scan(self, now: float) -> None:
        began, used = time.monotonic(), time.thread_time()
        there = set()
        for name, stamp in entries(self.root, self._pattern):
            there.add(name)
            if name in self._leave_out or self._known.get(name) == stamp:
                continue
            if not stamp.is_directory and stamp.version in self._versions.get(name, ()):
                self._known[name] = stamp
            else:
                self._completeness.notice(name)
        for name in self._known.keys() - there:
            del self._known[name]
        self._versions = {}  # of use once: at the start
        took, used = time.monotonic() - began, time.thread_time() - used
        least = SCAN_SECONDS if self._observer is not None else POLL_SECONDS
        self._scan_at = now + max(least, RARITY * used, PATIENCE * took)
        self.scans += 1

    def _leads_inside(self, name: str) -> bool:
        """Whether a link leads to something in the folder, which is an item of its own."""
        target = Path(os.path.realpath(self.root / name))
        return target.parent == self.root and target.exists()


def _observer() -> BaseObserver:
    """The kernel's events, never watchdog's own polling: it costs a hundred times what our scans do."""
    try:
        from watchdog.observers.inotify import InotifyObserver  # noqa: PLC0415  Linux only
    except ImportError as error:
        raise OSError("this system has no inotify") from error
    return InotifyObserver()
