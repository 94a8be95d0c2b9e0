"""The request headers of SWORD 2, read into one typed value. Pure: takes a WSGI environ, raises `Refusal`."""

import base64
import binascii
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message

from deposit.refusals import Kind, Refusal

ARCHIVE_TYPES = ("application/zip", "application/x-tar")
ENTRY_TYPE = "application/atom+xml"

_HEX_MD5 = re.compile(r"[0-9a-fA-F]{32}")
# Characters no stored file name may hold; the name is shown and offered for download again.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, kw_only=True, slots=True)
class MediaType:
    """A Content-Type: lower-cased type, parameters by lower-cased name."""

    type: str
    parameters: Mapping[str, str]


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


def bad_request(code: str, summary: str, hint: str = "") -> Refusal:
    """A 400 of this face."""
    return Refusal(Kind.BAD_REQUEST, code, summary, hint)


def read_headers(meta: Mapping[str, str]) -> Headers:
    """Read the headers from a WSGI environ. Raises `Refusal` for what cannot be understood."""
    return Headers(
        media_type=parse_media_type(meta.get("CONTENT_TYPE") or None),
        content_length=_content_length(meta),
        filename=parse_filename(meta.get("HTTP_CONTENT_DISPOSITION")),
        digests=read_digests(
            content_md5=meta.get("HTTP_CONTENT_MD5"),
            digest=meta.get("HTTP_DIGEST"),
            fields=[meta.get("HTTP_CONTENT_DIGEST"), meta.get("HTTP_REPR_DIGEST")],
        ),
        packaging=(meta.get("HTTP_PACKAGING") or "").strip() or None,
        in_progress=_in_progress(meta.get("HTTP_IN_PROGRESS")),
        slug=meta.get("HTTP_SLUG") or None,
        check_swhid=(meta.get("HTTP_X_CHECK_SWHID") or "").strip() or None,
        if_match=meta.get("HTTP_IF_MATCH") or None,
    )


def parse_media_type(value: str | None) -> MediaType | None:
    """Split a Content-Type into its type and parameters; types and names compare case-insensitively."""
    if not value:
        return None
    message = Message()
    message["Content-Type"] = value.replace("\r", " ").replace("\n", " ")
    kind, _, _ = value.partition(";")
    try:
        pairs = message.get_params(failobj=[])[1:]
    except (ValueError, LookupError, TypeError):  # what the email package answers to nonsense
        pairs = []
    parameters = {str(name).lower(): _plain(text) for name, text in pairs}
    return MediaType(type=kind.strip().lower(), parameters=parameters)


def _plain(value: object) -> str:
    # The email package answers RFC 2231 parameters as (charset, language, text).
    return str(value[2]) if isinstance(value, tuple) else str(value)


def _content_length(meta: Mapping[str, str]) -> int | None:
    value = meta.get("CONTENT_LENGTH")
    if not value:
        return None
    if not (value.isascii() and value.isdigit()):
        raise bad_request("header.content_length", "Content-Length is not a number.")
    return int(value)


def _in_progress(value: str | None) -> bool:
    """SWORD 2 section 9: ``true`` or ``false``; absent means complete."""
    word = (value or "false").strip().lower()
    if word not in ("true", "false"):
        raise bad_request(
            "header.in_progress",
            "The In-Progress header must be true or false.",
            "Send In-Progress: true while more requests follow, false with the last one.",
        )
    return word == "true"


def parse_filename(disposition: str | None) -> str | None:
    """The file name of a Content-Disposition: quoted or not, plain or RFC 5987, without any directories.

    None when there is no header; raises `Refusal` when the header names no usable file.
    """
    if disposition is None:
        return None
    missing = bad_request(
        "header.filename",
        "The Content-Disposition header names no file.",
        "Send for example Content-Disposition: attachment; filename=package.zip",
    )
    # WSGI hands headers over as Latin-1; a raw UTF-8 name is common in the wild.
    with suppress(UnicodeEncodeError, UnicodeDecodeError):
        disposition = disposition.encode("latin-1").decode("utf-8")
    name = _disposition_name(disposition)
    if name is None:
        raise missing
    name = _UNSAFE.sub("", name.replace("\\", "/")).rpartition("/")[2].strip()
    if name in ("", ".", ".."):
        raise missing
    return name[:1024]


def _disposition_name(disposition: str) -> str | None:
    message = Message()
    message["Content-Disposition"] = disposition.replace("\r", " ").replace("\n", " ")
    try:
        return message.get_filename()
    except (ValueError, LookupError, TypeError):
        return None


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
