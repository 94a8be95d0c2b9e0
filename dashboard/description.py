"""What a deposit's metadata says that only people read: its licences, and the form it could be sent again with."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _
from lxml import etree

from client.description.files import Description
from client.description.node import first, labels, texts
from deposit.metadata.entry import Entry
from deposit.metadata.entry_tree import tree_of
from deposit.metadata.exports import work
from deposit.metadata.exports.work import Person, identifiers, people
from deposit.metadata.namespaces import ATOM, CODEMETA
from deposit.metadata.xml import parse
from deposit.models import Deposit

_WHOLE_DAY = re.compile(r"\d{4}-\d\d-\d\d")
# People beside the authors, by what they are.
_OTHERS = (
    (_("Contributor"), "contributor"),
    (_("Maintainer"), "maintainer"),
    (_("Editor"), "editor"),
    (_("Publisher"), "publisher"),
    (_("Copyright holder"), "copyrightHolder"),
)


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence as the metadata names it; ``url`` is empty where it gives no address for the web."""

    name: str
    url: str


def licences_of(entry: Entry) -> list[Licence]:
    """The licences, as they are named, in document order."""
    return list(_licences(parse(entry.document)))


@dataclass(frozen=True, slots=True)
class Facts:
    """What else a description says, for its page. ``dates`` are as written, in the precision given."""

    authors: list[Person]
    others: list[tuple[str, Person]]
    titles: list[str]
    description: str
    keywords: list[str]
    identifiers: list[str]
    dates: list[tuple[str, str]]
    addresses: list[tuple[str, str]]
    funding: list[str]
    publications: list[str]


def facts_of(entry: Entry) -> Facts:
    """What people may want to know of a description beside its title and licences."""
    node = tree_of(parse(entry.document))
    funding = [*labels(node, "funding"), *labels(node, "funder")]
    dates = ((_("Created"), "dateCreated"), (_("Published"), "datePublished"), (_("Changed"), "dateModified"))
    addresses = (
        (_("Repository"), "codeRepository"),
        (_("Web page"), "url"),
        (_("Issues"), "issueTracker"),
    )
    return Facts(
        authors=people(node, "author"),
        others=[(str(label), each) for label, term in _OTHERS for each in people(node, term)],
        titles=[each for each in texts(node, "name") if each != entry.title],
        description=first(node, "description"),
        keywords=texts(node, "keywords"),
        identifiers=identifiers(node),
        dates=[(str(label), first(node, term)) for label, term in dates if first(node, term)],
        addresses=[(str(label), first(node, term)) for label, term in addresses if first(node, term)],
        funding=list(dict.fromkeys(funding)),
        publications=[*labels(node, "referencePublication")],
    )


def form_of(deposit: Deposit, entry: Entry) -> dict[str, str]:
    """The fields of the upload form that would describe the same thing again."""
    root = parse(entry.document)
    fields = {
        "collection": deposit.collection.name,
        "title": entry.title or "",
        "authors": "\n".join(
            dict.fromkeys(
                f"{author.name} <{author.email}>" if author.email else author.name for author in entry.authors
            )
        ),
        "version": entry.software_version or "",
        "licence": next((licence.name for licence in _licences(root)), ""),
        "description": next(_texts(root, "description"), ""),
        "keywords": ", ".join(_texts(root, "keywords")),
        "repository": next(_texts(root, "codeRepository"), ""),
        "date": entry.date_published.date().isoformat() if entry.date_published else "",
        "slug": deposit.external_id or "",
    }
    return {name: value for name, value in fields.items() if value}


FIELDS_OF_PACKAGES = (
    "title",
    "authors",
    "version",
    "licence",
    "description",
    "keywords",
    "repository",
    "date",
)


def form_of_package(description: Description) -> dict[str, tuple[str, str]]:
    """The fields of the upload form that a package's own files fill, each with the file that says it.

    A field may say less than the file does: who leaves it as it is does not send it, so that nothing is lost.
    """
    node = description.node
    published = first(node, "datePublished")
    fields = {
        "title": ("name", first(node, "name")),
        "authors": ("author", "\n".join(_line(each) for each in people(node, "author"))),
        "version": ("softwareVersion", first(node, "softwareVersion", "version")),
        "licence": ("license", ", ".join(each.spdx or each.name for each in work.licences_of(node))),
        "description": ("description", first(node, "description")),
        "keywords": ("keywords", ", ".join(work.keywords(node))),
        "repository": ("codeRepository", first(node, "codeRepository")),
        "date": ("datePublished", published if _WHOLE_DAY.fullmatch(published) else ""),
    }
    return {
        name: (value, description.sources.get(term, ""))
        for name, (term, value) in fields.items()
        if value.strip()
    }


def _line(person: Person) -> str:
    orcid = f" {person.orcid}" if person.orcid else ""
    return f"{person.name}{orcid}" + (f" <{person.email}>" if person.email else "")


def _licences(root: etree._Element) -> Iterator[Licence]:
    for element in _children(root, "license"):
        url = next(_texts(element, "url"), "")
        name = next(_texts(element, "name"), "") or (element.text or "").strip() or url
        if not url and name.startswith(("https://", "http://")):
            url = name
        if name:
            yield Licence(name, url if url.startswith(("https://", "http://")) else "")


def _texts(element: etree._Element, name: str) -> Iterator[str]:
    """The texts of the CodeMeta children of that name that have one."""
    texts = ((child.text or "").strip() for child in _children(element, name))
    return (text for text in texts if text)


def _children(element: etree._Element, name: str) -> Iterator[etree._Element]:
    return element.iterchildren(*(f"{{{namespace}}}{name}" for namespace in (*CODEMETA, ATOM)))
