"""What the known CodeMeta elements directly below an entry must hold."""

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from lxml import etree

from deposit.metadata.catalogue import shown
from deposit.metadata.dates import is_day, parse_date
from deposit.metadata.found import Found
from deposit.metadata.namespaces import CODEMETA
from deposit.metadata.places import local_name
from deposit.metadata.terms import KINDS, Kind

# Identifiers of the HAL archive are taken as they are, for the sake of the deposits that have them.
_HAL = re.compile(r"hal-\d+", re.ASCII)
_NAMES = tuple(f"{{{version}}}name" for version in CODEMETA)
_AFFILIATIONS = tuple(f"{{{version}}}affiliation" for version in CODEMETA)


def check_codemeta_content(root: etree._Element) -> Iterator[Found]:
    """Judge the content of the CodeMeta elements that have a known kind, in document order."""
    for element in root.iterchildren(*(f"{{{version}}}*" for version in CODEMETA)):
        kind = KINDS.get(local_name(element))
        if kind is not None:
            yield from _CHECKS[kind](element)


def _uri(element: etree._Element) -> Iterator[Found]:
    if len(element) or not _is_absolute_uri(element.text):
        yield Found.of("metadata.uri", element, value=shown(element.text))


def _identifier(element: etree._Element) -> Iterator[Found]:
    text = (element.text or "").strip()
    if len(element) or not (_HAL.match(text) or _is_absolute_uri(text)):
        yield Found.of("metadata.identifier", element, value=shown(element.text))


def _date(element: etree._Element) -> Iterator[Found]:
    if len(element) or parse_date(element.text) is None:
        yield Found.of("metadata.date", element, value=shown(element.text))


def _day(element: etree._Element) -> Iterator[Found]:
    if len(element) or not is_day(element.text):
        yield Found.of("metadata.day", element, value=shown(element.text))


def _text(element: etree._Element) -> Iterator[Found]:
    if len(element):
        yield Found.of("metadata.text", element, name=local_name(element))


def _agent(element: etree._Element) -> Iterator[Found]:
    if next(element.iterchildren(*_NAMES), None) is None:
        yield Found.of("metadata.agent", element, name=local_name(element))
    stray = next(
        (text for text in (element.text, *(child.tail for child in element)) if text and text.strip()), None
    )
    if stray:
        yield Found.of("metadata.agent_text", element, name=local_name(element), value=shown(stray))
    for affiliation in element.iterchildren(*_AFFILIATIONS):
        named = affiliation.iterchildren(*_NAMES) if len(affiliation) else [affiliation]
        if not any(name.text and name.text.strip() for name in named):
            yield Found.of("metadata.affiliation", affiliation)


def _is_absolute_uri(text: str | None) -> bool:
    try:
        uri = urlsplit((text or "").strip())
    except ValueError:
        return False
    return bool(uri.scheme and uri.netloc) and " " not in uri.netloc


_CHECKS: dict[Kind, Callable[[etree._Element], Iterator[Found]]] = {
    Kind.URI: _uri,
    Kind.IDENTIFIER: _identifier,
    Kind.DATE: _date,
    Kind.DAY: _day,
    Kind.AGENT: _agent,
    Kind.TEXT: _text,
}
