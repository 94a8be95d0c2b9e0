"""Finding objects: listings find everything in the end; what events announced is looked at at once."""

import logging
import re
import threading
import time

from sources import items
from sources.buckets.objects import Bucket, BucketAway
from sources.folders.scanning import is_ignored
from sources.models import Source
from sources.places import Gone, Sighting

logger = logging.getLogger(__name__)

# A listing of everything comes at the earliest after so many seconds, and so many times what the last one took. Where
# that is long, what lies after the last key is listed in between: a request or two.
LIST_SECONDS = 5.0
RARITY = 50.0
TAIL_SECONDS = 10.0
_AT_ONCE = 100


class BucketFinder:
    """Finds versions of objects that are not written down yet."""

    def __init__(self, source: Source, bucket: Bucket) -> None:
        self._source = source
        self._bucket = bucket
        self._pattern = re.compile(source.ignore) if source.ignore else None
        # The newest version of each key as seen here; and, until the first listing, all that the record has.
        self._newest: dict[str, str] = {}
        self._written = items.known_versions(source)
        self._last_key = ""
        self._list_at = self._tail_at = 0.0
        self.receivers: list[threading.Thread] = []
        self.stopping = threading.Event()
        self.scans = 0

    @property
    def pending(self) -> int:
        """None: an object is complete as soon as it is there."""
        return 0

    def pending_names(self) -> list[str]:
        """None."""
        return []

    follows_renames = False

    def present(self) -> set[str]:
        """Not asked for: objects are never renamed."""
        return set(self._newest)

    def vanished(self) -> list[str]:
        """None: what was announced and is not there is forgotten at once."""
        return []

    def scan_soon(self) -> None:
        """Let the next step list everything."""
        self._list_at = 0.0

    def forget(self, key: str) -> None:
        """Look at an object anew."""
        self._newest.pop(key, None)
        items.record_seen(self._source, [key])

    def stop(self) -> None:
        """Stop those who receive events."""
        self.stopping.set()
        for receiver in self.receivers:
            receiver.join(10)

    def step(self, now: float) -> list[Sighting]:
        """What is new. A server that is away is asked again later."""
        found: list[Sighting] = []
        try:
            found += self._announced()
            if now >= self._list_at:
                found += self._list(now)
            elif now >= self._tail_at and self._last_key:
                self._tail_at = now + TAIL_SECONDS
                found += self._new(self._last_key)
        except (BucketAway, Gone) as error:
            logger.warning("source=%s bucket: %s", self._source, error)
            self._list_at = max(self._list_at, now + LIST_SECONDS)
        return found

    def _announced(self) -> list[Sighting]:
        """The objects that events told of, or a change while one was read."""
        found, gone = [], []
        for key in items.noted_keys(self._source, _AT_ONCE):
            try:
                if not self._counts(key):
                    raise Gone(key)
                found.append(self._bucket.look(key))
            except Gone:
                gone.append(key)
        items.record_vanished(self._source, gone)
        self._newest |= {each.key: each.version for each in found}
        return found

    def _counts(self, key: str) -> bool:
        return self._bucket.counts(key) and not is_ignored(key.rpartition("/")[2], self._pattern)

    def _list(self, now: float) -> list[Sighting]:
        began = time.monotonic()
        found = self._new("")
        took = time.monotonic() - began
        self._list_at = now + max(LIST_SECONDS, RARITY * took)
        self._tail_at = now + TAIL_SECONDS
        self._written = {}
        self.scans += 1
        return found

    def _new(self, after: str) -> list[Sighting]:
        found = []
        for sighting in self._bucket.listed(after):
            key, version = sighting.key, sighting.version
            self._last_key = max(self._last_key, key)
            if self._newest.get(key) == version or not self._counts(key):
                continue
            self._newest[key] = version
            if version not in self._written.get(key, ()):
                found.append(sighting)
        return found
