"""The request headers of SWORD 2, read into one typed value. Pure: takes a WSGI environ, raises `Refusal`."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass

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

ENTRY_TYPE = "application/atom+xml"

_HEX_MD5 = re.compile(r"[0-9a-fA-F]{32}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Digests:
    """What the client says of the bytes it sends, in lower-case hex; None where it says nothing."""

    md5: str | None = None
    sha256: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Headers:
    """The headers of one request that bear on a deposit (SWORD 2 sections 6 to 9)."""

    media_type: MediaType | None
    content_length: int | None  # None: chunked, or absent
    filename: str | None
    digests: Digests
    packaging: str | None
    in_progress: bool
    slug: str | None
    check_swhid: str | None
    if_match: str | None
    name_encoding: str
    confirm_warnings: bool


def read_headers(meta: Mapping[str, str]) -> Headers:
    """Read the headers from a WSGI environ. Raises `Refusal` for what cannot be understood."""
    return Headers(
        media_type=parse_media_type(meta.get("CONTENT_TYPE") or None),
        content_length=read_content_length(meta),
        filename=parse_filename(meta.get("HTTP_CONTENT_DISPOSITION")),
        digests=read_digests(
            content_md5=meta.get("HTTP_CONTENT_MD5"),
            digest=meta.get("HTTP_DIGEST"),
            fields=[meta.get("HTTP_CONTENT_DIGEST"), meta.get("HTTP_REPR_DIGEST")],
        ),
        packaging=(meta.get("HTTP_PACKAGING") or "").strip() or None,
        in_progress=read_in_progress(meta),
        slug=meta.get("HTTP_SLUG") or None,
        check_swhid=(meta.get("HTTP_X_CHECK_SWHID") or "").strip() or None,
        if_match=meta.get("HTTP_IF_MATCH") or None,
        name_encoding=read_name_encoding(meta.get("HTTP_X_NAME_ENCODING")),
        confirm_warnings=read_confirm_warnings(meta),
    )


def read_digests(*, content_md5: str | None, digest: str | None, fields: list[str | None]) -> Digests:
    """The digests a client sent: Content-MD5 (hex or base64), Digest (RFC 3230), the fields of RFC 9530."""
    md5 = _md5(content_md5)
    found = {"md5": md5} if md5 else {}
    for name, value in _digest_items(digest, fields):
        found.setdefault(name, value)
    return Digests(md5=found.get("md5"), sha256=found.get("sha-256"))


def _md5(value: str | None) -> str | None:
    if value is None or not value.strip():
        return None
    text = value.strip().strip('"')
    if _HEX_MD5.fullmatch(text):
        return text.lower()
    return _base64_digest(text, 16, "Content-MD5")


def _base64_digest(text: str, length: int, header: str) -> str:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != length:
        raise bad_request(
            "header.digest",
            f"The {header} header is not a digest.",
            "Send the digest of the bytes of the package, in hexadecimal or base64.",
        )
    return raw.hex()


def _digest_items(digest: str | None, fields: list[str | None]) -> list[tuple[str, str]]:
    lengths = {"sha-256": 32, "md5": 16}
    items = []
    for header, value in [("Digest", digest), *[("Content-Digest", field) for field in fields]]:
        for piece in (value or "").split(","):
            name, _, text = piece.strip().partition("=")
            name = name.strip().lower()
            if name in lengths:
                items.append((name, _base64_digest(text.strip().strip(":"), lengths[name], header)))
    return items
