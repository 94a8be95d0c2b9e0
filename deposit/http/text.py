"""Text that may enter: what no table can hold is refused where it comes in, so that nothing behind needs to ask.

PostgreSQL holds no NUL, and UTF-8 no half of a surrogate pair (JSON can write both). Every other character is kept
as it was sent; documents and pages show what they can of it.
"""

import json
import re
from typing import Any, NoReturn

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# A type and a subtype (RFC 9110 section 8.3.1), and parameters without control characters.
_MEDIA_TYPE = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:\s*;[\x20-\x7e]*)?")


def is_storable(text: str) -> bool:
    """Whether a text can be kept and sent again."""
    return _UNSTORABLE.search(text) is None


def is_media_type(text: str) -> bool:
    """Whether a text can be sent again as a Content-Type."""
    return _MEDIA_TYPE.fullmatch(text) is not None


def sendable_type(kind: str) -> str:
    """A stored media type as it is sent: rows of earlier releases may hold what no header and no document can."""
    return kind if is_media_type(kind) else "application/octet-stream"


def sendable_iri(iri: str) -> str:
    """A stored packaging format as it is sent, or "": the same."""
    return iri if iri.isprintable() else ""


def read_json(data: bytes) -> Any:
    """What a JSON document holds (RFC 8259, in UTF-8). Raises ValueError that says what is wrong with it."""
    try:
        document = json.loads(data.decode("utf-8-sig"), parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("It is nested too deeply.") from None
    _require_storable(document)
    return document


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON.")


def _require_storable(document: Any) -> None:
    ahead = [document]
    while ahead:
        value = ahead.pop()
        if isinstance(value, dict):
            ahead += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            ahead += value
        elif isinstance(value, str) and not is_storable(value):
            raise ValueError("A text in it has a NUL, or half of a surrogate pair.")
