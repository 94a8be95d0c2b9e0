"""SWORD 3's default metadata (JSON-LD with Dublin Core) as an Atom entry, and any entry as such metadata.

The record keeps one kind of metadata document, the Atom entry, whichever face it came through; so what is said here
is checked, loaded and shown like all else. ``dc:`` and ``dcterms:`` fields become elements of these namespaces, title
and creators also Atom's own; a field of any other name is kept as JSON in an element of its own. Pure.

The schema of SWORD 3 has one string for each field of Dublin Core. What is said several times is told in one string,
with semicolons between; people told so are taken apart again. A list is understood too.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from lxml import etree

from deposit.metadata.entry import Entry, read_entry
from deposit.metadata.entry_tree import tree_of
from deposit.metadata.exports.dublin_core import terms_of
from deposit.metadata.namespaces import ATOM, DCTERMS
from deposit.metadata.places import local_name, namespace
from deposit.metadata.xml import parse
from deposit.refusals import Kind, Refusal

SWORD3_TERMS = "http://purl.org/net/sword/3.0/terms/"
DC = "http://purl.org/dc/elements/1.1/"
CONTEXT = "https://swordapp.github.io/swordv3/swordv3.jsonld"

_VOCABULARIES = {"dc": DC, "dcterms": DCTERMS}
_PREFIXES = {uri: prefix for prefix, uri in _VOCABULARIES.items()}
_FIELD = f"{{{SWORD3_TERMS}}}field"
_ABOUT = ("@context", "@id", "@type")
_NAMESPACES: Any = {None: ATOM, "dc": DC, "dcterms": DCTERMS, "sword3": SWORD3_TERMS}
_MAX_FIELDS = 1000
_BETWEEN = "; "
_PEOPLE = ("dc:creator", "dcterms:creator", "dc:contributor", "dcterms:contributor")


def entry_of(fields: Mapping[str, Any]) -> Entry:
    """The Atom entry of a metadata document. Raises `Refusal` for one that XML cannot hold."""
    root = etree.Element(f"{{{ATOM}}}entry", nsmap=_NAMESPACES)
    _add(root, fields)
    return _read(root)


def extended(entry: Entry, fields: Mapping[str, Any]) -> Entry:
    """The entry with those fields that it does not have yet; what it says already stays as it is."""
    root = parse(entry.document)
    known = fields_of(entry)
    _add(root, {name: value for name, value in fields.items() if name not in known})
    return _read(root)


def merged(entry: Entry, addition: Entry) -> Entry:
    """The entry with those elements of another of which it has none yet."""
    root, other = parse(entry.document), parse(addition.document)
    known = {child.tag for child in root}
    root.extend([child for child in other if child.tag not in known])
    return _read(root)


def _read(root: etree._Element) -> Entry:
    return read_entry(etree.tostring(root, encoding="utf-8", xml_declaration=True))


def _add(root: etree._Element, fields: Mapping[str, Any]) -> None:
    if len(fields) > _MAX_FIELDS:
        raise _unreadable(f"It has more than {_MAX_FIELDS} fields.")
    try:
        for name, value in fields.items():
            if name not in _ABOUT:
                _add_field(root, name, value)
    except ValueError as error:
        raise _unreadable(f"A value holds a character that cannot be kept: {error}.") from error
    _add_for_atom(root, fields)


def _add_field(root: etree._Element, name: str, value: Any) -> None:
    prefix, _, term = name.partition(":")
    texts = _people(value) if name in _PEOPLE else _texts(value)
    if prefix in _VOCABULARIES and term.isascii() and term.isalpha() and texts is not None:
        for text in texts:
            etree.SubElement(root, f"{{{_VOCABULARIES[prefix]}}}{term}").text = text
    else:
        field = etree.SubElement(root, _FIELD, name=name)
        field.text = json.dumps(value, ensure_ascii=False)


def _texts(value: Any) -> list[str] | None:
    """A text or a list of texts; None for values that are neither."""
    values = value if isinstance(value, list) else [value]
    return values if values and all(isinstance(each, str) for each in values) else None


def _people(value: Any) -> list[str] | None:
    """Names, each on its own; None for values that are none."""
    texts = _texts(value)
    if texts is None:
        return None
    return [name for text in texts for piece in text.split(";") if (name := piece.strip())] or texts


def _add_for_atom(root: etree._Element, fields: Mapping[str, Any]) -> None:
    """Title and authors, which every deposit is known by, in the words that the checks and lists look for."""
    atom = f"{{{ATOM}}}"
    titles = _texts(fields.get("dc:title")) or _texts(fields.get("dcterms:title"))
    if titles and root.find(f"{atom}title") is None:
        title = etree.Element(f"{atom}title")
        title.text = titles[0]
        root.insert(0, title)
    creators = _people(fields.get("dc:creator")) or _people(fields.get("dcterms:creator")) or []
    if root.find(f"{atom}author") is None:
        for creator in creators:
            author = etree.SubElement(root, f"{atom}author")
            etree.SubElement(author, f"{atom}name").text = creator


def fields_of(entry: Entry) -> dict[str, Any]:
    """What an entry says, as SWORD 3's default metadata: its Dublin Core, and what was sent in other fields."""
    root = parse(entry.document)
    found: dict[str, list[str]] = {}
    fields: dict[str, Any] = {}
    for name, text in _dublin_core(root):
        found.setdefault(name, []).append(text)
    fields |= {name: _BETWEEN.join(texts) for name, texts in found.items()}
    for field in root.iterchildren(_FIELD):
        name = field.get("name") or ""
        fields[name] = _as_sent(name, _json(field.text or ""))
    if entry.title and not {"dc:title", "dcterms:title"} & fields.keys():
        fields["dc:title"] = entry.title
    names = [author.name for author in entry.authors]
    if names and not {"dc:creator", "dcterms:creator"} & fields.keys():
        fields["dc:creator"] = _BETWEEN.join(names)
    return fields


def all_fields_of(entry: Entry) -> dict[str, Any]:
    """`fields_of`, with what the entry says in other vocabularies told in Dublin Core."""
    fields = fields_of(entry)
    said = {name.partition(":")[2] for name in fields}
    more: dict[str, list[str]] = {}
    for term, text in terms_of(tree_of(parse(entry.document)), said=said):
        more.setdefault(f"dcterms:{term}", []).append(text)
    return fields | {name: _BETWEEN.join(texts) for name, texts in more.items()}


def _as_sent(name: str, value: Any) -> Any:
    """A field as the schema has it: a string under the names of Dublin Core, whatever was sent under them."""
    if name.partition(":")[0] in _VOCABULARIES and not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return value


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        # An entry that was not written here may hold anything.
        return text


def _dublin_core(root: etree._Element) -> Iterator[tuple[str, str]]:
    for child in root:
        prefix = _PREFIXES.get(namespace(child))
        if prefix:
            yield f"{prefix}:{local_name(child)}", "".join(map(str, child.itertext()))


def read_fields(document: object) -> dict[str, Any]:
    """The fields of a parsed metadata document. Raises `Refusal` for what is none."""
    if not isinstance(document, dict):
        raise _unreadable("It is not a JSON object.")
    if document.get("@type", "Metadata") != "Metadata":
        raise _unreadable(f'Its @type is {document["@type"]!r}, not "Metadata".'[:300])
    return document


def _unreadable(reason: str) -> Refusal:
    return Refusal(
        Kind.BAD_REQUEST,
        "sword3.metadata",
        f"The metadata document cannot be taken. {reason}",
        "Send a JSON object with @context, @type and fields such as dc:title and dc:creator.",
    )
