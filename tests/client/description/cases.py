"""All files as people and tools write them, with what must come out."""

from tests.client.description.case import Case
from tests.client.description.citation_cases import CITATIONS
from tests.client.description.codemeta_cases import CODEMETA
from tests.client.description.hostile_files import HOSTILE
from tests.client.description.other_cases import OTHERS

CASES = [*CODEMETA, *CITATIONS, *OTHERS]

__all__ = ["CASES", "HOSTILE", "Case"]
