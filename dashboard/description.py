"""What a deposit's metadata says that only people read: its licences, and the form it could be sent again with."""

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from deposit.metadata.entry import Entry
from deposit.metadata.namespaces import ATOM, CODEMETA
from deposit.metadata.xml import parse
from deposit.models import Deposit


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence as the metadata names it; ``url`` is empty where it gives no address for the web."""

    name: str
    url: str


def licences_of(entry: Entry) -> list[Licence]:
    """The licences, as they are named, in document order."""
    return list(_licences(parse(entry.document)))


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
