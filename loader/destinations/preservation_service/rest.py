"""The service's REST API 2.0: what is preserved, disseminations, and reports of ingests."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx
from django.conf import settings

from loader.destinations.preservation_service.transfer import NotSetUp

_AGAIN = {500, 502, 503, 504}
_ATTEMPTS = 5
_PAUSE = 0.5


class ServiceError(Exception):
    """The service did not do what was asked; ``transient``: it may, later."""

    def __init__(self, message: str, *, status: int | None = None, transient: bool = True) -> None:
        super().__init__(message)
        self.status = status
        self.transient = transient


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportEntry:
    """One report of an ingest: the transfer it is about, when, and ``accepted`` or ``rejected``."""

    transfer: str
    at: datetime
    status: str


class PreservationApi:
    """A connection to the API of one contract; a context manager."""

    def __init__(
        self,
        url: str,
        contract: str,
        username: str,
        password: str,
        *,
        pause: float = _PAUSE,
        timeout: float = 10.0,
    ) -> None:
        server = url.partition("/api/")[0].rstrip("/")
        self._root = f"/api/2.0/urn:uuid:{contract.removeprefix('urn:uuid:')}"
        self._server, self._base = server, server + self._root
        self._pause = pause
        self._downloads: dict[str, str] = {}
        self._http = httpx.Client(auth=(username, password), timeout=timeout, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._http.close()

    def search(self, *, page: int = 1, limit: int = 50, query: str = "") -> list[dict[str, Any]]:
        """Packages of the contract: ``location``, ``createdate``, ``lastmoddate``, ``id``, ``pkg_type`` of each."""
        asked = {"page": str(page), "limit": str(limit)} | ({"q": query} if query else {})
        return list(self._json("GET", "/search", asked)["results"])

    def disseminate(self, aip: str) -> str:
        """Ask for a package to be made ready; return the id of the dissemination."""
        told = self._json("POST", f"/preserved/{quote(aip, safe='')}/disseminate", {"format": "zip"})
        return str(told["disseminated"]).rstrip("/").rpartition("/")[2]

    def is_ready(self, dissemination: str) -> bool:
        """Whether a dissemination can be downloaded."""
        told = self._json("GET", f"/disseminated/{quote(dissemination, safe='')}")
        is_ready = str(told["complete"]).lower() == "true"
        address = (told.get("actions") or {}).get("download")
        if is_ready and isinstance(address, str) and urlsplit(address).path.startswith("/"):
            # Of the address that the service names only the path: credentials go to nobody else.
            self._downloads[dissemination] = self._server + urlsplit(address).path
        return is_ready

    def download(self, dissemination: str, target: Path, progress: Callable[[int], None]) -> int:
        """Write a dissemination to ``target``, behind what is there already; return its bytes."""
        path = f"/disseminated/{quote(dissemination, safe='')}/download"
        address = self._downloads.get(dissemination, self._base + path)
        have = target.stat().st_size if target.exists() else 0
        headers = {"Range": f"bytes={have}-"} if have else {}
        try:
            with self._http.stream("GET", address, headers=headers) as reply:
                if reply.status_code == 416 and have:  # it is whole
                    return have
                _raise_for_status(reply, path)
                goes_on = reply.status_code == 206
                with target.open("ab" if goes_on else "wb") as file:
                    for (
                        chunk
                    ) in reply.iter_bytes():  # as it comes, so that nothing is lost when it breaks off
                        file.write(chunk)
                        progress(file.tell())
                    file.flush()
                    os.fsync(file.fileno())
                    return file.tell()
        except httpx.TransportError as error:
            raise ServiceError(
                f"The download broke off: {error!r}. Run the command again to go on."
            ) from error

    def delete(self, dissemination: str) -> None:
        """Remove a dissemination that is not needed any more."""
        self._json("DELETE", f"/disseminated/{quote(dissemination, safe='')}")

    def reports(self, sip: str) -> list[ReportEntry]:
        """The reports on a SIP, newest first; none: 404."""
        try:
            told = self._json("GET", f"/ingest/report/{quote(sip, safe='')}")
        except ServiceError as error:
            if error.status == 404:
                return []
            raise
        entries = [
            ReportEntry(transfer=str(entry["id"]), at=_time(str(entry["date"])), status=str(entry["status"]))
            for entry in told["results"]
        ]
        return sorted(entries, key=lambda entry: entry.at, reverse=True)

    def report(self, sip: str, transfer: str, kind: str) -> bytes | None:
        """A report in the form ``xml`` or ``html``; None if there is none."""
        path = f"/ingest/report/{quote(sip, safe='')}/{quote(transfer, safe='')}"
        try:
            return self._reply("GET", path, {"type": kind}).content
        except ServiceError as error:
            if error.status == 404:
                return None
            raise

    def _json(self, method: str, path: str, asked: dict[str, str] | None = None) -> dict[str, Any]:
        try:
            told = self._reply(method, path, asked).json()["data"]
        except (ValueError, KeyError, TypeError) as error:
            raise ServiceError(f"The service's answer to {path} cannot be read: {error!r}") from None
        if not isinstance(told, dict):
            raise ServiceError(f"The service's answer to {path} cannot be read.")
        return told

    def _reply(self, method: str, path: str, asked: dict[str, str] | None) -> httpx.Response:
        for attempt in range(_ATTEMPTS):
            last = attempt == _ATTEMPTS - 1
            try:
                reply = self._http.request(method, self._base + path, params=asked)
            except httpx.TransportError as error:
                if last:
                    raise ServiceError(f"The service cannot be reached: {error!r}") from error
            else:
                if last or reply.status_code not in _AGAIN:
                    _raise_for_status(reply, path)
                    return reply
            time.sleep(self._pause * 2**attempt)
        raise AssertionError("unreachable")


def api() -> PreservationApi:
    """A connection to the API that the settings name. Raises NotSetUp."""
    missing = [name for name in ("DPRES_API_URL", "METS_CONTRACT_ID") if not getattr(settings, name)]
    if missing:
        raise NotSetUp(f"The preservation service's API is not set up: set {', '.join(missing)}.")
    return PreservationApi(
        settings.DPRES_API_URL,
        settings.METS_CONTRACT_ID,
        settings.DPRES_API_USERNAME,
        settings.DPRES_API_PASSWORD,
    )


def _raise_for_status(reply: httpx.Response, path: str) -> None:
    status = reply.status_code
    if status >= 400:
        raise ServiceError(
            f"The service answered {status} to {path}.", status=status, transient=status in _AGAIN
        )


def _time(text: str) -> datetime:
    if len(text) == len("2026-11-30"):  # a day without a time: it is not over
        text += "T23:59:59"
    when = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return when if when.tzinfo else when.replace(tzinfo=UTC)
