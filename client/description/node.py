"""A description as a tree: terms with lists of texts and nodes.

The name of a term is CodeMeta's (``author``), ``schema:`` and a name of schema.org that CodeMeta does not have, or the
whole IRI of another vocabulary. ``id`` and ``type`` are JSON-LD's.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias


class Text(NamedTuple):
    """A text, with its language (BCP 47) where it is known."""

    value: str
    language: str = ""


Node: TypeAlias = dict[str, list["Text | Node"]]
Value: TypeAlias = Text | Node


class Unreadable(Exception):
    """A file that cannot be read; the text says why, for the person who wrote the file."""


@dataclass(slots=True)
class Notes:
    """What was left out or taken for something else, sentence by sentence; ``refused``: what nothing can keep."""

    said: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def say(self, sentence: str) -> None:
        """Note a sentence, once; the first hundred are kept."""
        if sentence not in self.said and len(self.said) < 100:
            self.said.append(sentence)

    def refuse(self, sentence: str) -> None:
        """Note that something was left out that a person has to mend."""
        if sentence not in self.refused and len(self.refused) < 100:
            self.refused.append(sentence)


def texts(node: Node, *terms: str) -> list[str]:
    """The texts of these terms, in order."""
    return [value.value for term in terms for value in node.get(term, ()) if isinstance(value, Text)]


def first(node: Node, *terms: str) -> str:
    """The first text of these terms; empty where there is none."""
    return next(iter(texts(node, *terms)), "")


def nodes(node: Node, *terms: str) -> list[Node]:
    """The nodes of these terms, in order."""
    return [value for term in terms for value in node.get(term, ()) if not isinstance(value, Text)]


def labels(node: Node, *terms: str) -> Iterator[str]:
    """What the values of these terms are called: their text, or the name, else the address, of a node."""
    for term in terms:
        for value in node.get(term, ()):
            said = value.value if isinstance(value, Text) else first(value, "name", "url", "id")
            if said:
                yield said


def shown(text: str) -> str:
    """A text as it may stand in a sentence: on one line, quoted, 80 characters, nothing that does not print."""
    line = " ".join(text.split())
    line = line if len(line) <= 80 else line[:79] + "…"
    return "'" + "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in line) + "'"
