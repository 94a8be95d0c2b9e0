"""What a metadata-only deposit speaks of: an archived object by its SWHID, or an origin by its URL."""

import re
from dataclasses import dataclass
from urllib.parse import unquote, unquote_to_bytes

from deposit.metadata.catalogue import shown
from deposit.metadata.errors import MetadataError

_CORE = re.compile(r"swh:1:(?P<type>cnt|dir|rev|rel|snp):(?P<hash>[0-9a-f]{40})")
_ANCHORS = ("snp", "rev", "rel", "dir")


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginReference:
    """An origin, by its URL as written."""

    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectReference:
    """An archived object: ``swhid`` is its core SWHID, ``context`` the whole reference as written.

    The qualifiers are decoded; ``visit`` and ``anchor`` are core SWHIDs, ``path`` is bytes.
    """

    swhid: str
    context: str
    origin: str | None = None
    visit: str | None = None
    anchor: str | None = None
    path: bytes | None = None

    @property
    def object_type(self) -> str:
        """``cnt``, ``dir``, ``rev``, ``rel`` or ``snp``."""
        return self.swhid.split(":")[2]


Reference = OriginReference | ObjectReference


def read_swhid(text: str) -> ObjectReference:
    """Read a SWHID as metadata-only deposits may use it.

    Core SWHIDs of the five object types, with the qualifiers origin, visit, anchor and path in any order;
    ``lines`` and ``bytes`` name a fragment, on which no metadata can stand. Source: ISO/IEC 18670 (SWHID
    1.2), sections 5 and 6, and the deposit's own rules on visit and anchor. Raises ``reference.swhid``,
    ``.qualifier``, ``.visit``, ``.anchor`` or ``.visit_and_anchor``.
    """
    core, *parts = text.split(";")
    if not _CORE.fullmatch(core):
        raise MetadataError("reference.swhid", swhid=shown(core))
    qualifiers = _qualifiers(parts)
    visit, anchor = qualifiers.get("visit"), qualifiers.get("anchor")
    if visit is not None and _type(visit) != "snp":
        raise MetadataError("reference.visit", value=shown(visit))
    if anchor is not None and _type(anchor) not in _ANCHORS:
        raise MetadataError("reference.anchor", value=shown(anchor))
    if visit and anchor and _type(anchor) == "snp":
        raise MetadataError("reference.visit_and_anchor")
    origin, path = qualifiers.get("origin"), qualifiers.get("path")
    return ObjectReference(
        swhid=core,
        context=text,
        origin=None if origin is None else unquote(origin),
        visit=visit,
        anchor=anchor,
        path=None if path is None else unquote_to_bytes(path),
    )


def _qualifiers(parts: list[str]) -> dict[str, str]:
    qualifiers: dict[str, str] = {}
    for part in parts:
        name, _, value = part.partition("=")
        if name not in ("origin", "visit", "anchor", "path") or not value or name in qualifiers:
            raise MetadataError("reference.qualifier", qualifier=shown(part))
        qualifiers[name] = value
    return qualifiers


def _type(swhid: str) -> str | None:
    match = _CORE.fullmatch(swhid)
    return match["type"] if match else None
