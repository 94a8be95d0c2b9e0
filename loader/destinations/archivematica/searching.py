"""Finding a transfer whose POST was not answered: by its name, wherever Archivematica and its Storage Service show it.

Before 1.19 no call of the dashboard lists transfers that are processed. But each lies in a folder ``<name>-<UUID>`` of
the pipeline's currently-processing location, which the Storage Service lets us browse; one that asks a person
something, or waits for approval, is listed; and an AIP that is stored has the name in its path.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from loader.destinations.archivematica.dashboard import Dashboard, Unit
from loader.destinations.archivematica.errors import Refused, RemoteError, Unavailable
from loader.destinations.archivematica.storage import StorageService

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$", re.IGNORECASE)
# The shared directory of a pipeline is wide; what we look for lies near its top.
_DEEPEST = 4
_MOST_FOLDERS = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What is known of a transfer that was looked for: its own UUID or that of its SIP; "" what is not known."""

    transfer: str = ""
    sip: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """The outcome of a search. ``complete``: every place could be looked at, so that absence means something."""

    found: Found | None
    complete: bool


def search(
    dashboard: Dashboard, storage: StorageService, *, name: str, pipeline_id: str, since: datetime
) -> Search:
    """Look for a transfer of this name that was handed over after ``since`` (aware)."""
    complete = True
    for look in (_processing, _waiting, _stored):
        try:
            found = look(dashboard, storage, name, pipeline_id, since)
        except RemoteError:
            complete = False
            continue
        if found is not None:
            return Search(found=found, complete=True)
    return Search(found=None, complete=complete)


def _processing(
    dashboard: Dashboard, storage: StorageService, name: str, pipeline_id: str, since: datetime
) -> Found | None:
    locations = storage.processing_locations(pipeline_id)
    if not locations:
        raise Unavailable("The Storage Service tells no currently-processing location.")
    folders = (folder for location in locations for folder in _folders(storage, location))
    for identifier in _named(folders, name):
        if found := _identify(dashboard, identifier, name):
            return found
    return None


def _folders(storage: StorageService, location: str) -> Iterator[str]:
    """The names of folders, level by level; those that are units themselves are not entered."""
    level = [""]
    looked_at = 0
    for _ in range(_DEEPEST):
        below: list[str] = []
        for path in level:
            looked_at += 1
            if looked_at > _MOST_FOLDERS:
                return
            for name in _browse(storage, location, path):
                yield name
                if not _UUID.search(name):
                    below.append(f"{path}/{name}" if path else name)
        level = below


def _browse(storage: StorageService, location: str, path: str) -> list[str]:
    try:
        return storage.browse(location, path)
    except Refused:
        if not path:
            raise
        return []  # it has gone since


def _waiting(
    dashboard: Dashboard, storage: StorageService, name: str, pipeline_id: str, since: datetime
) -> Found | None:
    for identifier, text in dashboard.names_that_wait():
        last = text.rstrip("/").rpartition("/")[2]
        if (last == name or last.startswith(f"{name}-")) and (
            found := _identify(dashboard, identifier, name)
        ):
            return found
    return None


def _stored(
    dashboard: Dashboard, storage: StorageService, name: str, pipeline_id: str, since: datetime
) -> Found | None:
    for aip in storage.packages_since(since):
        if any(part.startswith(f"{name}-") for part in aip.path.split("/")):
            return Found(sip=aip.uuid)
    return None


def _named(folders: Iterator[str], name: str) -> Iterator[str]:
    """The UUIDs of the folders ``<name>-<UUID>``."""
    for folder in folders:
        if folder.startswith(f"{name}-") and (match := _UUID.search(folder)):
            yield match[0].lower()


def _identify(dashboard: Dashboard, identifier: str, name: str) -> Found | None:
    """Whether a UUID is a transfer or a SIP; as a transfer, when the dashboard knows neither yet."""
    for kind, ask in (("transfer", dashboard.transfer), ("sip", dashboard.ingest)):
        try:
            unit: Unit = ask(identifier)
        except (Refused, Unavailable):
            continue
        if unit.name in ("", name) or unit.name.startswith(f"{name}-"):
            return Found(transfer=identifier) if kind == "transfer" else Found(sip=identifier)
    return Found(transfer=identifier)
