"""The text of a piece of HTML, for descriptions that were written for a page."""

import html
import re

_BLOCKS = "p|div|li|br|tr|h[1-6]|ul|ol|table|blockquote|pre"
_NEW_LINE = re.compile(rf"</?(?:{_BLOCKS})(?![A-Za-z0-9])[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z!][^<>]*>")


def plain(text: str) -> str:
    """The text, line by line. What stands in ``<script>`` is text, too: nothing of it is ever run or shown as HTML."""
    if "<" not in text and "&" not in text:
        return text.strip()
    text = html.unescape(_TAG.sub("", _NEW_LINE.sub("\n", text)))
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)
