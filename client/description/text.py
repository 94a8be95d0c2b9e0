"""Bytes of a text file as text, and characters that no metadata document can keep."""

import codecs
import re

from client.description.node import Unreadable

# UTF-32 begins like UTF-16, so it is asked first.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What XML 1.0 (section 2.2) has no way to write.
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_C0 = """
    NUL SOH STX ETX EOT ENQ ACK BEL BS TAB LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS
    GS RS US
"""
_NAMES = _C0.split()


def decoded(data: bytes, *, limit: int, encoding: str = "") -> str:
    """A file as text: by its byte order mark, else ``encoding``, else UTF-8, or UTF-16 where every second byte is zero.

    Raises `Unreadable` beyond ``limit`` bytes, and for what is in no such encoding.
    """
    if len(data) > limit:
        raise Unreadable(f"it has {len(data):,} bytes, and at most {limit:,} are read")
    marked = next((name for mark, name in _MARKS if data.startswith(mark)), "")
    if not marked and len(data) > 1 and 0 in data[:2]:
        marked = "utf-16-be" if data[0] == 0 else "utf-16-le"
    try:
        return data.decode(marked or encoding or "utf-8").replace("\r\n", "\n").replace("\r", "\n")
    except LookupError:
        raise Unreadable(f"its encoding {encoding[:40]!r} is not known; save it as UTF-8") from None
    except UnicodeDecodeError as error:
        raise Unreadable(f"it is not UTF-8 at byte {error.start}; save it as UTF-8") from None


def unfit_character(text: str) -> str:
    """What the first character is called that no document can keep; empty where there is none."""
    found = _UNFIT.search(text)
    if found is None:
        return ""
    number = ord(found[0])
    if number < len(_NAMES):
        return f"the control character U+{number:04X} ({_NAMES[number]})"
    kind = "half of a surrogate pair" if number < 0xE000 else "no character"
    return f"U+{number:04X} ({kind})"


def one_line(text: str) -> str:
    """A text with its white space, line ends too, as single spaces."""
    return " ".join(text.split())
