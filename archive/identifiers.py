"""SWHIDs: the identifiers of ISO/IEC 18670, bit for bit what git and swh.model compute.

Core identifiers (``swh:1:dir:<40 hex digits>``), the extended kinds that Software Heritage uses inside
(``ori``, ``emd``), and qualified ones (``;origin=…;visit=…;anchor=…;path=…;lines=…;bytes=…``).
"""

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import quote_from_bytes, unquote, unquote_to_bytes

from archive.errors import InvalidIdentifier


class ObjectType(StrEnum):
    """What an identifier names; the values are the tags in a SWHID."""

    CONTENT = "cnt"
    DIRECTORY = "dir"
    REVISION = "rev"
    RELEASE = "rel"
    SNAPSHOT = "snp"
    # The two below are not in ISO/IEC 18670: no qualifiers, and never shown as citable.
    ORIGIN = "ori"
    METADATA = "emd"


# The type in the header that is hashed before an object ("blob 12\0"), as git writes it.
GIT_TYPES: dict[ObjectType, bytes] = {
    ObjectType.CONTENT: b"blob",
    ObjectType.DIRECTORY: b"tree",
    ObjectType.REVISION: b"commit",
    ObjectType.RELEASE: b"tag",
    ObjectType.SNAPSHOT: b"snapshot",
    ObjectType.METADATA: b"raw_extrinsic_metadata",
}

_CORE = re.compile(r"swh:1:(cnt|dir|rev|rel|snp|ori|emd):([0-9a-f]{40})", re.ASCII)
_RANGE = re.compile(r"([0-9]+)(?:-([0-9]+))?", re.ASCII)
_ANCHORS = (ObjectType.DIRECTORY, ObjectType.REVISION, ObjectType.RELEASE, ObjectType.SNAPSHOT)


class SWHID(NamedTuple):
    """A core identifier: the kind and the 20 bytes of the SHA-1."""

    type: ObjectType
    hash: bytes

    @classmethod
    def parse(cls, text: str) -> "SWHID":
        """Read ``swh:1:<type>:<hex>``; raises InvalidIdentifier for anything else, qualifiers included."""
        match = _CORE.fullmatch(text)
        if match is None:
            raise InvalidIdentifier(
                f"{text[:100]!r} is not a SWHID: expected swh:1:<cnt|dir|rev|rel|snp>:<40 lower-case hex digits>."
            )
        return cls(ObjectType(match[1]), bytes.fromhex(match[2]))

    def __str__(self) -> str:
        return f"swh:1:{self.type.value}:{self.hash.hex()}"


@dataclass(frozen=True, kw_only=True, slots=True)
class QualifiedSWHID:
    """An identifier with its context. ``path`` is raw bytes; ``lines`` and ``bytes`` are (first, last or None)."""

    core: SWHID
    origin: str | None = None
    visit: SWHID | None = None
    anchor: SWHID | None = None
    path: bytes | None = None
    lines: tuple[int, int | None] | None = None
    bytes: tuple[int, int | None] | None = None

    @classmethod
    def parse(cls, text: str) -> "QualifiedSWHID":
        """Read a core identifier and its qualifiers, in any order; raises InvalidIdentifier."""
        core, *parts = text.split(";")
        values: dict[str, str] = {}
        for part in parts:
            key, equals, value = part.partition("=")
            if not equals or key not in _QUALIFIERS:
                raise InvalidIdentifier(f"{part[:100]!r} is not a qualifier of a SWHID.")
            if key in values:
                raise InvalidIdentifier(f"The qualifier {key!r} is given twice.")
            values[key] = value
        return cls(
            core=_core(core),
            origin=unquote(values["origin"]) if "origin" in values else None,
            visit=_context("visit", values.get("visit"), (ObjectType.SNAPSHOT,)),
            anchor=_context("anchor", values.get("anchor"), _ANCHORS),
            path=unquote_to_bytes(values["path"]) if "path" in values else None,
            lines=_range("lines", values.get("lines")),
            bytes=_range("bytes", values.get("bytes")),
        )

    def __str__(self) -> str:
        text = str(self.core)
        if self.origin is not None:
            text += ";origin=" + self.origin.replace("%", "%25").replace(";", "%3B")
        if self.visit is not None:
            text += f";visit={self.visit}"
        if self.anchor is not None:
            text += f";anchor={self.anchor}"
        if self.path is not None:
            text += ";path=" + quote_from_bytes(self.path)
        for key, bounds in (("lines", self.lines), ("bytes", self.bytes)):
            if bounds is not None:
                text += f";{key}=" + "-".join(str(bound) for bound in bounds if bound is not None)
        return text


_QUALIFIERS = ("origin", "visit", "anchor", "path", "lines", "bytes")


def _core(text: str) -> SWHID:
    swhid = SWHID.parse(text)
    if swhid.type in (ObjectType.ORIGIN, ObjectType.METADATA):
        raise InvalidIdentifier(f"{text!r} cannot be qualified: its kind is not one of ISO/IEC 18670.")
    return swhid


def _context(key: str, text: str | None, allowed: tuple[ObjectType, ...]) -> SWHID | None:
    if text is None:
        return None
    swhid = SWHID.parse(text)
    if swhid.type not in allowed:
        kinds = ", ".join(allowed)
        raise InvalidIdentifier(f"The qualifier {key!r} must name one of {kinds}, not {swhid.type!s}.")
    return swhid


def _range(key: str, text: str | None) -> tuple[int, int | None] | None:
    if text is None:
        return None
    match = _RANGE.fullmatch(text)
    if match is None:
        raise InvalidIdentifier(
            f"The qualifier {key!r} must be a number or two joined by a hyphen: {text[:100]!r}."
        )
    return int(match[1]), int(match[2]) if match[2] else None


# Below this, one call with a copy is cheaper than two without.
_WORTH_COPYING = 64 * 1024


def object_header(kind: ObjectType, length: int) -> bytes:
    """What is hashed before the object's own bytes."""
    return b"%s %d\0" % (GIT_TYPES[kind], length)


def object_id(kind: ObjectType, manifest: bytes) -> bytes:
    """The 20 bytes that identify an object, computed from its manifest (for a content: its bytes)."""
    header = object_header(kind, len(manifest))
    if len(manifest) < _WORTH_COPYING:
        return hashlib.sha1(header + manifest, usedforsecurity=False).digest()
    digest = hashlib.sha1(header, usedforsecurity=False)
    digest.update(manifest)
    return digest.digest()


def content_id(data: bytes) -> bytes:
    """The identifier of a content."""
    return object_id(ObjectType.CONTENT, data)


def origin_id(url: str) -> bytes:
    """The identifier of an origin: the plain SHA-1 of its URL."""
    return hashlib.sha1(url.encode(), usedforsecurity=False).digest()
