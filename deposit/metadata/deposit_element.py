"""The shape of ``swh:deposit``: which elements and attributes it may hold."""

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from deposit.metadata.catalogue import shown
from deposit.metadata.found import Found
from deposit.metadata.namespaces import DEPOSIT
from deposit.metadata.places import known_name, local_name

_XML_SCHEMA_INSTANCE = "{http://www.w3.org/2001/XMLSchema-instance}"


@dataclass(frozen=True, slots=True)
class _Shape:
    """Children by local name (None: anything), whether exactly one of them, and the attributes."""

    children: tuple[str, ...] | None = ()
    exactly_one: bool = False
    attributes: tuple[str, ...] = ()


_INTENTS = ("create_origin", "add_to_origin", "reference")
_SHAPES = {
    "deposit": _Shape((*_INTENTS, "metadata-provenance")),
    "create_origin": _Shape(("origin",), exactly_one=True),
    "add_to_origin": _Shape(("origin",), exactly_one=True),
    "reference": _Shape(("origin", "object"), exactly_one=True),
    "metadata-provenance": _Shape(None),
    "origin": _Shape(attributes=("url",)),
    "object": _Shape(attributes=("swhid",)),
}


def check_deposit_elements(root: etree._Element) -> Iterator[Found]:
    """Judge every ``swh:deposit`` directly below the entry, of which there may be one."""
    for number, element in enumerate(root.iterchildren(f"{{{DEPOSIT}}}deposit")):
        if number:
            yield Found.of("metadata.deposit_repeated", element, name=known_name(element))
        yield from _check_shape(element)
        yield from _check_intents(element)


def _check_shape(element: etree._Element) -> Iterator[Found]:
    shape = _SHAPES[local_name(element)]
    yield from _check_attributes(element, shape)
    if shape.children is None:
        return
    yield from _check_no_text(element)
    allowed = {f"{{{DEPOSIT}}}{name}" for name in shape.children}
    if shape.exactly_one and sum(str(child.tag) in allowed for child in element) != 1:
        names = " or ".join(f"swh:{child}" for child in shape.children)
        yield Found.of("metadata.deposit_content", element, name=known_name(element), allowed=names)
    for child in element:
        if str(child.tag) in allowed:
            yield from _check_shape(child)
        else:
            yield Found.of(
                "metadata.deposit_element",
                child,
                name=known_name(child),
                parent=known_name(element),
                allowed=", ".join(f"swh:{name}" for name in shape.children) or "no elements",
            )


def _check_attributes(element: etree._Element, shape: _Shape) -> Iterator[Found]:
    for attribute in map(str, element.attrib):
        if attribute not in shape.attributes and not attribute.startswith(_XML_SCHEMA_INSTANCE):
            yield Found.of(
                "metadata.deposit_attribute",
                element,
                name=known_name(element),
                attribute=shown(attribute),
                allowed=" and ".join(shape.attributes) or "none",
            )


def _check_no_text(element: etree._Element) -> Iterator[Found]:
    for text in (element.text, *(child.tail for child in element)):
        if text and text.strip():
            yield Found.of("metadata.deposit_text", element, name=known_name(element), value=shown(text))


def _check_intents(deposit: etree._Element) -> Iterator[Found]:
    seen: set[str] = set()
    for child in deposit.iterchildren(f"{{{DEPOSIT}}}*"):
        name = local_name(child)
        if name not in (*_INTENTS, "metadata-provenance"):
            continue
        if name in seen:
            yield Found.of("metadata.deposit_repeated", child, name=known_name(child))
        elif name in _INTENTS and seen.intersection(_INTENTS):
            yield Found.of("metadata.deposit_exclusive", child)
        seen.add(name)
