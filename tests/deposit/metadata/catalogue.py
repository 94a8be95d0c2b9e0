"""Writes the documents' section of ``docs/reference/hostile-input.md`` from the cases themselves.

    python -m tests.deposit.metadata.catalogue

rewrites it; a test compares it.
"""

from pathlib import Path

from tests.deposit.metadata.hostile_cases import ACCEPTED, CASES, GROUPS
from tests.packages.catalogue import section_of

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "hostile-input.md"


def documents_table() -> str:
    """One line per case, by what they try."""
    accepted = sum(case.verdict == ACCEPTED for case in CASES)
    lines = [
        f"{len(CASES)} documents: {accepted} are accepted, {len(CASES) - accepted} refused.",
        "",
        "| about | case | verdict |",
        "| --- | --- | --- |",
    ]
    for group, cases in GROUPS.items():
        for case in cases:
            verdict = case.verdict if case.verdict == ACCEPTED else f"`{case.verdict}`"
            lines.append(f"| {group} | {case.name} | {verdict} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    page = PAGE.read_text()
    start, end = section_of(page, "documents")
    PAGE.write_text(page[:start] + documents_table() + page[end:])


if __name__ == "__main__":
    main()
