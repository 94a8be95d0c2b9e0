"""Text that says nothing: no character of it can be seen."""

import unicodedata

from lxml import etree


def is_blank(text: str | None) -> bool:
    """Whether a text holds nothing but spaces, line breaks, and controls and marks that are not shown."""
    return all(unicodedata.category(character)[0] in "ZC" for character in text or "")


def says_nothing(element: etree._Element) -> bool:
    """Whether neither an element nor anything inside it holds text."""
    return all(is_blank(str(text)) for text in element.itertext())
