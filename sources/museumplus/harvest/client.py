"""The REST API of MuseumPlus, as far as preservation needs it.

Its oddities are known: no size and no checksum of a file is offered, a request may hang, 503 and 403 may mean a lack of
permission, and a document may come truncated. Requests that the network or the server failed are made again a few
times; what fails then raises MuseumPlusError, whose ``transient`` says whether it is worth trying again later.
"""

import contextlib
import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Self, TypeVar
from urllib.parse import quote, urlsplit

import httpx
from django.conf import settings
from lxml import etree

from sources.museumplus.harvest.connections import CONNECTIONS, Slots
from sources.museumplus.harvest.documents import (
    MODULE_NAMESPACE,
    SESSION_NAMESPACE,
    BadDocument,
    Field,
    TruncatedDocument,
    items,
    parse_document,
    single_item,
    whole_object,
)
from sources.museumplus.harvest.search_requests import search_request
from sources.museumplus.harvest.session import SessionKey

logger = logging.getLogger(__name__)

PAGE_SIZE = 50
USER_AGENT = "deposit-server (MuseumPlus source)"
# Pauses before another attempt, in seconds.
PAUSES = (1.0, 3.0, 10.0, 30.0)
_AGAIN = {408, 425, 429, 500, 502, 503, 504}
_CHUNK = 1024 * 1024
_REFUSED = {401, 403}


T = TypeVar("T")


class MuseumPlusError(Exception):
    """MuseumPlus did not do what was asked of it; ``transient``: it may, later."""

    def __init__(self, message: str, *, status: int | None = None, transient: bool = True) -> None:
        super().__init__(message)
        self.status = status
        self.transient = transient


class MuseumPlusClient:
    """A connection to MuseumPlus; a context manager. ``cache`` is the folder of the session key."""

    def __init__(
        self,
        url: str,
        username: str,
        password: str,
        *,
        cache: Path,
        timeout: float = 600.0,
        pauses: tuple[float, ...] = PAUSES,
    ) -> None:
        self._url = url.rstrip("/")
        self._username = username
        self._password = password
        self._pauses = pauses
        self._slots = Slots()
        self._key = SessionKey(cache / f"{urlsplit(url).netloc.replace(':', '_')}.session", self._log_in)
        self._http = httpx.Client(
            headers={"User-Agent": USER_AGENT},
            timeout=httpx.Timeout(timeout, pool=None),
            # A connection that is kept open counts there, too, and its place here is given to another.
            limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=0),
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._http.close()
        self._slots.close()

    def object_document(self, number: int) -> bytes:
        """The document of an object, which is whole. Raises MuseumPlusError."""
        return self._document(f"/module/Object/{number}", whole_object)

    def multimedia_document(self, number: int) -> bytes:
        """The document of a Multimedia."""
        return self._document(f"/module/Multimedia/{number}", single_item)

    def activity_document(self, number: int) -> bytes:
        """The document of a CollectionActivity."""
        return self._document(f"/module/CollectionActivity/{number}", single_item)

    def lido(self, number: int, report: int) -> bytes:
        """The LIDO document of an object, made by the report with this number."""
        data = self._request("GET", f"/module/Object/{number}/export/{report}")
        self._readable(data)
        return data

    def download(self, number: int, target: Path, alive: Callable[[], None] = lambda: None) -> int:
        """Write the file of a Multimedia to ``target``, anew; return its bytes. There is none: 404 is -1.

        ``alive`` is called for each megabyte; what it raises ends the download.
        """
        return self._attempts(lambda: self._download(number, target, alive))

    def search(
        self, module: str, *, offset: int = 0, changed_since: datetime | None = None
    ) -> list[etree._Element]:
        """One page of all entries of a module, by id: at most ``PAGE_SIZE`` from ``offset`` on; empty at the end."""
        body = search_request(module, PAGE_SIZE, offset, changed_since)
        return list(items(self._readable_reply("POST", f"/module/{module}/search", body)))

    def field_value(self, number: int, field: Field) -> str | None:
        """The value of an object's field; None if it has none."""
        item = single_item(parse_document(self.object_document(number)))
        namespace = f"{{{MODULE_NAMESPACE}}}"
        found = item.find(f"{namespace}{field.element}[@name='{field.name}']/{namespace}value")
        return None if found is None else found.text

    def set_field(self, number: int, field: Field, value: str) -> None:
        """Set the value of an object's field, whether or not it had one."""
        root = etree.Element(f"{{{MODULE_NAMESPACE}}}application", nsmap={None: MODULE_NAMESPACE})  # type: ignore[dict-item]
        modules = etree.SubElement(root, f"{{{MODULE_NAMESPACE}}}modules")
        module = etree.SubElement(modules, f"{{{MODULE_NAMESPACE}}}module", name="Object")
        item = etree.SubElement(module, f"{{{MODULE_NAMESPACE}}}moduleItem", id=str(number))
        entry = etree.SubElement(item, f"{{{MODULE_NAMESPACE}}}{field.element}", name=field.name)
        etree.SubElement(entry, f"{{{MODULE_NAMESPACE}}}value").text = value
        body = etree.tostring(root, encoding="UTF-8", xml_declaration=True)
        self._request("PUT", f"/module/Object/{number}/{quote(field.name)}", body)

    def add_preservation(
        self, number: int, field: Field, *, filename: str, status: str, modified: datetime | None
    ) -> bool:
        """Append what became of a package to the object's list; return False if the list tells it already.

        Raises MuseumPlusError, not transient, when the list there is no JSON list: it is not overwritten.
        """
        text = self.field_value(number, field)
        try:
            events = json.loads(text) if text else []
        except ValueError:
            events = None
        if not isinstance(events, list):
            raise MuseumPlusError(
                "Could not decode MuseumPlus preservation log entries. The preservation field's content might be "
                "corrupted.",
                transient=False,
            )
        if any(isinstance(event, dict) and _same(event, filename, status) for event in events):
            return False
        events.append(
            {
                "filename": filename,
                "status": status,
                "object_modify_date": modified.isoformat() if modified else None,
                "date": datetime.now(UTC).isoformat(),
            }
        )
        self.set_field(number, field, json.dumps(events))
        return True

    def _document(self, path: str, item: Callable[[etree._Element], etree._Element]) -> bytes:
        def attempt() -> bytes:
            data = self._once("GET", path)
            item(parse_document(data))
            return data

        return self._attempts(attempt)

    def _readable(self, data: bytes) -> etree._Element:
        try:
            return parse_document(data)
        except BadDocument as error:
            raise MuseumPlusError(str(error)) from None

    def _readable_reply(self, method: str, path: str, body: bytes) -> etree._Element:
        return self._attempts(lambda: parse_document(self._once(method, path, body)))

    def _request(self, method: str, path: str, body: bytes | None = None) -> bytes:
        return self._attempts(lambda: self._once(method, path, body))

    def _attempts(self, attempt: Callable[[], T]) -> T:
        for pause in (*self._pauses, None):
            try:
                return attempt()
            except TruncatedDocument as error:
                raise MuseumPlusError(str(error), transient=False) from None
            except (MuseumPlusError, BadDocument, httpx.TransportError) as error:
                if pause is None or not getattr(error, "transient", True):
                    raise _as_ours(error) from error
                logger.warning("MuseumPlus: %s; again in %s s", error, pause)
                time.sleep(pause)
        raise AssertionError("unreachable")

    def _once(self, method: str, path: str, body: bytes | None = None) -> bytes:
        with self._reply(method, path, body) as reply:
            return reply.read()

    @contextlib.contextmanager
    def _reply(
        self, method: str, path: str, body: bytes | None = None, accept: str = "application/xml"
    ) -> Iterator[httpx.Response]:
        """The reply to a request that was accepted; a session key that is refused is renewed once."""
        headers = {"Content-Type": "application/xml", "Accept": accept}
        key = self._key.current()
        for may_renew in (True, False):
            auth = httpx.BasicAuth(f"user[{self._username}]", f"session[{key}]")
            with (
                self._slots.slot(),
                self._http.stream(
                    method, self._url + path, content=body, headers=headers, auth=auth
                ) as reply,
            ):
                if reply.status_code not in _REFUSED or not may_renew:
                    _raise_for_status(reply.status_code, path)
                    self._key.worked()
                    yield reply
                    return
            key = self._key.renew(key)

    def _download(self, number: int, target: Path, alive: Callable[[], None]) -> int:
        path = f"/module/Multimedia/{number}/attachment"
        try:
            with (
                self._reply("GET", path, accept="application/octet-stream") as reply,
                target.open("wb") as file,
            ):
                size = 0
                for chunk in reply.iter_bytes(_CHUNK):
                    alive()
                    size += file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
                return size
        except MuseumPlusError as error:
            if error.status == 404:
                return -1
            raise

    def _log_in(self) -> str:
        auth = httpx.BasicAuth(f"user[{self._username}]", f"password[{self._password}]")
        with self._slots.slot():
            reply = self._http.get(f"{self._url}/session", auth=auth)
        _raise_for_status(reply.status_code, "/session")
        found = parse_document(reply.content).find(f".//{{{SESSION_NAMESPACE}}}key")
        if found is None or not found.text:
            raise BadDocument("MuseumPlus sent no session key.")
        return found.text


