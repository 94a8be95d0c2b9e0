"""What a metadata-only deposit speaks of: an archived object by its SWHID, or an origin by its URL."""

from dataclasses import dataclass

from archive.errors import InvalidIdentifier
from archive.identifiers import ObjectType, QualifiedSWHID
from deposit.metadata.errors import MetadataError


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginReference:
    """An origin, by its URL as written."""

    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectReference:
    """An archived object; ``context`` is the whole reference as written."""

    swhid: QualifiedSWHID
    context: str


Reference = OriginReference | ObjectReference


def read_swhid(text: str) -> ObjectReference:
    """Read a SWHID as metadata-only deposits may use it.

    A core SWHID of type cnt, dir, rev, rel or snp, with the qualifiers origin, visit, anchor and path;
    ``lines`` and ``bytes`` name a fragment, on which no metadata can stand, and a visit beside a snapshot as
    anchor would name two snapshots. Raises ``reference.swhid``, ``reference.qualifier`` or
    ``reference.visit_and_anchor``.
    """
    try:
        swhid = QualifiedSWHID.parse(text)
    except InvalidIdentifier as error:
        raise MetadataError("reference.swhid", reason=error) from None
    if swhid.lines is not None or swhid.bytes is not None:
        raise MetadataError("reference.qualifier", reason="lines and bytes name a part of an object.")
    if swhid.origin is not None and (not swhid.origin or not swhid.origin.isprintable()):
        raise MetadataError("reference.qualifier", reason="The origin is empty or holds control characters.")
    if swhid.path is not None and (not swhid.path or b"\0" in swhid.path):
        raise MetadataError("reference.qualifier", reason="The path is empty or holds a NUL.")
    if swhid.visit and swhid.anchor and swhid.anchor.type is ObjectType.SNAPSHOT:
        raise MetadataError("reference.visit_and_anchor")
    return ObjectReference(swhid=swhid, context=text)
