"""All files as people and tools write them, with what must come out."""

from tests.deposit.metadata.description.case import Case
from tests.deposit.metadata.description.citation_cases import CITATIONS
from tests.deposit.metadata.description.codemeta_cases import CODEMETA
from tests.deposit.metadata.description.hostile_files import HOSTILE
from tests.deposit.metadata.description.other_cases import OTHERS

CASES = [*CODEMETA, *CITATIONS, *OTHERS]

__all__ = ["CASES", "HOSTILE", "Case"]
