"""The title of a README: its first heading in Markdown, reStructuredText, AsciiDoc or Org, else its first line."""

import re

from client.description.html_text import plain
from client.description.node import Node, Notes, Text
from client.description.text import decoded, unfit_character

MAX_SIZE = 1024 * 1024
_LONGEST = 200
_UNDERLINE = re.compile(r"([=\-~^\"'`#*+.:_])\1{2,}\s*")
_HEADING = re.compile(
    r"\s{0,3}#{1,3}\s+(?P<md>.+?)\s*#*|=\s+(?P<adoc>.+)|(?:#\+TITLE:|\*)\s+(?P<org>.+)", re.IGNORECASE
)
_IMAGE = re.compile(r"!\[[^\]]{0,300}\]\([^)\s]{0,2000}\)")
_LINK = re.compile(r"\[([^\]]{0,300})\](?:\([^)\s]{0,2000}\)|\[[^\]]{0,300}\])")
_MARKUP = re.compile(r"\*\*|__|``?|:[a-z0-9_+-]+:")


def read_readme(data: bytes, notes: Notes) -> Node:
    """The title as ``name``; empty where no line looks like one. Raises `Unreadable`."""
    lines = decoded(data[:MAX_SIZE], limit=MAX_SIZE).split("\n")[:200]
    lines = lines[_front_matter(lines) :]
    title = _heading(lines) or next((said for line in lines if (said := _cleaned(line))), "")
    if not title or unfit_character(title):
        return {}
    return {"name": [Text(title)]}


def _front_matter(lines: list[str]) -> int:
    """How many lines stand before the text, between two lines of dashes."""
    if lines and lines[0].strip() == "---":
        return next((number + 1 for number, line in enumerate(lines[1:], 1) if line.strip() == "---"), 0)
    return 0


def _heading(lines: list[str]) -> str:
    for number, line in enumerate(lines):
        if len(line) > 1000:
            continue
        found = _HEADING.fullmatch(line)
        if found:
            title = _cleaned(found["md"] or found["adoc"] or found["org"])
        elif re.match(r"\s*<h[1-3][ >]", line, re.IGNORECASE):
            title = _cleaned(line)
        elif number and _UNDERLINE.fullmatch(line) and len(line.strip()) >= 3:
            title = _cleaned(lines[number - 1])
        else:
            continue
        if title:
            return title
    return ""


def _cleaned(line: str) -> str:
    """A line as text: without marks, pictures, addresses of links, and what only draws."""
    if len(line) > 1000:
        return ""
    text = _LINK.sub(r"\1", _IMAGE.sub("", line))
    text = " ".join(_MARKUP.sub("", plain(text)).split())
    if text.startswith((".. ", "[![", "<!--", "#!")) or not any(each.isalnum() for each in text):
        return ""
    return text if len(text) <= _LONGEST else ""
