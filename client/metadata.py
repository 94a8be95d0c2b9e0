"""What a deposit says about itself: from flags, ``codemeta.json`` or ``CITATION.cff`` to an Atom entry."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from client.errors import UsageError

ATOM = "http://www.w3.org/2005/Atom"
CODEMETA_2 = "https://doi.org/10.5063/SCHEMA/CODEMETA-2.0"
CODEMETA_3 = "https://w3id.org/codemeta/3.0"
SCHEMA = "http://schema.org/"
DEPOSIT = "https://www.softwareheritage.org/schema/2018/deposit"

PREFIXES = {"": ATOM, "codemeta": CODEMETA_2, "codemeta3": CODEMETA_3, "schema": SCHEMA, "swh": DEPOSIT}

Json = Any
# Terms of CodeMeta that hold people or organisations, beside the authors.
AGENTS = [
    "contributor",
    "copyrightHolder",
    "editor",
    "funder",
    "maintainer",
    "producer",
    "publisher",
    "sponsor",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """An author."""

    name: str
    email: str = ""
    affiliation: str = ""

    @classmethod
    def of(cls, text: str) -> "Person":
        """From ``Ada Lovelace <ada@example.org>``; the address may be missing."""
        name, _, rest = text.partition("<")
        return cls(name=name.strip(), email=rest.strip().removesuffix(">").strip())


@dataclass(frozen=True, kw_only=True, slots=True)
class Metadata:
    """The metadata of one deposit.

    ``authors`` may be given as texts (``Name <address>``). ``create_origin`` is the address of a new
    origin below the provider's, ``add_to_origin`` that of one with earlier deposits. ``codemeta`` holds
    further CodeMeta terms by name, with values as in ``codemeta.json``.
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

    @property
    def persons(self) -> tuple[Person, ...]:
        """The authors, all as persons."""
        return tuple(Person.of(author) if isinstance(author, str) else author for author in self.authors)

    def updated(self, **fields: Any) -> "Metadata":
        """A copy in which the given fields that are not empty take the place of the old."""
        return replace(self, **{name: value for name, value in fields.items() if value})

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
            _codemeta(entry, namespace, term, value)
        self._deposit_element(entry)
        try:
            document: bytes = ElementTree.tostring(entry, encoding="utf-8", xml_declaration=True)
            return document
        except (ValueError, UnicodeError) as error:
            raise UsageError("The metadata hold a character that XML cannot.") from error

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
        authors: list[Json] = []
        for person in self.persons:
            author: dict[str, Json] = {"name": person.name}
            if person.email:
                author["email"] = person.email
            if person.affiliation:
                author["affiliation"] = {"name": person.affiliation}
            authors.append(author)
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
                ElementTree.SubElement(element, f"{{{DEPOSIT}}}origin", url=url)
        if self.reference:
            element = ElementTree.SubElement(deposit, f"{{{DEPOSIT}}}reference")
            if self.reference.startswith("swh:"):
                ElementTree.SubElement(element, f"{{{DEPOSIT}}}object", swhid=self.reference)
            else:
                ElementTree.SubElement(element, f"{{{DEPOSIT}}}origin", url=self.reference)
        if self.provenance_url:
            provenance = ElementTree.SubElement(deposit, f"{{{DEPOSIT}}}metadata-provenance")
            ElementTree.SubElement(provenance, f"{{{SCHEMA}}}url").text = self.provenance_url
        if len(deposit):
            entry.append(deposit)


def _atom(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, f"{{{ATOM}}}{name}").text = text


def _codemeta(parent: ElementTree.Element, namespace: str, term: str, value: Json) -> None:
    """A term of JSON-LD as elements: lists repeat it, objects nest."""
    if isinstance(value, list | tuple):
        for item in value:
            _codemeta(parent, namespace, term, item)
        return
    if value is None or value == "" or value == {}:
        return
    element = ElementTree.SubElement(parent, f"{{{namespace}}}{term}")
    if isinstance(value, Mapping):
        for name, inner in value.items():
            _codemeta(element, namespace, name, inner)
    else:
        element.text = str(value).lower() if isinstance(value, bool) else str(value)


