"""How to cite a deposit, as a sentence and in BibTeX."""

from dataclasses import dataclass

from deposit.metadata.entry import Entry
from deposit.metadata.exports.bibtex import bibtex
from deposit.models import Deposit
from deposit.services.exports import names_of, sentence, work_of

__all__ = ["Citation", "cite", "names_of"]


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
    return Citation(sentence=sentence(deposit, entry, work), bibtex=bibtex(work))
