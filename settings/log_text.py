"""Text of clients as it goes into a log: nothing in it ends a line, moves a cursor or hides what follows."""

import re

# Control characters, line and paragraph separators, marks of writing direction, and halves of characters.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufff9-\ufffb]"
)


def one_line(text: str) -> str:
    r"""The text with what cannot be seen written as Python writes it: ``\n``, ``\x1b``, ``\u202e``."""
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def indented(text: str) -> str:
    """Several lines, such as a traceback, none of which looks like a log line of its own."""
    return "\n".join(f"    {one_line(line)}" for line in text.split("\n"))


def json_line(text: str) -> str:
    """A JSON document with the same characters written as JSON writes them."""
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
