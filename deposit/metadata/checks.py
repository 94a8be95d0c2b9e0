"""The rules for a metadata document, applied all at once.

The checker asks this of every deposit, and the SWORD API at once of metadata-only deposits and metadata
updates. The rules are data (``terms``, the shapes of ``deposit_element``); the functions only walk the
document.
"""

from collections.abc import Iterator
from itertools import islice

from lxml import etree

from client import licences
from deposit.findings import Area, Finding
from deposit.metadata.blanks import is_blank, says_nothing
from deposit.metadata.catalogue import shown
from deposit.metadata.codemeta import check_codemeta_content
from deposit.metadata.deposit_element import check_deposit_elements
from deposit.metadata.errors import MetadataError
from deposit.metadata.found import Found
from deposit.metadata.namespaces import ATOM, CODEMETA, DEPOSIT, SCHEMA_ORG
from deposit.metadata.places import Places, known_name, local_name, namespace
from deposit.metadata.terms import ATOM_ELEMENTS, CODEMETA_RENAMED, CODEMETA_TERMS, CODEMETA_VERSION
from deposit.metadata.xml import parse

# A document that breaks more rules than this is broken in one way many times.
MAX_FINDINGS = 100

_MANDATORY = {
    "atom:name or atom:title or codemeta:name": (
        f"{{{ATOM}}}name",
        f"{{{ATOM}}}title",
        *(f"{{{version}}}name" for version in CODEMETA),
    ),
    "atom:author or codemeta:author": (
        f"{{{ATOM}}}author",
        *(f"{{{version}}}author" for version in CODEMETA),
    ),
}
_NAMES = tuple(f"{{{each}}}name" for each in (ATOM, *CODEMETA))
_PROVENANCE = f"{{{DEPOSIT}}}deposit/{{{DEPOSIT}}}metadata-provenance/{{{SCHEMA_ORG}}}url"


def check_entry(document: bytes | etree._Element) -> list[Finding]:
    """Return every finding of a metadata document, errors in the order of the rules, then warnings.

    Bytes that are no acceptable XML have one finding, with the code of ``xml.parse``; a document whose root is not
    an Atom entry has one, too. At most 100 are listed, a last one then says how many more there are.
    """
    try:
        root = parse(document) if isinstance(document, bytes) else document
    except MetadataError as error:
        message = f"{error.summary}: {error.hint}"
        return [Finding(code=error.code, area=Area.METADATA, subject="", message=message)]
    found = _found(root)
    places = Places()
    findings = [each.finding(places) for each in islice(found, MAX_FINDINGS)]
    more = sum(1 for _ in found)
    if more:
        findings.append(Found.of("metadata.more", "entry", count=str(more)).finding(places))
    return findings


def _found(root: etree._Element) -> Iterator[Found]:
    if root.tag != f"{{{ATOM}}}entry":
        yield Found.of("metadata.root", root, value=shown(str(root.tag)))
        return
    yield from _errors(root)
    yield from _suggested(root)
    yield from _licences(root)


def _errors(root: etree._Element) -> Iterator[Found]:
    yield from _mandatory(root)
    yield from check_deposit_elements(root)
    yield from check_codemeta_content(root)
    for element in root.iter(f"{{{ATOM}}}*", *(f"{{{version}}}*" for version in CODEMETA)):
        yield from _atom_element(element) if namespace(element) == ATOM else _codemeta_term(element)


def _mandatory(root: etree._Element) -> Iterator[Found]:
    for alternatives, tags in _MANDATORY.items():
        if all(map(_is_missing, root.iterchildren(*tags))):
            yield Found.of("metadata.mandatory", alternatives, alternatives=alternatives)


def _is_missing(element: etree._Element) -> bool:
    """Whether a title or an author is there in form only: of blanks, or with a name of blanks."""
    names = list(element.iterchildren(*_NAMES))
    return all(map(says_nothing, names or [element]))


def _suggested(root: etree._Element) -> Iterator[Found]:
    if all(is_blank(url.text) for url in root.iterfind(_PROVENANCE)):
        yield Found.of("metadata.suggested", "swh:metadata-provenance")


def _licences(root: etree._Element) -> Iterator[Found]:
    """Licences that are told as a text, which should be one that programs know."""
    for element in root.iterchildren(*(f"{{{version}}}license" for version in CODEMETA)):
        text = element.text or ""
        if not len(element) and not is_blank(text) and licences.is_unknown(text):
            meant = licences.suggestions(text)
            suggestion = f" (did you mean {' or '.join(meant)}?)" if meant else ""
            yield Found.of("metadata.licence", element, value=shown(text), suggestion=suggestion)


def _atom_element(element: etree._Element) -> Iterator[Found]:
    name = local_name(element)
    if name in ATOM_ELEMENTS:
        return
    if name == "external_identifier":
        yield Found.of("metadata.external_identifier", element)
    elif any(name in terms for terms in CODEMETA_TERMS.values()):
        yield Found.of("metadata.atom_swapped", element, name=name)
    else:
        yield Found.of("metadata.atom_element", element, name=known_name(element))


def _codemeta_term(element: etree._Element) -> Iterator[Found]:
    name, version = local_name(element), namespace(element)
    if name in CODEMETA_TERMS[version]:
        return
    shown_name = known_name(element).removeprefix("codemeta:")
    number = CODEMETA_VERSION[version]
    if other := CODEMETA_RENAMED[version].get(name):
        yield Found.of("metadata.codemeta_renamed", element, name=name, version=number, other=other)
    elif name in ATOM_ELEMENTS:
        yield Found.of("metadata.codemeta_swapped", element, name=name, version=number)
    else:
        yield Found.of("metadata.codemeta_term", element, name=shown_name, version=number)
