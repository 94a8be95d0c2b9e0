"""``metadata/metadata.csv``: Dublin Core for the whole transfer, taken from the deposit's metadata."""

import csv
import io
from collections.abc import Iterable

# The fifteen elements of Dublin Core, and qualified terms that stand for one of them.
_ELEMENTS = frozenset(
    {"contributor", "coverage", "creator", "date", "description", "format", "identifier", "language"}
    | {"publisher", "relation", "rights", "source", "subject", "title", "type"}
)
_REFINED = {
    "abstract": "description",
    "accessRights": "rights",
    "alternative": "title",
    "available": "date",
    "bibliographicCitation": "identifier",
    "created": "date",
    "dateAccepted": "date",
    "dateCopyrighted": "date",
    "dateSubmitted": "date",
    "extent": "format",
    "hasPart": "relation",
    "hasVersion": "relation",
    "isFormatOf": "relation",
    "isPartOf": "relation",
    "isReferencedBy": "relation",
    "isReplacedBy": "relation",
    "isRequiredBy": "relation",
    "isVersionOf": "relation",
    "issued": "date",
    "license": "rights",
    "medium": "format",
    "modified": "date",
    "provenance": "description",
    "references": "relation",
    "replaces": "relation",
    "requires": "relation",
    "rightsHolder": "rights",
    "spatial": "coverage",
    "tableOfContents": "description",
    "temporal": "coverage",
    "valid": "date",
}


def element_of(term: str) -> str | None:
    """The Dublin Core element that a dcterms term is, or refines; None for another term."""
    return term if term in _ELEMENTS else _REFINED.get(term)


def metadata_csv(terms: Iterable[tuple[str, str]]) -> bytes | None:
    """The file for (term, text) pairs, in their order and each once; None when nothing can be said.

    One row, for ``objects/``; an element with several values has a column for each.
    """
    told = [
        (element, " ".join(text.split()))
        for term, text in terms
        if (element := element_of(term)) and text.strip()
    ]
    columns = list(dict.fromkeys(told))
    if not columns:
        return None
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["filename", *(f"dc.{element}" for element, _ in columns)])
    writer.writerow(["objects/", *(text for _, text in columns)])
    return file.getvalue().encode()
