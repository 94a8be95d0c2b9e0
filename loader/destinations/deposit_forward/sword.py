"""A client of SWORD 2 as swh-deposit and we speak it: addresses by the deposit's number, status documents, errors."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import quote

import httpx
from lxml import etree

from deposit.metadata.errors import MetadataError
from deposit.metadata.namespaces import ATOM, DEPOSIT
from deposit.metadata.xml import parse
from loader.steps import Permanent, Transient

_CONNECT_SECONDS = 10.0
_MOST_BYTES = 4 * 1024**2
# Of these the server itself says that they may pass.
_BUSY = frozenset({429, 502, 503, 504})
_VERBOSE = "{http://purl.org/net/sword/terms/}verboseDescription"
SIMPLE_ZIP = "http://purl.org/net/sword/package/SimpleZip"


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What the server tells of a deposit; empty where it tells nothing."""

    deposit_id: str
    status: str
    detail: str
    swhid: str
    context: str
    origin: str


class Sword:
    """A collection of a server, as one of its clients. ``url`` ends before the collection's name."""

    def __init__(self, url: str, collection: str, *, auth: tuple[str, str], timeout: float) -> None:
        self._client = httpx.Client(
            base_url=f"{url.rstrip('/')}/{quote(collection, safe='')}/",
            auth=auth,
            timeout=httpx.Timeout(timeout, connect=_CONNECT_SECONDS),
            follow_redirects=False,
        )
        self.address = str(self._client.base_url)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def create(self, entry: bytes, *, slug: str) -> str:
        """Make a partial deposit of a document; its number there."""
        headers = {"Content-Type": "application/atom+xml;type=entry", "In-Progress": "true", "Slug": slug}
        return _told(self._send("POST", "", headers, entry)).deposit_id

    def find(self, slug: str) -> str | None:
        """The number of the newest deposit with this Slug, from the lists of this client."""
        newest = None
        page = 1
        while True:
            feed = _parsed(self._send("GET", "", {}, params={"page": str(page), "page_size": "100"}))
            entries = list(feed.iterchildren(f"{{{ATOM}}}entry"))
            for entry in entries:
                if _text(entry, "external_id") == slug:
                    newest = _text(entry, "id")
            count = _text(feed, "count")
            if not entries or not count.isdigit() or page * 100 >= int(count):
                return newest
            page += 1

    def put_package(
        self,
        deposit_id: str,
        *,
        first: bool,
        name: str,
        kind: str,
        size: int,
        md5: str,
        chunks: Iterator[bytes],
    ) -> None:
        """Send a package; the first one takes the place of all that were sent before."""
        headers = {
            "Content-Type": kind,
            "Content-Length": str(size),
            "Content-MD5": md5,
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}; filename=\"{_plain(name)}\"",
            "Packaging": SIMPLE_ZIP,
            "In-Progress": "true",
        }
        self._send("PUT" if first else "POST", f"{deposit_id}/media/", headers, chunks)

    def complete(self, deposit_id: str) -> None:
        """Say that nothing more will come."""
        self._send("POST", f"{deposit_id}/metadata/", {"In-Progress": "false", "Content-Length": "0"}, b"")

    def status(self, deposit_id: str) -> Told:
        """Where it stands."""
        return _told(self._send("GET", f"{deposit_id}/status/", {}))

    def delete(self, deposit_id: str) -> None:
        """Remove a partial deposit."""
        self._send("DELETE", f"{deposit_id}/atom/", {})

    def _send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | Iterator[bytes] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        try:
            answer = self._client.request(method, path, headers=dict(headers), content=body, params=params)
        except httpx.TransportError as error:
            raise Transient(
                "The other deposit server cannot be reached.",
                fault=f"{method} {path}: {type(error).__name__}: {error}",
                counts=False,
            ) from error
        if answer.is_success:
            return answer
        raise _error(method, path, answer)


def _error(method: str, path: str, answer: httpx.Response) -> Exception:
    told = _reason(answer)
    fault = f"{method} {path}: {answer.status_code} {told}"[:2000]
    if answer.status_code in _BUSY:
        after = answer.headers.get("Retry-After", "")
        seconds = float(after) if after.isdigit() else None
        return Transient(
            "The other deposit server is busy.", fault=fault, counts=False, after_seconds=seconds
        )
    if answer.status_code >= 500:
        return Transient("The other deposit server has a fault.", fault=fault)
    return Permanent("forward.refused", f"The other deposit server refuses it: {told}", fault=fault)


def _reason(answer: httpx.Response) -> str:
    try:
        root = _parsed(answer)
    except Transient:
        return f"HTTP status {answer.status_code}."
    texts = [root.findtext(f"{{{ATOM}}}summary"), root.findtext(_VERBOSE)]
    return (
        " ".join(text.strip() for text in texts if text and text.strip())[:500]
        or f"HTTP status {answer.status_code}."
    )


def _parsed(answer: httpx.Response) -> etree._Element:
    if len(answer.content) > _MOST_BYTES:
        raise Transient("The other deposit server answers with too much.")
    try:
        return parse(answer.content)
    except MetadataError as error:
        raise Transient(
            "The other deposit server answers with no document.", fault=answer.text[:500]
        ) from error


def _text(element: etree._Element, name: str) -> str:
    return (element.findtext(f"{{{DEPOSIT}}}{name}") or "").strip()


def _told(answer: httpx.Response) -> Told:
    root = _parsed(answer)
    told = Told(
        deposit_id=_text(root, "deposit_id"),
        status=_text(root, "deposit_status"),
        detail=_text(root, "deposit_status_detail"),
        swhid=_text(root, "deposit_swh_id"),
        context=_text(root, "deposit_swh_id_context"),
        origin=_text(root, "deposit_origin_url"),
    )
    if not told.deposit_id.isdigit():
        raise Transient(
            "The other deposit server does not tell the deposit's number.", fault=answer.text[:500]
        )
    return told


def _plain(name: str) -> str:
    """A name for clients of before RFC 5987."""
    return "".join(
        char if char.isascii() and char.isprintable() and char not in '"\\/' else "_" for char in name
    )
