"""What MuseumPlus says of its objects and attachments, read from its XML.

Hashes are those that Passari computes, bit for bit, so that nothing counts as changed when an institution moves over:
SHA-256 of the canonical form (C14N 1.0 without comments) of a ``moduleItem``. Of an object those fields are left out
that change when its preservation is noted in it.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from lxml import etree

from deposit.metadata.errors import MetadataError
from deposit.metadata.xml import parse_as_sent

MODULE_NAMESPACE = "http://www.zetcom.com/ria/ws/module"
SESSION_NAMESPACE = "http://www.zetcom.com/ria/ws/session"
SEARCH_NAMESPACE = "http://www.zetcom.com/ria/ws/module/search"
# A page of 50 objects has some 800 kB; an object with 10^4 attachments some 5 MB.
MAX_DOCUMENT = 512 * 1024**2

_Z = f"{{{MODULE_NAMESPACE}}}"
_VOLATILE = ("systemField[@name='__lastModified']", "systemField[@name='__lastModifiedUser']")


class BadDocument(Exception):
    """MuseumPlus sent something that is not what was asked for; it may be right when asked again."""


class TruncatedDocument(BadDocument):
    """A document has system fields and nothing else: the account probably lacks a permission."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """The field of an object that keeps its preservations: XML element (``dataField``) and name."""

    element: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectRecord:
    """An *Object*. Dates are aware, in UTC; None: MuseumPlus says none.

    ``is_truncated``: there are system fields and nothing else, as when the account may not read the object.
    """

    id: int
    title: str | None
    created_date: datetime | None
    modified_date: datetime | None
    created_user: str | None
    multimedia_ids: tuple[int, ...]
    collection_activity_ids: tuple[int, ...]
    metadata_hash: str
    is_truncated: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class MultimediaRecord:
    """A *Multimedia*: the description of a file."""

    id: int
    filename: str | None
    created_date: datetime | None
    modified_date: datetime | None
    created_user: str | None
    object_ids: tuple[int, ...]
    metadata_hash: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ActivityRecord:
    """A *CollectionActivity*, of which only its making is told."""

    id: int
    created_date: datetime | None


def parse_document(data: bytes) -> etree._Element:
    """The root of a document of MuseumPlus. Raises BadDocument."""
    try:
        return parse_as_sent(data, max_size=MAX_DOCUMENT)
    except MetadataError as error:
        raise BadDocument(f"MuseumPlus sent XML that cannot be read: {error}") from None


def items(root: etree._Element) -> Iterator[etree._Element]:
    """The module items of a document or of a page of a search."""
    yield from root.iterfind(f"{_Z}modules//{_Z}moduleItem")


def single_item(root: etree._Element) -> etree._Element:
    """The one module item of a document. Raises BadDocument when there is none."""
    item = next(items(root), None)
    if item is None:
        raise BadDocument("MuseumPlus sent a document without a moduleItem.")
    return item


def whole_object(root: etree._Element) -> etree._Element:
    """The item of an object's document. Raises BadDocument, TruncatedDocument when it has system fields alone."""
    item = single_item(root)
    if _is_truncated(item):
        raise TruncatedDocument(
            "Received a truncated XML document. The MuseumPlus user probably has insufficient permissions."
        )
    return item


def read_object(item: etree._Element, preservation_field: Field | None = None) -> ObjectRecord:
    """What an object's ``moduleItem`` says. Fields that do not count for the hash are removed from ``item``."""
    record = {
        "id": _id(item),
        "title": _value(item, "virtualField", "ObjObjectVrt"),
        "created_date": _date(item, "__created"),
        "modified_date": _date(item, "__lastModified"),
        "created_user": _value(item, "systemField", "__createdUser"),
        "multimedia_ids": _references(item, "ObjMultimediaRef"),
        "collection_activity_ids": _references(item, "ObjCollectionActivityRef"),
        "is_truncated": _is_truncated(item),
    }
    volatile = [*_VOLATILE]
    if preservation_field:
        volatile.append(f"{preservation_field.element}[@name='{preservation_field.name}']")
    return ObjectRecord(**record, metadata_hash=hash_of(item, volatile))  # type: ignore[arg-type]


def read_multimedia(item: etree._Element) -> MultimediaRecord:
    """What a Multimedia's ``moduleItem`` says; all of it counts for the hash."""
    return MultimediaRecord(
        id=_id(item),
        filename=_value(item, "dataField", "MulOriginalFileTxt"),
        created_date=_date(item, "__created"),
        modified_date=_date(item, "__lastModified"),
        created_user=_value(item, "systemField", "__createdUser"),
        object_ids=_references(item, "MulObjectRef"),
        metadata_hash=hash_of(item),
    )


def read_activity(item: etree._Element) -> ActivityRecord:
    """What a CollectionActivity's ``moduleItem`` says."""
    return ActivityRecord(id=_id(item), created_date=_date(item, "__created"))


def hash_of(item: etree._Element, volatile: list[str] | None = None) -> str:
    """SHA-256, in hexadecimal, of the canonical form of ``item``; ``volatile`` children are removed first."""
    for query in volatile or ():
        for element in item.findall(f".//{_Z}{query}"):
            parent = element.getparent()
            if parent is not None:
                parent.remove(element)  # with the white space behind it, as Passari does
    # lxml writes `xmlns=""` two levels below an element that is not the document's root. That is no canonical form, but
    # Passari's hashes were made of it, by lxml 4 as by lxml 6.
    return hashlib.sha256(etree.tostring(item, method="c14n", with_comments=False)).hexdigest()


def hash_of_attachments(hashes: list[str]) -> str:
    """The hash of all attachments of an object together; empty when it has none."""
    return hashlib.sha256("".join(sorted(hashes)).encode()).hexdigest() if hashes else ""


def parse_timestamp(text: str | None) -> datetime | None:
    """A time of MuseumPlus (``2018-11-21 10:44:19.6``), which is UTC whatever it says. Raises BadDocument."""
    if not text or not text.strip():
        return None
    # datetime reads six digits of a second or three, MuseumPlus writes as many as are not zero.
    padded = re.sub(r"\.(\d+)", lambda found: "." + found[1][:6].ljust(6, "0"), text.strip())
    try:
        return datetime.fromisoformat(padded).replace(tzinfo=UTC)
    except ValueError:
        raise BadDocument(f"MuseumPlus sent a time that cannot be read: {text[:40]!r}") from None


def _is_truncated(item: etree._Element) -> bool:
    return all(child.tag == f"{_Z}systemField" for child in item.iterchildren("{*}*"))


def _id(item: etree._Element) -> int:
    text = item.get("id") or _value(item, "systemField", "__id")
    if text is None or not text.isascii() or not text.isdigit():
        raise BadDocument("MuseumPlus sent a moduleItem without an id.")
    return int(text)


def _value(item: etree._Element, element: str, name: str) -> str | None:
    found = item.find(f"{_Z}{element}[@name='{name}']//{_Z}value")
    return None if found is None else found.text


def _date(item: etree._Element, name: str) -> datetime | None:
    return parse_timestamp(_value(item, "systemField", name))


def _references(item: etree._Element, name: str) -> tuple[int, ...]:
    found = item.iterfind(f".//{_Z}moduleReference[@name='{name}']//{_Z}moduleReferenceItem")
    return tuple(dict.fromkeys(int(str(reference.get("moduleItemId"))) for reference in found))