def connect() -> MuseumPlusClient:
    """A connection to the MuseumPlus that the settings name. Raises MuseumPlusError when they name none."""
    if not settings.MUSEUMPLUS_URL:
        raise MuseumPlusError("No MuseumPlus is set up: set MUSEUMPLUS_URL.", transient=False)
    return MuseumPlusClient(
        settings.MUSEUMPLUS_URL,
        settings.MUSEUMPLUS_USERNAME,
        settings.MUSEUMPLUS_PASSWORD,
        cache=Path(settings.PACKAGE_DIR) / ".museumplus",
        timeout=settings.MUSEUMPLUS_TIMEOUT,
        pauses=PAUSES,
    )


def preservation_field() -> Field | None:
    """The field of an object that keeps its preservations, if the settings name one."""
    if not settings.MUSEUMPLUS_PRESERVATION_FIELD:
        return None
    return Field(
        element=settings.MUSEUMPLUS_PRESERVATION_FIELD_TYPE, name=settings.MUSEUMPLUS_PRESERVATION_FIELD
    )


def _same(event: dict[str, object], filename: str, status: str) -> bool:
    return event.get("filename") == filename and event.get("status") == status


def _raise_for_status(status: int, path: str) -> None:
    if status < 400:
        return
    hint = {
        403: " The account may lack a permission.",
        503: " That may mean that the account lacks a permission.",
    }.get(status, "")
    raise MuseumPlusError(
        f"MuseumPlus answered {status} to {path}.{hint}", status=status, transient=status in _AGAIN
    )


def _as_ours(error: Exception) -> MuseumPlusError:
    if isinstance(error, MuseumPlusError):
        return error
    return MuseumPlusError(f"MuseumPlus could not be reached or read: {error!r}")
