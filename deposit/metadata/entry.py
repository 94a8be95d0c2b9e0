"""What the service takes from an Atom entry when it receives one.

Only what reception and the release need is read here, and leniently: rules on content are the checks'
(``checks``). What would make the meaning of a deposit uncertain (two kinds of origin, an origin without a
URL, an unreadable reference) is refused at once.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from deposit.metadata.blanks import is_blank
from deposit.metadata.dates import parse_date
from deposit.metadata.errors import MetadataError
from deposit.metadata.namespaces import ATOM, CODEMETA, DCTERMS, DEPOSIT, SCHEMA_ORG
from deposit.metadata.places import local_name, namespace
from deposit.metadata.reference import OriginReference, Reference, read_swhid
from deposit.metadata.xml import MAX_SIZE, parse

_DEPOSIT = f"{{{DEPOSIT}}}"
_PROVENANCE = f"{_DEPOSIT}deposit/{_DEPOSIT}metadata-provenance/{{{SCHEMA_ORG}}}url"
# SWORD 3's term for a file that is deposited by reference.
BY_REFERENCE = "http://purl.org/net/sword/3.0/terms/byReferenceDeposit"
_SCHEMA_NOTES = f"{{{SCHEMA_ORG}}}releaseNotes"


@dataclass(frozen=True, slots=True)
class Author:
    """An author as named in the entry; ``email`` is empty where none is given."""

    name: str
    email: str = ""


@dataclass(frozen=True, slots=True)
class FileLink:
    """A package that the entry only refers to; ``name`` and ``media_type`` are empty where nothing is said."""

    href: str
    media_type: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An Atom entry as received. Texts are trimmed (release notes are not); what is absent or blank is None.

    ``document`` is what was sent, byte for byte. ``is_empty``: no element inside, which no request may send.
    ``date_created`` and ``date_published`` are aware, in the zone as written, and None where they cannot be
    read. ``release_notes`` joins all of CodeMeta's by a blank line; ``first_release_notes`` is the first of
    them, or schema.org's where CodeMeta has none. ``dublin_core`` lists the dcterms elements as (name, text).
    ``files`` are the packages of links with the relation `BY_REFERENCE`.
    """

    document: bytes
    is_empty: bool
    title: str | None
    authors: tuple[Author, ...]
    create_origin: str | None
    add_to_origin: str | None
    reference: Reference | None
    provenance_url: str | None
    software_version: str | None
    release_notes: str | None
    first_release_notes: str | None
    date_created: datetime | None
    date_published: datetime | None
    dublin_core: tuple[tuple[str, str], ...]
    files: tuple[FileLink, ...] = ()

    @property
    def author_date(self) -> datetime | None:
        """When the software was made: its creation, else its publication."""
        return self.date_created or self.date_published

    @property
    def committer_date(self) -> datetime | None:
        """When the software was published: its publication, else its creation."""
        return self.date_published or self.date_created

    def refuse_mixed_kinds(self, *, slug: str | None = None) -> None:
        """Raise ``metadata.mixed_kinds`` where a metadata-only deposit also asks for an origin or has a
        Slug.
        """
        if self.reference is None:
            return
        rivals = {
            "<swh:create_origin>": self.create_origin,
            "<swh:add_to_origin>": self.add_to_origin,
            "Slug": slug,
        }
        for rival, value in rivals.items():
            if value:
                raise MetadataError("metadata.mixed_kinds", other=rival)


def read_entry(data: bytes, *, max_size: int = MAX_SIZE) -> Entry:
    """Read an Atom entry. Raises :class:`MetadataError`: those of ``xml.parse``, ``metadata.create_and_add``,
    ``metadata.origin_url`` and ``reference.*``.
    """
    root = parse(data, max_size=max_size)
    create_origin, add_to_origin = _origin(root, "create_origin"), _origin(root, "add_to_origin")
    if create_origin and add_to_origin:
        raise MetadataError("metadata.create_and_add")
    notes = [element.text for element in _codemeta(root, "releaseNotes") if element.text]
    return Entry(
        document=data,
        is_empty=len(root) == 0,
        title=_first(map(_text, _titles(root))),
        authors=tuple(_authors(root)),
        create_origin=create_origin,
        add_to_origin=add_to_origin,
        reference=_reference(root),
        provenance_url=_first(map(_text, root.iterfind(_PROVENANCE))),
        software_version=_first(map(_text, _codemeta(root, "softwareVersion"))),
        release_notes="\n\n".join(notes) or None,
        first_release_notes=_first([*notes, *(note.text or "" for note in root.iterchildren(_SCHEMA_NOTES))]),
        date_created=_date(root, "dateCreated"),
        date_published=_date(root, "datePublished"),
        dublin_core=tuple(
            (local_name(term), "".join(map(str, term.itertext())).strip())
            for term in root.iterchildren(f"{{{DCTERMS}}}*")
        ),
        files=tuple(
            FileLink(
                href=(link.get("href") or "").strip(),
                media_type=link.get("type") or "",
                name=link.get("title") or "",
            )
            for link in root.iterchildren(f"{{{ATOM}}}link")
            if link.get("rel") == BY_REFERENCE
        ),
    )


def _origin(root: etree._Element, intent: str) -> str | None:
    """The origin URL of create_origin or add_to_origin; None where there is none (the checks say what is
    missing).
    """
    element = root.find(f"{_DEPOSIT}deposit/{_DEPOSIT}{intent}/{_DEPOSIT}origin")
    return None if element is None else _url(element)


def _url(origin: etree._Element) -> str:
    url = (origin.get("url") or "").strip()
    if not url:
        raise MetadataError("metadata.origin_url", line=origin.sourceline)
    return url


def _reference(root: etree._Element) -> Reference | None:
    element = root.find(f"{_DEPOSIT}deposit/{_DEPOSIT}reference")
    if element is None:
        return None
    if len(element) != 1 or element[0].tag not in (f"{_DEPOSIT}object", f"{_DEPOSIT}origin"):
        raise MetadataError("reference.target", line=element.sourceline)
    target = element[0]
    if target.tag == f"{_DEPOSIT}origin":
        return OriginReference(url=_url(target))
    swhid = (target.get("swhid") or "").strip()
    if not swhid:
        raise MetadataError("reference.swhid_missing", line=target.sourceline)
    return read_swhid(swhid)


def _codemeta(root: etree._Element, name: str) -> Iterator[etree._Element]:
    """Direct children of that CodeMeta name in either version, in document order."""
    return root.iterchildren(*(f"{{{version}}}{name}" for version in CODEMETA))


def _titles(root: etree._Element) -> Iterator[etree._Element]:
    yield from root.iterchildren(f"{{{ATOM}}}title")
    yield from _codemeta(root, "name")
    yield from root.iterchildren(f"{{{ATOM}}}name")


def _authors(root: etree._Element) -> Iterator[Author]:
    """Persons with a name; Atom and CodeMeta authors in document order."""
    for author in root.iterchildren(f"{{{ATOM}}}author", *(f"{{{version}}}author" for version in CODEMETA)):
        own = namespace(author)
        name = _text(author.find(f"{{{own}}}name"))
        if name:
            yield Author(name, _text(author.find(f"{{{own}}}email")))


def _date(root: etree._Element, name: str) -> datetime | None:
    element = next(_codemeta(root, name), None)
    return None if element is None else parse_date(element.text)


def _text(element: etree._Element | None) -> str:
    return "" if element is None or is_blank(element.text) else (element.text or "").strip()


def _first(texts: Iterable[str]) -> str | None:
    """The first text that is not empty."""
    return next(filter(None, texts), None)
