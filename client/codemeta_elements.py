"""Terms of CodeMeta, and others, as elements of an entry: always well-formed XML, whatever they hold."""

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from client.description.node import Text, shown
from client.description.text import unfit_character
from client.description.vocabulary import SCHEMA as SCHEMA_PREFIX
from client.description.vocabulary import TERMS, split_iri, term_of
from client.errors import UsageError
from client.namespaces import CODEMETA_2, CODEMETA_3, SCHEMA

Json = Any
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
# What only one version of CodeMeta has.
_ONLY = {
    CODEMETA_2: frozenset(("contIntegration", "embargoDate")),
    CODEMETA_3: frozenset(
        (
            "Review",
            "Role",
            "continuousIntegration",
            "embargoEndDate",
            "endDate",
            "hasSourceCode",
            "isSourceCodeOf",
            "review",
            "reviewAspect",
            "reviewBody",
            "roleName",
            "startDate",
        )
    ),
}
_OTHER = {CODEMETA_2: CODEMETA_3, CODEMETA_3: CODEMETA_2}
_RENAMED = {
    CODEMETA_2: {"continuousIntegration": "contIntegration", "embargoEndDate": "embargoDate"},
    CODEMETA_3: {"contIntegration": "continuousIntegration", "embargoDate": "embargoEndDate"},
}


def append(parent: ElementTree.Element, version: str, term: str, value: Json) -> None:
    """A term with its value, as JSON has it, in the version of CodeMeta: lists repeat it, objects nest.

    Raises `UsageError` for a name or a character that XML does not have.
    """
    if isinstance(value, list | tuple) and not isinstance(value, Text):
        for item in value:
            append(parent, version, term, item)
        return
    if value is None or value == "" or value == {} or term in ("@context", "@language"):
        return
    element = ElementTree.SubElement(parent, _tag(term, version))
    if isinstance(value, Mapping):
        for name, inner in value.items():
            append(element, version, name, inner)
    elif isinstance(value, Text):
        element.text = text_of(value.value, term)
        if value.language:
            element.set(_LANGUAGE, text_of(value.language, term))
    else:
        element.text = text_of(str(value).lower() if isinstance(value, bool) else str(value), term)


def _tag(name: str, version: str) -> str:
    term = term_of({"@id": "id", "@type": "type"}.get(name, name))
    if not term:
        raise UsageError(
            f"{shown(name)} is no name that metadata can have.", "Write a term of CodeMeta, or an IRI."
        )
    term = _RENAMED[version].get(term, term)
    if term.startswith(SCHEMA_PREFIX):
        return f"{{{SCHEMA}}}{term.removeprefix(SCHEMA_PREFIX)}"
    if ":" in term:
        space, local = split_iri(term)
        return f"{{{space}}}{local}"
    return f"{{{version if term in TERMS - _ONLY[_OTHER[version]] else SCHEMA}}}{term}"


def text_of(text: str, field: str) -> str:
    """The text, if XML can hold it. Raises `UsageError`, which names the field and the character."""
    unfit = unfit_character(text)
    if unfit:
        raise UsageError(f"{field} holds {unfit}, which metadata cannot.", "Take it out.")
    return text
