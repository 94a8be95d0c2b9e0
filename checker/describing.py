"""The entry that a deposit gets by what its packages say about themselves."""

from dataclasses import dataclass, field

from client.description.files import Description
from deposit.findings import Finding
from deposit.metadata.entry import Entry, read_entry
from deposit.metadata.filling import Filled, filled, is_enough, notes_of


@dataclass(frozen=True, slots=True)
class Outcome:
    """The entry that the deposit has by now, whether it is a new one, and warnings that say what was taken."""

    entry: Entry | None
    is_new: bool = False
    findings: list[Finding] = field(default_factory=list)


def completed(documents: list[bytes], description: Description) -> Outcome:
    """The newest of a deposit's documents (oldest first), with what its packages add to it.

    Checked again, the same comes out: a document that is what an earlier check made is not taken for the depositor's.
    Raises `MetadataError` for a document that cannot be read.
    """
    newest = documents[-1] if documents else None
    notes = notes_of(description)
    if documents:
        base = documents[-2] if len(documents) > 1 else None
        before = _filled(base, description)
        if before is not None and before.entry.document == newest:
            return Outcome(before.entry, findings=before.findings + notes)
    now = _filled(newest, description)
    if now is not None:
        return Outcome(now.entry, is_new=True, findings=now.findings + notes)
    return Outcome(read_entry(newest) if newest is not None else None, findings=notes)


def _filled(document: bytes | None, description: Description) -> Filled | None:
    if document is None and not is_enough(description):
        return None
    return filled(read_entry(document) if document is not None else None, description)
