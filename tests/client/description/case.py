"""One file with what must come out of it: the same for the server and for the client.

Values are compared as plain data: lists of one are their only member, and texts without a language are strings.
"""

import json
from dataclasses import dataclass
from typing import Any

CONTEXT_2 = "https://doi.org/10.5063/schema/codemeta-2.0"
CONTEXT_3 = "https://w3id.org/codemeta/3.0"
ORCID = "https://orcid.org/0000-0002-1825-0097"


@dataclass(frozen=True)
class Case:
    """A file, the terms that must come out of it, and words that must be in its notes (all of them, in order)."""

    id: str
    name: str
    data: bytes
    expected: dict[str, Any]
    notes: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


def codemeta(id: str, document: Any, expected: dict[str, Any], *notes: str, **more: Any) -> Case:
    """A codemeta.json in the context of version 2, unless it has one of its own."""
    if isinstance(document, dict) and "@context" not in document:
        document = {"@context": CONTEXT_2, "@type": "SoftwareSourceCode", **document}
    return Case(id, "codemeta.json", json.dumps(document).encode(), expected, notes, **more)


def file(id: str, name: str, text: str, expected: dict[str, Any], *notes: str, **more: Any) -> Case:
    """A file of any kind, in UTF-8."""
    return Case(id, name, text.encode(), expected, notes, **more)


PERSON = {"type": "Person", "name": "G F", "givenName": "G", "familyName": "F"}
WITH_ORCID = {"id": ORCID, **PERSON}