# --- codemeta.json -------------------------------------------------------------------------------------
def from_codemeta(document: bytes) -> Metadata:
    """Read a ``codemeta.json`` of version 2 or 3. Raises `UsageError`."""
    try:
        data = json.loads(document)
    except ValueError as error:
        raise UsageError(f"codemeta.json is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise UsageError("codemeta.json does not hold an object.")
    terms: dict[str, Json] = _plain(data)
    authors = [_agent(author) for author in _as_list(terms.pop("author", terms.pop("creator", [])))]
    for term in (
        "contributor",
        "maintainer",
        "funder",
        "editor",
        "publisher",
        "copyrightHolder",
        "producer",
        "sponsor",
    ):
        if term in terms:
            terms[term] = [_agent(agent) for agent in _as_list(terms[term])]
    return Metadata(
        name=str(terms.pop("name", "")),
        authors=tuple(
            Person(name=a["name"], email=str(a.get("email", "")), affiliation=_name_of(a.get("affiliation")))
            for a in authors
        ),
        version=str(terms.pop("softwareVersion", "") or terms.pop("version", "")),
        codemeta=terms,
        codemeta_version=3 if "codemeta/3" in str(data.get("@context")) else 2,
    )


def _plain(value: Json) -> Json:
    """The document without JSON-LD's own words: contexts and types go, ``@id`` becomes ``id``."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) <= {"@value", "@type", "@language"}:
        return value.get("@value", "")
    return {
        "id" if name == "@id" else name.rpartition(":")[2]: _plain(inner)
        for name, inner in value.items()
        if name == "@id" or not (name.startswith("@") or name == "type")
    }


def _as_list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]


def _agent(value: Json) -> dict[str, Json]:
    """A person or organisation, with the name that every server wants."""
    agent = dict(value) if isinstance(value, dict) else {"name": str(value)}
    if not agent.get("name"):
        agent["name"] = " ".join(str(agent[part]) for part in ("givenName", "familyName") if agent.get(part))
    return agent


def _name_of(value: Json) -> str:
    found = _as_list(value)[0] if value else ""
    return str(found.get("name", "")) if isinstance(found, dict) else str(found)


# --- CITATION.cff --------------------------------------------------------------------------------------
def from_citation(document: bytes) -> Metadata:
    """Read a ``CITATION.cff`` (version 1.2). Raises `UsageError`."""
    try:
        import yaml  # noqa: PLC0415  optional: only this function needs it
    except ImportError as error:
        raise UsageError("Reading CITATION.cff needs PyYAML.", "pip install 'deposit-client[cff]'") from error
    try:
        data = yaml.safe_load(document)
    except yaml.YAMLError as error:
        raise UsageError(f"CITATION.cff is not YAML: {error}") from error
    if not isinstance(data, dict) or "title" not in data:
        raise UsageError("CITATION.cff has no title.")
    terms = {
        "identifier": f"https://doi.org/{data['doi']}" if data.get("doi") else "",
        "keywords": data.get("keywords", []),
        "codeRepository": data.get("repository-code", ""),
        "url": data.get("url", ""),
    }
    released = data.get("date-released", "")
    return Metadata(
        name=str(data["title"]),
        authors=tuple(_cff_person(person) for person in data.get("authors", [])),
        version=str(data.get("version", "")),
        description=str(data.get("abstract", "")).strip(),
        license=", ".join(
            f"https://spdx.org/licenses/{name}" for name in _as_list(data.get("license") or [])
        ),
        date_published=released.isoformat() if isinstance(released, date) else str(released),
        codemeta={term: value for term, value in terms.items() if value},
    )


def _cff_person(person: dict[str, Json]) -> Person:
    parts = (person.get(part) for part in ("given-names", "name-particle", "family-names"))
    name = person.get("name") or " ".join(str(part) for part in parts if part)
    return Person(
        name=str(name), email=str(person.get("email", "")), affiliation=str(person.get("affiliation", ""))
    )


FILES = {"codemeta.json": from_codemeta, "CITATION.cff": from_citation}


def read_metadata(path: Path) -> Metadata | bytes:
    """Metadata from a file; an Atom entry (``.xml``) is passed on as it is. Raises `UsageError`."""
    try:
        document = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if document.lstrip().startswith(b"<") or document.startswith(b"\xef\xbb\xbf<"):
        return document
    return from_citation(document) if path.suffix == ".cff" else from_codemeta(document)


def find_metadata(folder: Path) -> Path | None:
    """The metadata file that a source folder brings along."""
    return next((folder / name for name in FILES if (folder / name).is_file()), None)
