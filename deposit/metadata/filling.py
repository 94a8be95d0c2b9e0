"""What a package says about itself, added to what its depositor said of it. Pure.

A field that the depositor wrote is never touched, in whatever vocabulary it was written; what nobody wrote comes from
the package.
"""

from dataclasses import dataclass

from lxml import etree

from client.description.files import Description
from client.description.node import Node, first, nodes
from client.description.vocabulary import CFF
from deposit.findings import Finding
from deposit.metadata.entry import Entry, read_entry
from deposit.metadata.entry_tree import elements_of, tree_of, version_of
from deposit.metadata.found import Found
from deposit.metadata.minimal import is_stand_in, without_stand_in
from deposit.metadata.namespaces import ATOM, CODEMETA_2, SCHEMA_ORG
from deposit.metadata.places import Places
from deposit.metadata.xml import MAX_SIZE, parse

# Terms that say the same thing in different ways: who wrote one of them has said it.
_TOGETHER = (
    frozenset(("dateCreated", "datePublished")),
    frozenset(("author", "creator")),
    frozenset(("identifier", "schema:identifier")),
    frozenset(("contIntegration", "continuousIntegration")),
    frozenset(("embargoDate", "embargoEndDate")),
)
# What most things are, which need not be said.
_USUAL_TYPES = frozenset(("SoftwareSourceCode",))
# What people call the terms that they see.
_WORDS = {
    "name": "title",
    "author": "authors",
    "softwareVersion": "version",
    "license": "licence",
    "datePublished": "date of publication",
    "dateCreated": "date of creation",
    "codeRepository": "repository",
    "identifier": "identifiers",
    "schema:identifier": "identifiers",
    "contributor": "contributors",
    "maintainer": "maintainers",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """An entry with what was added to it; ``findings`` are warnings that say so."""

    entry: Entry
    findings: list[Finding]


def is_enough(description: Description) -> bool:
    """Whether a description can stand alone: with a title and an author."""
    return bool(first(description.node, "name")) and any(
        first(each, "name") for each in nodes(description.node, "author")
    )


def filled(entry: Entry | None, description: Description) -> Filled | None:
    """The entry (or one of its own) with what the package adds; None where that is nothing.

    Raises `MetadataError` for an entry that cannot be read, and where the whole would be too large.
    """
    root = parse(entry.document) if entry else _empty()
    if is_stand_in(root):
        without_stand_in(root, title="name" in description.node, author="author" in description.node)
    added = _added(tree_of(root), description.node)
    if not added:
        return None
    _append(root, added)
    etree.cleanup_namespaces(root, top_nsmap={"codemeta": version_of(root), "schema": SCHEMA_ORG, "cff": CFF})
    document = etree.tostring(root, xml_declaration=True, encoding="utf-8")
    return Filled(entry=read_entry(document, max_size=MAX_SIZE), findings=[_told(added, description)])


def word_for(term: str) -> str:
    """What people call a term; empty for a field of some format of its own."""
    return "" if "://" in term else _WORDS.get(term) or term.rpartition("/")[2].removeprefix("schema:")


def notes_of(description: Description) -> list[Finding]:
    """Warnings on what could not be taken from the files of a package."""
    places = Places()
    said = (*description.refused, *description.notes)
    return [Found.of("metadata.package_note", "", note=note).finding(places) for note in said[:20]]


def _empty() -> etree._Element:
    return etree.Element(f"{{{ATOM}}}entry", nsmap={None: ATOM, "codemeta": CODEMETA_2})  # type: ignore[dict-item]


def _added(known: Node, node: Node) -> Node:
    said = set(known)
    for group in _TOGETHER:
        if said & group:
            said |= group
    added = {term: values for term, values in node.items() if term not in said and values}
    if {each.value for each in added.get("type", ()) if isinstance(each, tuple)} <= _USUAL_TYPES:
        added.pop("type", None)
    return {} if set(added) <= {"type", "programmingLanguage"} and not known.get("name") else added


def _append(root: etree._Element, added: Node) -> None:
    version = version_of(root)
    if "name" in added:
        title = etree.Element(f"{{{ATOM}}}title")
        title.text = first(added, "name")
        root.insert(0, title)
        if len(added["name"]) == 1 and not any(
            each.language for each in added["name"] if isinstance(each, tuple)
        ):
            added = {term: values for term, values in added.items() if term != "name"}
    for term, values in added.items():
        root.extend(list(elements_of(term, values, version)))


def _told(added: Node, description: Description) -> Finding:
    words: dict[str, dict[str, None]] = {}
    for term in added:
        if name := word_for(term):
            words.setdefault(description.sources.get(term, "the package"), {})[name] = None
    said = "; ".join(f"{source}: {', '.join(names)}" for source, names in words.items())
    return Found.of("metadata.from_package", "", taken=said[:1000]).finding(Places())
