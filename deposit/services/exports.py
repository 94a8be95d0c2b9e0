"""The metadata of a deposit in the formats that others read."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from client.description.node import Node, Value
from deposit.actors import Actor
from deposit.metadata.entry import Entry
from deposit.metadata.entry_tree import tree_of
from deposit.metadata.errors import MetadataError
from deposit.metadata.exports.bibtex import bibtex
from deposit.metadata.exports.cff import cff
from deposit.metadata.exports.codemeta import codemeta
from deposit.metadata.exports.datacite import datacite
from deposit.metadata.exports.dublin_core import dublin_core
from deposit.metadata.exports.work import Work
from deposit.metadata.xml import parse
from deposit.models import Deposit
from deposit.permissions import Operation, deposit_to, may
from deposit.refusals import Kind, Refusal
from deposit.services.deposits import effective_entry


class Format(NamedTuple):
    """How a work is written, its media type, and the name of the file."""

    write: Callable[[Work], str | bytes]
    content_type: str
    file_name: str


FORMATS = {
    "citation.bib": Format(bibtex, "application/x-bibtex; charset=utf-8", "deposit-{number}.bib"),
    "CITATION.cff": Format(cff, "application/yaml; charset=utf-8", "CITATION.cff"),
    "codemeta.json": Format(codemeta, "application/ld+json", "codemeta.json"),
    "datacite.json": Format(
        datacite, "application/vnd.datacite.datacite+json", "deposit-{number}-datacite.json"
    ),
    "dublin-core.xml": Format(dublin_core, "application/xml", "deposit-{number}-dublin-core.xml"),
}


class Exported(NamedTuple):
    """A file, and how to send it."""

    content: str | bytes
    content_type: str
    file_name: str


def exported(actor: Actor, deposit_id: int, name: str) -> Exported:
    """The metadata of a deposit that the actor may read the archived files of, in a format of `FORMATS`.

    Whoever may not read what was sent is told no e-mail addresses. Raises `Refusal`, and `KeyError` for other names.
    """
    chosen = FORMATS[name]
    deposit = deposit_to(actor, Operation.READ_ARCHIVED, deposit_id)
    entry = entry_to_cite(deposit)
    if entry is None:
        raise Refusal(
            Kind.NOT_FOUND,
            "citation.none",
            "There is nothing to cite yet.",
            "A deposit can be cited once it is done and has an identifier.",
        )
    work = work_of(deposit, entry, emails=may(actor, Operation.READ_CONTENT, deposit))
    return Exported(chosen.write(work), chosen.content_type, chosen.file_name.format(number=deposit_id))


def entry_to_cite(deposit: Deposit) -> Entry | None:
    """What describes a deposit that can be cited; None while it has no identifier, or nothing that can be read."""
    try:
        return effective_entry(deposit) if deposit.swhid else None
    except MetadataError:
        return None


def citation_of(deposit: Deposit) -> str:
    """A deposit as literature has it, in one sentence; of one that describes itself badly what is known besides."""
    try:
        entry = effective_entry(deposit)
        if entry is not None:
            return sentence(deposit, entry, work_of(deposit, entry))
    except MetadataError:
        pass
    title = deposit.title or deposit.package_name or f"Deposit {deposit.pk}"
    return f"{title}. {deposit.swhid}" if deposit.swhid else f"{title}."


def sentence(deposit: Deposit, entry: Entry, work: Work) -> str:
    """The citation of a work: people (year). Title, version. Identifier."""
    told = f"{_people(names_of(entry))} ({work.published[:4]}). {work.title}"
    told += f", version {work.version}" if work.version else ""
    return f"{told}. {deposit.swhid}" if deposit.swhid else f"{told}."


def names_of(entry: Entry) -> list[str]:
    """The authors' names, each once: clients say them in Atom and in CodeMeta."""
    return list(dict.fromkeys(author.name for author in entry.authors))


def _people(authors: Sequence[str]) -> str:
    if len(authors) > 3:
        return f"{authors[0]} et al."
    return ", ".join(authors)


def work_of(deposit: Deposit, entry: Entry, *, emails: bool = True) -> Work:
    """A deposit as the exports want it."""
    node = tree_of(parse(entry.document))
    return Work(
        key=f"deposit{deposit.pk}",
        node=node if emails else _without_emails(node),
        title=entry.title or deposit.package_name or f"Deposit {deposit.pk}",
        version=deposit.software_version or "",
        swhid=deposit.swhid or "",
        context=deposit.swhid_context or "",
        origin=deposit.origin_url or "",
        date=deposit.complete_date.date().isoformat() if deposit.complete_date else "",
        publisher=deposit.collection.title or deposit.collection.name,
    )


def _without_emails(node: Node) -> Node:
    def kept(value: Value) -> Value:
        return _without_emails(value) if isinstance(value, dict) else value

    return {term: [kept(value) for value in values] for term, values in node.items() if term != "email"}
