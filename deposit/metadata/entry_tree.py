"""Descriptions as elements of an Atom entry, and any entry as a description. Pure.

CodeMeta's terms are elements of the entry's version of CodeMeta; what that version does not have, and other
vocabularies, are elements of their own namespaces, which the checks never look at. Languages are ``xml:lang``.
"""

from collections.abc import Iterator

from lxml import etree

from client.description.node import Node, Notes, Text, Value, first
from client.description.normal import normalised
from client.description.vocabulary import PREFIXES, SCHEMA, split_iri, term_of
from deposit.metadata.namespaces import (
    APP,
    ATOM,
    CODEMETA,
    CODEMETA_2,
    CODEMETA_3,
    DCTERMS,
    DEPOSIT,
    SCHEMA_ORG,
    SWORD,
)
from deposit.metadata.places import local_name, namespace
from deposit.metadata.terms import CODEMETA_RENAMED, CODEMETA_TERMS

_DC = PREFIXES["dc"]
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
# What Atom and Dublin Core say that CodeMeta says, too.
_ATOM_TERMS = {
    "title": "name",
    "name": "name",
    "author": "author",
    "contributor": "contributor",
    "summary": "description",
    "subtitle": "description",
    "rights": "license",
    "published": "datePublished",
}
_DUBLIN_CORE = {
    "title": "name",
    "creator": "author",
    "contributor": "contributor",
    "abstract": "description",
    "description": "description",
    "subject": "keywords",
    "license": "license",
    "rights": "license",
    "issued": "datePublished",
    "date": "datePublished",
    "created": "dateCreated",
    "modified": "dateModified",
    "identifier": "identifier",
    "publisher": "publisher",
    "hasVersion": "softwareVersion",
}
_OF_THE_DEPOSIT = (APP, DEPOSIT, SWORD, "http://purl.org/net/sword/3.0/terms/")


def version_of(root: etree._Element) -> str:
    """The version of CodeMeta that an entry uses, by its namespace."""
    uses_3 = next(root.iterchildren(f"{{{CODEMETA_3}}}*"), None) is not None
    uses_2 = next(root.iterchildren(f"{{{CODEMETA_2}}}*"), None) is not None
    return CODEMETA_3 if uses_3 and not uses_2 else CODEMETA_2


def elements_of(term: str, values: list[Value], version: str) -> Iterator[etree._Element]:
    """The values of a term as elements."""
    for value in values:
        element = etree.Element(_tag(term, version), nsmap={"codemeta": version, "schema": SCHEMA_ORG})
        if isinstance(value, Text):
            element.text = value.value
            if value.language:
                element.set(_LANGUAGE, value.language)
        else:
            for name, inner in value.items():
                element.extend(elements_of(name, inner, version))
        yield element


def _tag(term: str, version: str) -> str:
    if term.startswith(SCHEMA):
        return f"{{{SCHEMA_ORG}}}{term.removeprefix(SCHEMA)}"
    if ":" in term:
        space, local = split_iri(term)
        return f"{{{space}}}{local}"
    if term in CODEMETA_TERMS[version]:
        return f"{{{version}}}{term}"
    renamed = CODEMETA_RENAMED[version].get(term)
    return f"{{{version}}}{renamed}" if renamed else f"{{{SCHEMA_ORG}}}{term}"


def tree_of(root: etree._Element) -> Node:
    """What an entry says, in the one form of descriptions; what it says twice is there once."""
    node: Node = {}
    others: Node = {}
    for child in root:
        space, name = namespace(child), local_name(child)
        if space in _OF_THE_DEPOSIT:
            continue
        if space == ATOM:
            term = _ATOM_TERMS.get(name, "")
            target = node if name in ("title", "author", "contributor", "name") else others
        elif space in (DCTERMS, _DC):
            term, target = _DUBLIN_CORE.get(name, ""), others
        else:
            term, target = _term(space, name), node
        if term:
            target.setdefault(term, []).append(_value(child))
        elif space in (DCTERMS, _DC):
            node.setdefault(space + name, []).append(_value(child))
    for term, values in others.items():
        node.setdefault(term, values)
    if node.get("softwareVersion"):
        node.pop("version", None)
    _name_once(node)
    return normalised(node, Notes())


def _term(space: str, name: str) -> str:
    return term_of(name) if space in CODEMETA else term_of(f"{space}{name}")


def _value(element: etree._Element) -> Value:
    if not len(element):
        return Text((element.text or "").strip(), element.get(_LANGUAGE) or "")
    node: Node = {}
    for child in element:
        term = _term(CODEMETA_2 if namespace(child) == ATOM else namespace(child), local_name(child))
        if term:
            node.setdefault({"schema:uri": "url"}.get(term, term), []).append(_value(child))
    return node


def _name_once(node: Node) -> None:
    """Names that Atom and CodeMeta say alike: once, with the language where one of them has it."""
    names: dict[str, Text] = {}
    for value in node.get("name", ()):
        said = value if isinstance(value, Text) else Text(first(value, "name"))
        if said.value and not names.get(said.value, Text("")).language:
            names[said.value] = said
    node["name"] = list(names.values())
