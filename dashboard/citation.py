"""How to cite a deposit: as a sentence, and in the formats that others read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from deposit.metadata.entry import Entry
from deposit.metadata.entry_tree import tree_of
from deposit.metadata.exports.bibtex import bibtex
from deposit.metadata.exports.cff import cff
from deposit.metadata.exports.codemeta import codemeta
from deposit.metadata.exports.datacite import datacite
from deposit.metadata.exports.dublin_core import dublin_core
from deposit.metadata.exports.work import Work
from deposit.metadata.xml import parse
from deposit.models import Deposit


class Export(NamedTuple):
    """A format: how a work is written in it, its media type, and the name of the file."""

    write: Callable[[Work], str | bytes]
    content_type: str
    file_name: str


EXPORTS = {
    "citation.bib": Export(bibtex, "application/x-bibtex; charset=utf-8", "deposit-{number}.bib"),
    "CITATION.cff": Export(cff, "application/yaml; charset=utf-8", "CITATION.cff"),
    "codemeta.json": Export(codemeta, "application/ld+json", "codemeta.json"),
    "datacite.json": Export(
        datacite, "application/vnd.datacite.datacite+json", "deposit-{number}-datacite.json"
    ),
    "dublin-core.xml": Export(dublin_core, "application/xml", "deposit-{number}-dublin-core.xml"),
}


@dataclass(frozen=True, slots=True)
class Citation:
    """A deposit as literature has it."""

    sentence: str
    bibtex: str


def cite(deposit: Deposit, entry: Entry) -> Citation | None:
    """The citation of a deposit that is in the archive; None while it has no identifier."""
    if not deposit.swhid:
        return None
    work = work_of(deposit, entry)
    told = f"{_people(names_of(entry))} ({work.published[:4]}). {work.title}"
    told += f", version {work.version}" if work.version else ""
    return Citation(sentence=f"{told}. {deposit.swhid}", bibtex=bibtex(work))


def work_of(deposit: Deposit, entry: Entry) -> Work:
    """A deposit as the exports want it."""
    return Work(
        key=f"deposit{deposit.pk}",
        node=tree_of(parse(entry.document)),
        title=entry.title or deposit.package_name or f"Deposit {deposit.pk}",
        version=deposit.software_version or "",
        swhid=deposit.swhid or "",
        context=deposit.swhid_context or "",
        origin=deposit.origin_url or "",
        date=deposit.complete_date.date().isoformat() if deposit.complete_date else "",
        publisher=deposit.collection.title or deposit.collection.name,
    )


def names_of(entry: Entry) -> list[str]:
    """The authors' names, each once: clients say them in Atom and in CodeMeta."""
    return list(dict.fromkeys(author.name for author in entry.authors))


def _people(authors: Sequence[str]) -> str:
    if len(authors) > 3:
        return f"{authors[0]} et al."
    return ", ".join(authors)
