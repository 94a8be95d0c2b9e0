"""What a deposit says about itself: from flags, ``codemeta.json``, ``CITATION.cff`` and others to an Atom entry."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

from client.codemeta_elements import append, text_of
from client.errors import UsageError
from client.namespaces import ATOM, CODEMETA_2, CODEMETA_3, DEPOSIT, PREFIXES, SCHEMA
from client.orcid import split_orcid

__all__ = ["ATOM", "CODEMETA_2", "CODEMETA_3", "DEPOSIT", "PREFIXES", "SCHEMA", "Metadata", "Person"]

Json = Any
# Fields of `Metadata` and the terms that they are.
_TERMS = {
    "name": "name",
    "authors": "author",
    "version": "softwareVersion",
    "description": "description",
    "license": "license",
    "date_created": "dateCreated",
    "date_published": "datePublished",
    "release_notes": "releaseNotes",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """An author. ``orcid`` is an address; ``more`` holds further CodeMeta terms, as in ``codemeta.json``."""

    name: str
    email: str = ""
    affiliation: str = ""
    orcid: str = ""
    given_name: str = ""
    family_name: str = ""
    more: Mapping[str, Json] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, text: str) -> "Person":
        """From ``Ada Lovelace <ada@example.org>``; the address may be missing, and an ORCID iD may stand beside."""
        text, orcid = split_orcid(text)
        name, _, rest = text.partition("<")
        return cls(name=name.strip(), email=rest.strip().removesuffix(">").strip(), orcid=orcid)

    def terms(self) -> dict[str, Json]:
        """The person in CodeMeta's terms."""
        own = {
            "id": self.orcid,
            "name": self.name,
            "givenName": self.given_name,
            "familyName": self.family_name,
            "email": self.email,
            "affiliation": {"name": self.affiliation} if self.affiliation else None,
        }
        return {**{term: value for term, value in own.items() if value}, **self.more}


@dataclass(frozen=True, kw_only=True, slots=True)
class Metadata:
    """The metadata of one deposit.

    ``authors`` may be given as texts (``Name <address>``). ``create_origin`` is the address of a new
    origin below the provider's, ``add_to_origin`` that of one with earlier deposits. ``codemeta`` holds
    further CodeMeta terms by name, with values as in ``codemeta.json``. ``notes`` say what a file had that could not
    be taken.
    """

    name: str
    authors: tuple[Person | str, ...] = ()
    version: str = ""
    description: str = ""
    license: str = ""
    date_created: str = ""
    date_published: str = ""
    release_notes: str = ""
    create_origin: str = ""
    add_to_origin: str = ""
    provenance_url: str = ""
    # A SWHID or the URL of an origin that a metadata-only deposit describes.
    reference: str = ""
    codemeta: Mapping[str, Json] = field(default_factory=dict)
    codemeta_version: int = 2
    notes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def persons(self) -> tuple[Person, ...]:
        """The authors, all as persons."""
        return tuple(Person.of(author) if isinstance(author, str) else author for author in self.authors)

    @property
    def lacking(self) -> str:
        """What every server asks for and is not there, in words; empty where nothing lacks."""
        lacks = {
            "a name": not self.name.strip(),
            "an author": not self.persons and not self.codemeta.get("author"),
        }
        return " and ".join(words for words, missing in lacks.items() if missing)

    def updated(self, **fields: Any) -> "Metadata":
        """A copy in which the given fields that are not empty take the place of the old."""
        given = {name: value for name, value in fields.items() if value}
        said = {_TERMS[name] for name in given if name in _TERMS}
        codemeta = given.get("codemeta", self.codemeta)
        given["codemeta"] = {term: value for term, value in codemeta.items() if term not in said}
        return replace(self, **given)

    def to_entry(self) -> bytes:
        """The Atom entry, UTF-8. Raises `UsageError` for what no server would take."""
        self._refuse_nonsense()
        for prefix, namespace in PREFIXES.items():
            ElementTree.register_namespace(prefix, namespace)
        entry = ElementTree.Element(f"{{{ATOM}}}entry")
        _atom(entry, "title", self.name)
        _atom(entry, "updated", datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
        for person in self.persons:
            author = ElementTree.SubElement(entry, f"{{{ATOM}}}author")
            _atom(author, "name", person.name)
            if person.email:
                _atom(author, "email", person.email)
        namespace = CODEMETA_3 if self.codemeta_version == 3 else CODEMETA_2
        for term, value in self._terms().items():
            append(entry, namespace, term, value)
        self._deposit_element(entry)
        document: bytes = ElementTree.tostring(entry, encoding="utf-8", xml_declaration=True)
        return document

    def _refuse_nonsense(self) -> None:
        if not self.name.strip():
            raise UsageError("The metadata lack a name.", "Give --name, or a file with --metadata.")
        if not all(person.name for person in self.persons):
            raise UsageError(
                "An author has no name.", "Write authors as: --author 'Ada Lovelace <ada@example.org>'"
            )
        if sum(bool(each) for each in (self.create_origin, self.add_to_origin, self.reference)) > 1:
            raise UsageError(
                "Create an origin, add to one, or describe one: a deposit can do one of the three."
            )

    def _terms(self) -> dict[str, Json]:
        authors = [person.terms() for person in self.persons]
        own = {
            "name": self.name,
            "author": authors,
            "softwareVersion": self.version,
            "description": self.description,
            "license": self.license,
            "dateCreated": self.date_created,
            "datePublished": self.date_published,
            "releaseNotes": self.release_notes,
        }
        return {**{term: value for term, value in own.items() if value}, **self.codemeta}

    def _deposit_element(self, entry: ElementTree.Element) -> None:
        deposit = ElementTree.Element(f"{{{DEPOSIT}}}deposit")
        for intent, url in (("create_origin", self.create_origin), ("add_to_origin", self.add_to_origin)):
            if url:
                element = ElementTree.SubElement(deposit, f"{{{DEPOSIT}}}{intent}")
                ElementTree.SubElement(element, f"{{{DEPOSIT}}}origin", url=text_of(url, "the origin"))
        if self.reference:
            element = ElementTree.SubElement(deposit, f"{{{DEPOSIT}}}reference")
            if self.reference.startswith("swh:"):
                ElementTree.SubElement(
                    element, f"{{{DEPOSIT}}}object", swhid=text_of(self.reference, "the reference")
                )
            else:
                ElementTree.SubElement(
                    element, f"{{{DEPOSIT}}}origin", url=text_of(self.reference, "the reference")
                )
        if self.provenance_url:
            provenance = ElementTree.SubElement(deposit, f"{{{DEPOSIT}}}metadata-provenance")
            ElementTree.SubElement(provenance, f"{{{SCHEMA}}}url").text = text_of(
                self.provenance_url, "the provenance"
            )
        if len(deposit):
            entry.append(deposit)


def _atom(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, f"{{{ATOM}}}{name}").text = text_of(text, name)
