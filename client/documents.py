"""What the server says: service document, receipt, status, list and error, read from XML.

Shapes: SWORD 2 (sections 6.1, 10, 12) with the fields of swh-deposit's namespace.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree

from client.errors import DepositError, UnavailableError, error_for

NAMESPACES = {
    "atom": "http://www.w3.org/2005/Atom",
    "app": "http://www.w3.org/2007/app",
    "sword": "http://purl.org/net/sword/terms/",
    "dcterms": "http://purl.org/dc/terms/",
    "swh": "https://www.softwareheritage.org/schema/2018/deposit",
}

# Statuses in which a deposit stays until somebody acts.
FINAL = frozenset({"done", "rejected", "failed", "expired"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Collection:
    """A place to deposit into. ``href`` is its Col-IRI."""

    name: str
    title: str
    href: str
    accepts: tuple[str, ...]
    packagings: tuple[str, ...]
    mediation: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """The service document; ``max_upload_size`` in bytes, None where the server does not say."""

    title: str
    version: str
    max_upload_size: int | None
    collections: tuple[Collection, ...]
    release_author: str = ""
    """Who signs releases; "" where the server does not say."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """What the server answers to a deposit. ``links``: relation to IRIs (``edit``, ``edit-media``, ...)."""

    deposit_id: int
    status: str
    date: str | None
    archive: str | None
    links: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """Where a deposit stands; ``detail`` says what to mend when it is ``rejected``."""

    deposit_id: int
    status: str
    detail: str
    swhid: str | None
    swhid_context: str | None
    external_id: str | None
    origin_url: str | None
    page: str | None = None
    """The address of its page, for people; None where the server does not say."""
    waits_for: str | None = None
    """``confirmation``: it has warnings, and goes on when its depositor confirms them."""

    @property
    def is_final(self) -> bool:
        """True when nothing happens any more by itself."""
        return self.status in FINAL


def parse(document: bytes) -> ElementTree.Element:
    """Parse an answer. A document type declaration is refused unread, so entities can do nothing."""
    hint = "Check the address: it ends with /1/ on most servers."
    if re.match(rb"\s*<(?:!doctype html|html)", document, re.IGNORECASE):
        raise UnavailableError("The answer is a web page, not the XML of a deposit server.", hint)
    try:
        text = document.decode("utf-8")
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise UnavailableError(
                "The answer holds a document type declaration, which no deposit server sends."
            )
        return ElementTree.fromstring(document)  # noqa: S314
    except (UnicodeDecodeError, ElementTree.ParseError) as error:
        raise UnavailableError("The answer is not the XML of a deposit server.", hint) from error


def _text(element: ElementTree.Element, path: str) -> str | None:
    text = (element.findtext(path, "", NAMESPACES) or "").strip()
    return text or None


def _texts(element: ElementTree.Element, path: str) -> tuple[str, ...]:
    return tuple((found.text or "").strip() for found in element.iterfind(path, NAMESPACES))


def _number(element: ElementTree.Element, path: str) -> int:
    text = _text(element, path)
    if text is None or not text.isdecimal():
        raise UnavailableError("The answer names no deposit.", "Is this the address of a deposit server?")
    return int(text)


def read_service(document: bytes) -> Service:
    """Read a service document."""
    root = parse(document)
    size = _text(root, "sword:maxUploadSize")
    return Service(
        title=_text(root, "app:workspace/atom:title") or "",
        version=_text(root, "sword:version") or "",
        max_upload_size=int(size) if size and size.isdecimal() else None,
        release_author=_text(root, "swh:release_author") or "",
        collections=tuple(
            Collection(
                name=_text(found, "sword:name") or found.get("href", "").rstrip("/").rpartition("/")[2],
                title=_text(found, "atom:title") or "",
                href=found.get("href", ""),
                accepts=tuple(dict.fromkeys(_texts(found, "app:accept"))),
                packagings=_texts(found, "sword:acceptPackaging"),
                mediation=_text(found, "sword:mediation") == "true",
            )
            for found in root.iterfind("app:workspace/app:collection", NAMESPACES)
        ),
    )


def _page(element: ElementTree.Element) -> str | None:
    links = element.iterfind("atom:link[@rel='alternate'][@type='text/html']", NAMESPACES)
    return next((link.get("href") for link in links), None)


def read_receipt(document: bytes) -> Receipt:
    """Read a deposit receipt."""
    root = parse(document)
    links: dict[str, tuple[str, ...]] = {}
    for link in root.iterfind("atom:link", NAMESPACES):
        rel, href = link.get("rel", ""), link.get("href", "")
        links[rel] = (*links.get(rel, ()), href)
    archive = _text(root, "swh:deposit_archive")
    return Receipt(
        deposit_id=_number(root, "swh:deposit_id"),
        status=_text(root, "swh:deposit_status") or "",
        date=_text(root, "swh:deposit_date"),
        archive=None if archive == "None" else archive,
        links=links,
    )


def read_status(document: bytes) -> Status:
    """Read a status document."""
    root = parse(document)
    return Status(
        deposit_id=_number(root, "swh:deposit_id"),
        status=_text(root, "swh:deposit_status") or "",
        detail=_text(root, "swh:deposit_status_detail") or "",
        swhid=_text(root, "swh:deposit_swh_id"),
        swhid_context=_text(root, "swh:deposit_swh_id_context"),
        external_id=_text(root, "swh:deposit_external_id"),
        origin_url=_text(root, "swh:deposit_origin_url"),
        page=_page(root),
        waits_for=_text(root, "swh:deposit_waits_for"),
    )


def read_list(document: bytes) -> tuple[int, list[dict[str, str]]]:
    """Read a page of a collection: how many deposits there are on all pages, and the fields of these."""
    root = parse(document)
    prefix = f"{{{NAMESPACES['swh']}}}"
    rows = [
        {
            field.tag.removeprefix(prefix): (field.text or "").strip()
            for field in entry
            if field.tag.startswith(prefix)
        }
        | {"title": _text(entry, "atom:title") or "", "page": _page(entry) or ""}
        for entry in root.iterfind("atom:entry", NAMESPACES)
    ]
    return int(_text(root, "swh:count") or len(rows)), rows


def read_error(status: int, document: bytes) -> DepositError:
    """What a refusal says; servers and proxies in between do not always say it in XML."""
    try:
        root = parse(document)
    except UnavailableError:
        return error_for(status, "")
    summary = _text(root, "atom:summary") or ""
    return error_for(status, summary, _text(root, "sword:verboseDescription") or "")


def next_page(link_header: str) -> str | None:
    """The address with ``rel="next"`` in a Link header (RFC 8288)."""
    for target, parameters in re.findall(r"<([^>]*)>([^<]*)", link_header):
        if re.search(r';\s*rel="?next"?', parameters):
            return str(target)
    return None
