"""Metadata from files: one that is named, or those that a folder or a package brings along."""

from collections.abc import Iterator
from pathlib import Path

from client.description.files import Description, combined, kind_of, read_file
from client.description.node import Node, Text, Unreadable, Value, first, nodes
from client.errors import UsageError
from client.metadata import Metadata, Person
from client.trees import small_files

# As much as the server reads of such a file.
_LARGEST = 1024 * 1024


def read_metadata(path: Path) -> Metadata | bytes:
    """Metadata from a file; an Atom entry (``.xml``) is passed on as it is. Raises `UsageError`."""
    try:
        document = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    name = kind_of(path.name)
    if name != "README" and _is_xml(document):
        return document
    if not name:
        name = {".cff": "CITATION.cff", ".toml": "pyproject.toml"}.get(path.suffix.lower(), "codemeta.json")
    return _read(name, document, path.name)


def from_codemeta(document: bytes) -> Metadata:
    """Read a ``codemeta.json`` of version 2 or 3. Raises `UsageError`."""
    return _read("codemeta.json", document, "codemeta.json")


def from_citation(document: bytes) -> Metadata:
    """Read a ``CITATION.cff``. Raises `UsageError`."""
    return _read("CITATION.cff", document, "CITATION.cff")


def find_metadata(path: Path) -> tuple[Metadata, str] | None:
    """What the files at the root of a folder or package say together, and their names; None without any.

    Like the server, it looks into a single folder that holds everything, too.
    """
    files = (
        _of_folder(path) if path.is_dir() else small_files(path, lambda name: bool(kind_of(name)), _LARGEST)
    )
    for root in _roots(files):
        found = {name[len(root) :]: data for name, data in files.items() if name.startswith(root)}
        found = {name: data for name, data in found.items() if kind_of(name) and data}
        if found:
            read = combined(found.items())
            return _metadata(read, b"".join(found.values())), ", ".join(sorted(found))
    return None


def _is_xml(document: bytes) -> bool:
    return document.lstrip().startswith(b"<") or document.startswith(
        (b"\xef\xbb\xbf<", b"\xff\xfe<\0", b"\xfe\xff\0<")
    )


def _roots(files: dict[str, bytes]) -> Iterator[str]:
    yield ""
    tops = {name.partition("/")[0] for name in files}
    top = f"{next(iter(tops))}/" if len(tops) == 1 else ""
    if top:
        yield top
    yield "data/"
    yield f"{top}data/"


def _of_folder(folder: Path) -> dict[str, bytes]:
    """The small files at the root of a folder, and in the only folder in it; others by their names alone."""
    files: dict[str, bytes] = {}
    children = sorted(folder.iterdir())
    for child in children:
        if child.is_dir() and len(children) == 1 and not child.is_symlink():
            files |= {f"{child.name}/{name}": data for name, data in _of_folder(child).items()}
        elif child.is_file() and kind_of(child.name) and child.stat().st_size <= _LARGEST:
            files[child.name] = child.read_bytes()
        else:
            files[child.name] = b""
    return files


def _read(kind: str, document: bytes, name: str) -> Metadata:
    try:
        read = read_file(kind, document)
    except Unreadable as error:
        raise UsageError(f"{name} cannot be read: {error}.") from error
    if not read.node:
        raise UsageError(f"{name} describes nothing.", "Write a codemeta.json or a CITATION.cff.")
    return _metadata(read, document)


def _metadata(read: Description, document: bytes) -> Metadata:
    if read.refused:
        raise UsageError(f"{read.refused[0]}, which metadata cannot.", "Take it out of the file.")
    node: dict[str, list[Value]] = dict(read.node)
    persons = tuple(_person(each) for each in nodes(read.node, "author"))
    node.pop("author", None)
    if {each for each in node.get("type", ()) if isinstance(each, Text)} == {Text("SoftwareSourceCode")}:
        node.pop("type")
    fields = {
        field: _taken(node, term)
        for field, term in (
            ("version", "softwareVersion"),
            ("description", "description"),
            ("license", "license"),
            ("date_created", "dateCreated"),
            ("date_published", "datePublished"),
            ("release_notes", "releaseNotes"),
        )
    }
    name = first(read.node, "name")
    if len(node.get("name", ())) == 1 and not any(
        each.language for each in node["name"] if isinstance(each, Text)
    ):
        node.pop("name")
    return Metadata(
        name=name,
        authors=persons,
        codemeta=node,
        codemeta_version=3 if b"codemeta/3" in document else 2,
        notes=read.notes,
        **fields,
    )


def _taken(node: dict[str, list[Value]], term: str) -> str:
    """A term that has one plain text, out of the tree; else it stays there, and the field is empty."""
    values = node.get(term, [])
    if len(values) != 1 or not isinstance(values[0], Text) or values[0].language:
        return ""
    node.pop(term)
    return values[0].value


def _person(node: Node) -> Person:
    rest: dict[str, list[Value]] = dict(node)
    orcid = _taken(rest, "id") if first(rest, "id").startswith("https://orcid.org/") else ""
    affiliations = nodes(rest, "affiliation")
    affiliation = ""
    if len(affiliations) == 1 and set(affiliations[0]) == {"name"}:
        affiliation = first(affiliations[0], "name")
        rest.pop("affiliation")
    rest.pop("name", None)
    if {each for each in rest.get("type", ()) if isinstance(each, Text)} == {Text("Person")}:
        rest.pop("type")
    return Person(
        name=first(node, "name"),
        orcid=orcid,
        email=_taken(rest, "email"),
        given_name=_taken(rest, "givenName"),
        family_name=_taken(rest, "familyName"),
        affiliation=affiliation,
        more=rest,
    )
