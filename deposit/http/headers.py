"""Request headers that more than one face reads. Pure: raises `Refusal` for what cannot be understood."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message

from deposit.http.header_limits import has_many_parameters, too_long
from deposit.http.text import is_media_type
from deposit.refusals import Kind, Refusal
from packages.names import known_encoding

# Characters no stored file name may hold; the name is shown and offered for download again.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, kw_only=True, slots=True)
class MediaType:
    """A Content-Type: lower-cased type, parameters by lower-cased name."""

    type: str
    parameters: Mapping[str, str]


def bad_request(code: str, summary: str, hint: str = "") -> Refusal:
    """A request that the client can mend: 400."""
    return Refusal(Kind.BAD_REQUEST, code, summary, hint)


def parse_media_type(value: str | None) -> MediaType | None:
    """Split a Content-Type into its type and parameters; types and names compare case-insensitively."""
    if not value:
        return None
    if has_many_parameters(value):
        raise too_long("CONTENT_TYPE")
    message = Message()
    message["Content-Type"] = value.replace("\r", " ").replace("\n", " ")
    kind, _, _ = value.partition(";")
    if not is_media_type(kind.strip()):
        raise bad_request(
            "header.content_type",
            "The Content-Type is none.",
            "Send for example Content-Type: application/zip",
        )
    try:
        pairs = message.get_params(failobj=[])[1:]
    except (ValueError, LookupError, TypeError):  # what the email package answers to nonsense
        pairs = []
    parameters = {str(name).lower(): _plain(text) for name, text in pairs}
    return MediaType(type=kind.strip().lower(), parameters=parameters)


def _plain(value: object) -> str:
    # The email package answers RFC 2231 parameters as (charset, language, text).
    return str(value[2]) if isinstance(value, tuple) else str(value)


def read_name_encoding(value: str | None) -> str:
    """The encoding of names in packages that do not state theirs; "" where none is named. Raises `Refusal`."""
    if not value or not value.strip():
        return ""
    try:
        return known_encoding(value)
    except ValueError:
        raise bad_request(
            "header.name_encoding",
            "This is not an encoding that the names in a package may be in.",
            "Name one such as shift_jis, gbk, big5, euc_kr, cp850, cp1252 or koi8_r, or none.",
        ) from None


def read_content_length(meta: Mapping[str, str]) -> int | None:
    """The number of bytes that are announced; None for chunks and for no body. Raises `Refusal`."""
    value = meta.get("CONTENT_LENGTH")
    if not value:
        return None
    if not (value.isascii() and value.isdigit()):
        raise bad_request("header.content_length", "Content-Length is not a number.")
    return int(value)


def read_in_progress(meta: Mapping[str, str]) -> bool:
    """Whether more requests follow (SWORD 2 section 9, SWORD 3 section 9.7); absent means no. Raises `Refusal`."""
    word = meta.get("HTTP_IN_PROGRESS", "false").strip().lower() or "false"
    if word not in ("true", "false"):
        raise bad_request(
            "header.in_progress",
            "The In-Progress header must be true or false.",
            "Send In-Progress: true while more requests follow, false with the last one.",
        )
    return word == "true"


def read_confirm_warnings(meta: Mapping[str, str]) -> bool:
    """Whether the depositor wants to be asked about warnings (X-Confirm-Warnings). Raises `Refusal`."""
    word = meta.get("HTTP_X_CONFIRM_WARNINGS", "false").strip().lower() or "false"
    if word not in ("true", "false"):
        raise bad_request(
            "header.confirm_warnings",
            "The X-Confirm-Warnings header must be true or false.",
            "Send X-Confirm-Warnings: true to be asked before a package with warnings is archived.",
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
    if has_many_parameters(disposition):
        raise too_long("HTTP_CONTENT_DISPOSITION")
    message = Message()
    message["Content-Disposition"] = disposition.replace("\r", " ").replace("\n", " ")
    try:
        return message.get_filename()
    except (ValueError, LookupError, TypeError):
        return None
