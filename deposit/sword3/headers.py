"""The request headers of SWORD 3, read into one typed value. Pure: takes a WSGI environ, raises `Refusal`."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from enum import StrEnum
from typing import Any

from deposit.http.header_limits import has_many_parameters, too_long
from deposit.http.headers import (
    MediaType,
    bad_request,
    parse_filename,
    parse_media_type,
    read_confirm_warnings,
    read_content_length,
    read_in_progress,
    read_name_encoding,
)
from deposit.metadata.packaging import Packaging
from deposit.refusals import Kind, Refusal
from deposit.sword3.terms import BINARY, METADATA_SWORD, PACKAGINGS

_HEX = re.compile(r"[0-9a-fA-F]+")
_LENGTHS = {"sha-256": 32, "md5": 16}


class Content(StrEnum):
    """What a request's body is, by its Content-Disposition."""

    EMPTY = "nothing"
    METADATA = "metadata"
    BY_REFERENCE = "by-reference"
    BOTH = "metadata and by-reference"
    BINARY = "a file"


@dataclass(frozen=True, kw_only=True, slots=True)
class Disposition:
    """A Content-Disposition: its type and parameters, both by lower-cased name."""

    type: str
    parameters: Mapping[str, str]
    text: str

    def number(self, name: str) -> int:
        """A parameter that must be a whole number. Raises `Refusal`."""
        text = self.parameters.get(name, "")
        if not (text.isascii() and text.isdigit() and len(text) < 19):
            raise bad_request(
                "sword3.disposition",
                f"The Content-Disposition has no {name} that is a whole number.",
                "Send for example segment-init; size=100; segment_count=2; segment_size=50; digest=SHA-256=..., "
                "or segment; segment_number=1",
            )
        return int(text)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sword3Headers:
    """The headers of one request that bear on a deposit. Digests in lower-case hex; None where nothing is said."""

    content: Content
    media_type: MediaType | None
    content_length: int | None
    disposition: Disposition | None
    sha256: str | None
    md5: str | None
    packaging: Packaging
    metadata_format: str
    in_progress: bool
    slug: str | None
    name_encoding: str
    confirm_warnings: bool


def read_sword3_headers(meta: Mapping[str, str]) -> Sword3Headers:
    """Read the headers from a WSGI environ. Raises `Refusal` for what cannot be understood, or is not there."""
    length = read_content_length(meta)
    chunked = "chunked" in meta.get("HTTP_TRANSFER_ENCODING", "").lower()
    disposition = read_disposition(meta.get("HTTP_CONTENT_DISPOSITION"))
    is_empty = not length and not chunked
    digests = read_digests(meta.get("HTTP_DIGEST"))
    return Sword3Headers(
        content=Content.EMPTY if is_empty else _content(disposition),
        media_type=parse_media_type(meta.get("CONTENT_TYPE")),
        content_length=length,
        disposition=disposition,
        sha256=digests.get("sha-256"),
        md5=digests.get("md5"),
        packaging=read_packaging(meta.get("HTTP_PACKAGING")),
        metadata_format=(meta.get("HTTP_METADATA_FORMAT") or METADATA_SWORD).strip(),
        in_progress=read_in_progress(meta),
        slug=meta.get("HTTP_SLUG") or None,
        name_encoding=read_name_encoding(meta.get("HTTP_X_NAME_ENCODING")),
        confirm_warnings=read_confirm_warnings(meta),
    )


def read_disposition(value: str | None) -> Disposition | None:
    """A Content-Disposition; None without one. Its digest may hold ``=`` and need not be quoted."""
    if not value or not value.strip():
        return None
    if has_many_parameters(value):
        raise too_long("HTTP_CONTENT_DISPOSITION")
    message = Message()
    message["Content-Disposition"] = value.replace("\r", " ").replace("\n", " ")
    try:
        pairs: list[tuple[str, Any]] = message.get_params(failobj=[], header="content-disposition")
    except (ValueError, IndexError):
        pairs = []
    parameters = {str(name).lower(): str(text) for name, text in pairs[1:] if not isinstance(text, tuple)}
    return Disposition(type=value.partition(";")[0].strip().lower(), parameters=parameters, text=value)


def _content(disposition: Disposition | None) -> Content:
    if disposition is None:
        raise bad_request(
            "sword3.disposition",
            "The Content-Disposition header is missing.",
            "Send attachment; filename=..., attachment; metadata=true or attachment; by-reference=true.",
        )
    metadata = disposition.parameters.get("metadata", "").lower() == "true"
    by_reference = disposition.parameters.get("by-reference", "").lower() == "true"
    if metadata:
        return Content.BOTH if by_reference else Content.METADATA
    return Content.BY_REFERENCE if by_reference else Content.BINARY


def filename_of(disposition: str) -> str:
    """The name of a deposited file; a client need not give one."""
    return (parse_filename(disposition) if "filename" in disposition.lower() else None) or "untitled"


def read_packaging(value: str | None) -> Packaging:
    """A packaging format; Binary where none is named. Raises `Refusal` for one that is not taken."""
    iri = (value or "").strip() or BINARY
    if iri not in PACKAGINGS:
        raise Refusal(
            Kind.CONTENT,
            "packaging.unsupported",
            f"The packaging {iri} is not supported."[:500],
            f"One of these is: {', '.join(PACKAGINGS)}.",
        )
    return PACKAGINGS[iri]


def read_digests(value: str | None) -> dict[str, str]:
    """The digests of a Digest header (RFC 3230) by lower-cased algorithm, in lower-case hex; others are left out.

    Base64 of the digest, as the RFC says; also hex, and base64 of hex, which examples in the specification show.
    """
    found = {}
    for piece in (value or "").split(","):
        name, _, text = piece.strip().partition("=")
        name = name.strip().lower()
        if name in _LENGTHS:
            found[name] = _digest(name, text.strip())
    return found


def _digest(name: str, text: str) -> str:
    length = _LENGTHS[name]
    # The Python library sword3client 0.1 sends its own digests in this dress.
    text = text.removeprefix("b'").removesuffix("'").strip('"')
    if len(text) == 2 * length and _HEX.fullmatch(text):
        return text.lower()
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) == length:
        return raw.hex()
    if len(raw) == 2 * length and _HEX.fullmatch(raw.decode("latin-1")):
        return raw.decode("ascii").lower()
    raise bad_request(
        "sword3.digest",
        f"The {name.upper()} digest cannot be read.",
        "Send Digest: SHA-256=<the digest of the body in base64>.",
    )
