"""The Storage Service of the Archivematica double."""

import base64
from typing import Any

from tests.support.archivematica_http import UUID, Handler


class StorageHandler(Handler):
    """The Storage Service's API, version 2."""

    routes = [
        ("GET", "/api/v2/file/", "packages"),
        ("GET", f"/api/v2/file/{UUID}/", "package"),
        ("GET", f"/api/v2/file/{UUID}/check_fixity/", "fixity"),
        ("GET", "/api/v2/location/", "locations"),
        ("GET", f"/api/v2/location/{UUID}/", "one_location"),
        ("GET", f"/api/v2/location/{UUID}/browse/", "browse"),
    ]

    def refuse_entry(self) -> None:
        """401, without a word."""
        self.answer(401, b"", WWW_Authenticate='Basic Realm="django-tastypie"')

    def _route(self) -> None:
        if not self.asked.path.endswith("/"):
            self.answer(301, b"", Location=self.asked.path + "/")
            return
        super()._route()

    def packages(self) -> None:
        """The list, with the filters that we know."""
        query = self.asked.query
        rows = [
            one
            for one in self.double.state.store.packages.values()
            if query.get("package_type", one["package_type"]) == one["package_type"]
            and query.get("status", one["status"]) == one["status"]
            and (one["stored_date"] or "") > query.get("stored_date__gt", "")
        ]
        self._list(rows)

    def _list(self, rows: list[dict[str, Any]]) -> None:
        limit, offset = int(self.asked.query.get("limit", 20)), int(self.asked.query.get("offset", 0))
        more = offset + limit < len(rows)
        meta = {
            "limit": limit,
            "offset": offset,
            "next": f"{self.asked.path}?limit={limit}&offset={offset + limit}" if more else None,
            "previous": None,
            "total_count": len(rows),
        }
        self.answer(200, {"meta": meta, "objects": rows[offset : offset + limit]})

    def package(self, identifier: str) -> None:
        """One package."""
        found = self.double.state.store.packages.get(identifier)
        self.answer(200, found) if found else self.answer(404, b"")

    def fixity(self, identifier: str) -> None:
        """Read the bag and compare; 200 whatever comes of it."""
        if identifier not in self.double.state.store.packages:
            self.answer(404, b"")
            return
        self.answer(200, self.double.state.store.check(identifier))

    def _places(self) -> list[dict[str, Any]]:
        state = self.double.state
        pipelines = [f"/api/v2/pipeline/{self.double.id}/"]
        return [
            {
                "uuid": identifier,
                "purpose": purpose,
                "path": str(path),
                "relative_path": path.name,
                "description": "",
                "enabled": True,
                "quota": None,
                "used": 0,
                "pipeline": pipelines,
                "resource_uri": f"/api/v2/location/{identifier}/",
            }
            for identifier, purpose, path in (
                (self.double.location, "TS", state.source),
                (self.double.processing_location, "CP", state.processing),
                (state.store.location, "AS", state.store.root),
            )
        ]

    def locations(self) -> None:
        """The list of locations."""
        purpose = self.asked.query.get("purpose")
        pipeline = self.asked.query.get("pipeline__uuid", self.double.id)
        mine = self._places() if pipeline == self.double.id else []
        self._list([place for place in mine if purpose in (None, place["purpose"])])

    def one_location(self, identifier: str) -> None:
        """One location."""
        found = [place for place in self._places() if place["uuid"] == identifier]
        self.answer(200, found[0]) if found else self.answer(404, b"")

    def browse(self, identifier: str) -> None:
        """What lies at a path of a location, names in base64."""
        path = base64.b64decode(self.asked.query.get("path", "")).decode()
        found = self.double.state.directories(path) if identifier == self.double.processing_location else []
        if found is None:
            self.answer(404, b"")
            return
        names = [base64.b64encode(name.encode()).decode() for name in found]
        self.answer(200, {"entries": names, "directories": names, "properties": {}})
