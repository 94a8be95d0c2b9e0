"""Which files describe a package, and what several of them say together."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from client.description import jsonld
from client.description.cff import read_cff
from client.description.control_files import read_pkg_info, read_r_description
from client.description.node import Node, Notes, Unreadable
from client.description.normal import normalised
from client.description.package_json import read_package_json
from client.description.python_project import read_pyproject
from client.description.readme import read_readme
from client.description.zenodo import read_zenodo


def read_codemeta(data: bytes, notes: Notes) -> Node:
    """The tree of a codemeta.json of version 2 or 3. Raises `Unreadable`."""
    return jsonld.read_tree(jsonld.loads(data), notes)


# The best first: a file that comes later only adds what the others do not say.
READERS: dict[str, Callable[[bytes, Notes], Node]] = {
    "codemeta.json": read_codemeta,
    "CITATION.cff": read_cff,
    ".zenodo.json": read_zenodo,
    "pyproject.toml": read_pyproject,
    "package.json": read_package_json,
    "DESCRIPTION": read_r_description,
    "PKG-INFO": read_pkg_info,
    "README": read_readme,
}
_SAME_NAME = {"citation.cff": "CITATION.cff", "codemeta.json": "codemeta.json"}
_README = re.compile(r"readme(?:\.(?:md|markdown|rst|txt|adoc|asciidoc|org))?", re.IGNORECASE)
# Of these, what is true of the thing and not of the file's own format is taken from one file alone.
_ONE_FILE = ("type", "id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What one or several files say. ``sources``: the files, by term; ``notes``: sentences, each with its file."""

    node: Node
    sources: Mapping[str, str]
    notes: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


def kind_of(name: str) -> str:
    """Which reader a file name means; empty for none."""
    if name in READERS:
        return name
    lower = name.lower()
    return _SAME_NAME.get(lower) or ("README" if _README.fullmatch(name) else "")


def read_file(name: str, data: bytes) -> Description:
    """What the file of that name says. Raises `Unreadable`."""
    notes = Notes()
    kind = kind_of(name)
    if not kind:
        raise Unreadable("no description has this name")
    node = normalised(READERS[kind](data, notes), notes)
    return Description(
        node=node,
        sources=dict.fromkeys(node, name),
        notes=tuple(f"{name}: {said}" for said in notes.said),
        refused=tuple(f"{name}: {said}" for said in notes.refused),
    )


def combined(files: Iterable[tuple[str, bytes]]) -> Description:
    """What several files of one package say: of each term what the best of them says. Unreadable ones are noted."""
    node: Node = {}
    sources: dict[str, str] = {}
    notes: list[str] = []
    refused: list[str] = []
    for name, data in sorted(files, key=lambda each: _rank(each[0])):
        try:
            read = read_file(name, data)
        except Unreadable as error:
            notes.append(f"{name} cannot be read: {error}")
            continue
        notes += read.notes
        refused += read.refused
        is_best = not node
        for term, values in read.node.items():
            if term not in node and (is_best or term not in _ONE_FILE):
                node[term] = values
                sources[term] = name
    return Description(node=node, sources=sources, notes=tuple(notes), refused=tuple(refused))


def _rank(name: str) -> tuple[int, str]:
    kinds = list(READERS)
    kind = kind_of(name)
    return (kinds.index(kind) if kind else len(kinds)), name
