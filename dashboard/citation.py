"""How to cite a deposit, as a sentence and in BibTeX."""

from collections.abc import Sequence
from dataclasses import dataclass

from deposit.metadata.entry import Entry
from deposit.metadata.exports.bibtex import bibtex
from deposit.models import Deposit
from deposit.services.exports import work_of


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


def names_of(entry: Entry) -> list[str]:
    """The authors' names, each once: clients say them in Atom and in CodeMeta."""
    return list(dict.fromkeys(author.name for author in entry.authors))


def _people(authors: Sequence[str]) -> str:
    if len(authors) > 3:
        return f"{authors[0]} et al."
    return ", ".join(authors)
