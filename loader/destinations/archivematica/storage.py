"""Archivematica's Storage Service: the only one who can say that an AIP is stored, where, and undamaged."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from loader.destinations.archivematica.http import Api

# A check reads the whole AIP before it answers.
FIXITY_SECONDS = 900.0
_PAGE = 100


class Fixity(StrEnum):
    """What a fixity check found. UNKNOWN: it could not be made, or its outcome was lost."""

    SOUND = "sound"
    DAMAGED = "damaged"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredPackage:
    """What the Storage Service has on record of a package.

    ``status`` is UPLOADED for a stored package (it says nothing of fixity); ``stored_at`` is aware, None when no date
    is given; ``location`` and ``replicas`` are UUIDs.
    """

    uuid: str
    status: str
    stored_at: datetime | None
    location: str
    path: str
    size: int | None
    replicas: tuple[str, ...] = ()

    @property
    def is_stored(self) -> bool:
        """Whether it is there, by the status alone."""
        return self.status in ("UPLOADED", "VERIFIED")


class StorageService:
    """The calls that we make, over one `Api`. ``zone``: in which zone it writes its dates."""

    def __init__(self, api: Api, *, zone: tzinfo = UTC) -> None:
        self._api = api
        self._zone = zone

    def package(self, uuid: str) -> StoredPackage | None:
        """A package by its UUID, None when there is none. Raises `Unavailable`, `Refused`."""
        answer = self._api.ask("GET", f"api/v2/file/{uuid}/", accept=frozenset({404}))
        return None if answer.status == 404 else self._read(answer.mapping())

    def packages_since(self, moment: datetime) -> Iterator[StoredPackage]:
        """The AIPs stored after a moment (aware), page by page."""
        since = moment.astimezone(self._zone).replace(tzinfo=None).isoformat()
        offset = 0
        while True:
            params = {
                "package_type": "AIP",
                "stored_date__gt": since,
                "limit": str(_PAGE),
                "offset": str(offset),
            }
            document = self._api.ask("GET", "api/v2/file/", params=params).mapping()
            objects = document.get("objects")
            rows = [one for one in objects if isinstance(one, dict)] if isinstance(objects, list) else []
            yield from map(self._read, rows)
            meta = document.get("meta")
            if not rows or not isinstance(meta, dict) or not meta.get("next"):
                return
            offset += len(rows)

    def fixity(self, uuid: str) -> tuple[Fixity, str]:
        """Have an AIP read and compared; the outcome, and what was said. Raises `Unavailable`, `Refused`."""
        answer = self._api.ask("GET", f"api/v2/file/{uuid}/check_fixity/", seconds=FIXITY_SECONDS)
        document = answer.mapping()
        message = str(document.get("message") or "")[:1000]
        match document.get("success"):
            case True:
                return Fixity.SOUND, message
            case False:
                return Fixity.DAMAGED, message or _counted(document.get("failures"))
        return Fixity.UNKNOWN, message

    def location(self, uuid: str) -> dict[str, Any] | None:
        """A location by its UUID, None when there is none."""
        answer = self._api.ask("GET", f"api/v2/location/{uuid}/", accept=frozenset({404}))
        return None if answer.status == 404 else answer.mapping()

    def processing_locations(self, pipeline: str) -> list[str]:
        """The UUIDs of the currently-processing locations of a pipeline (a UUID); of all, where none is its own."""
        return self._locations(pipeline) or self._locations("") if pipeline else self._locations("")

    def _locations(self, pipeline: str) -> list[str]:
        params = {"purpose": "CP", "limit": str(_PAGE)} | ({"pipeline__uuid": pipeline} if pipeline else {})
        document = self._api.ask("GET", "api/v2/location/", params=params).mapping()
        objects = document.get("objects")
        rows = objects if isinstance(objects, list) else []
        return [
            str(one["uuid"])
            for one in rows
            if isinstance(one, dict) and one.get("uuid") and one.get("purpose") == "CP"
        ]

    def browse(self, location: str, path: str = "") -> list[str]:
        """The names of the folders at a path of a location. Raises `Unavailable`, `Refused`."""
        params = {"path": base64.b64encode(path.encode()).decode()} if path else None
        answer = self._api.ask("GET", f"api/v2/location/{location}/browse/", params=params)
        names = answer.mapping().get("directories")
        return [_decoded(name).strip("/") for name in names] if isinstance(names, list) else []

    def _read(self, document: dict[str, Any]) -> StoredPackage:
        replicas = document.get("replicas")
        size = document.get("size")
        return StoredPackage(
            uuid=str(document.get("uuid") or ""),
            status=str(document.get("status") or "").upper(),
            stored_at=self._moment(document.get("stored_date")),
            location=resource_uuid(document.get("current_location")),
            path=str(document.get("current_full_path") or document.get("current_path") or ""),
            size=size if isinstance(size, int) else None,
            replicas=tuple(filter(None, map(resource_uuid, replicas if isinstance(replicas, list) else []))),
        )

    def _moment(self, value: object) -> datetime | None:
        """A date as the Storage Service writes it: without zone, unless a proxy or a later version adds one."""
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=self._zone)


def resource_uuid(value: object) -> str:
    """The UUID at the end of a resource's address, or "": ``/api/v2/location/<uuid>/``, a bare UUID, a document."""
    if isinstance(value, dict):
        value = value.get("uuid") or value.get("resource_uri")
    name = urlsplit(str(value or "")).path.rstrip("/").rpartition("/")[2]
    try:
        return str(UUID(name))
    except ValueError:
        return ""


def _decoded(name: object) -> str:
    try:
        return base64.b64decode(str(name), validate=True).decode("utf-8", "surrogateescape")
    except ValueError:
        return ""


def _counted(failures: object) -> str:
    files = failures.get("files") if isinstance(failures, dict) else None
    if not isinstance(files, dict):
        return ""
    return ", ".join(
        f"{len(found)} {kind}" for kind, found in files.items() if isinstance(found, list) and found
    )
