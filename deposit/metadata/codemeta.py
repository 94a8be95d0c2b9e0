"""What the known CodeMeta elements of an entry must hold."""

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from lxml import etree

from deposit.metadata.blanks import is_blank, says_nothing
from deposit.metadata.catalogue import shown
from deposit.metadata.dates import is_day, parse_date
from deposit.metadata.found import Found
from deposit.metadata.namespaces import CODEMETA
from deposit.metadata.places import local_name
from deposit.metadata.terms import KINDS, Kind

# Identifiers of the HAL archive are taken as they are, for the sake of the deposits that have them.
_HAL = re.compile(r"hal-\d+", re.ASCII)
# The name of a node: of this document only, or with a scheme and without blanks.
_NODE = re.compile(r"_:\S+|[A-Za-z][A-Za-z0-9+.-]*:\S+", re.ASCII)
_ALL = tuple(f"{{{version}}}*" for version in CODEMETA)
_NAMES = tuple(f"{{{version}}}name" for version in CODEMETA)
_AFFILIATIONS = tuple(f"{{{version}}}affiliation" for version in CODEMETA)


def check_codemeta_content(root: etree._Element) -> Iterator[Found]:
    """Judge the content of the CodeMeta elements that have a known kind, in document order."""
    for element in root.iterchildren(*_ALL):
        kind = KINDS.get(local_name(element))
        if kind is not None:
            yield from _CHECKS[kind](element)
        for nested in element.iterdescendants(*_ALL):
            yield from _check_nested(nested)


def _check_nested(element: etree._Element) -> Iterator[Found]:
    """What stands inside another CodeMeta element: the same kinds, but for what JSON-LD allows of a node inside.

    An identifier there is often no URI (an ORCID, a licence's short name), and a person inside something else (an
    author of a cited article) may be known by other things than its name.
    """
    kind = KINDS.get(local_name(element))
    if local_name(element) == "id":
        yield from _node(element)
    elif kind not in (None, Kind.IDENTIFIER, Kind.AGENT):
        yield from _CHECKS[kind](element)


def _node(element: etree._Element) -> Iterator[Found]:
    """The name of a JSON-LD node: a URI of any scheme, or one that holds in this document only (``_:author``)."""
    text = (element.text or "").strip()
    of_any_scheme = _NODE.fullmatch(text) and not text.lower().startswith(("http:", "https:"))
    if len(element) or not (of_any_scheme or _is_absolute_uri(text)):
        yield Found.of("metadata.uri", element, value=shown(element.text))


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
    if all(map(says_nothing, element.iterchildren(*_NAMES))):
        yield Found.of("metadata.agent", element, name=local_name(element))
    stray = next(
        (text for text in (element.text, *(child.tail for child in element)) if text and text.strip()), None
    )
    if stray:
        yield Found.of("metadata.agent_text", element, name=local_name(element), value=shown(stray))
    for affiliation in element.iterchildren(*_AFFILIATIONS):
        named = affiliation.iterchildren(*_NAMES) if len(affiliation) else [affiliation]
        if all(is_blank(name.text) for name in named):
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
