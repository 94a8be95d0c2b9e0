"""The table of fields on the reference page, made by reading one full file of each kind.

    python -m tests.client.description.mapping

rewrites the table; a test compares it.
"""

from collections.abc import Iterator
from pathlib import Path

from client.description.files import read_file
from client.description.node import Node, Text
from tests.client.description.full_files import FULL

PAGE = Path(__file__).resolve().parents[3] / "docs/reference/descriptions.md"
HEADING = "## What each field becomes\n"


def leaves(node: Node, above: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a tree, with the terms that lead to it."""
    for term, values in node.items():
        short = term.replace("https://citation-file-format.github.io/1.2.0/", "cff:")
        for value in values:
            if isinstance(value, Text):
                yield value.value, above + short
            else:
                yield from leaves(value, f"{above}{short}/")


def rows(kind: str) -> list[tuple[str, str]]:
    """(field of the file, terms): a full file has the name of each field in its value, as ``«field»``."""
    fields: dict[str, dict[str, None]] = {}
    document, told = FULL[kind]
    for text, term in leaves(read_file(kind, document.encode()).node):
        for field, mark in told.items():
            if mark in text:
                fields.setdefault(field, {})[term] = None
    return [(field, ", ".join(f"`{term}`" for term in fields.get(field, ()))) for field in told]


def tables() -> str:
    """The tables of all kinds, in Markdown."""
    parts = [
        HEADING,
        "The terms are CodeMeta's; `schema:` are those of schema.org, `cff:` those of CITATION.cff.\n",
    ]
    for kind in FULL:
        lines = [f"### `{kind}`\n", "| field | becomes |", "| --- | --- |"]
        lines += [f"| `{field}` | {terms or 'not kept'} |" for field, terms in rows(kind)]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def main() -> None:
    """Write the tables into the page."""
    before = PAGE.read_text(encoding="utf-8").partition(HEADING)[0]
    PAGE.write_text(before + tables(), encoding="utf-8")


if __name__ == "__main__":
    main()
