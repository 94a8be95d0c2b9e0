"""New metadata laid over those that a deposit has: what is said anew takes the place of the old, the rest stays."""

from dataclasses import dataclass
from xml.etree import ElementTree

from client import documents
from client.metadata import ATOM, CODEMETA_2, CODEMETA_3, DEPOSIT, PREFIXES, Metadata

# The same under two names.
_SAME = {f"{{{ATOM}}}title": "name", f"{{{ATOM}}}name": "name", f"{{{ATOM}}}author": "author"}
_ALWAYS_NEW = f"{{{ATOM}}}updated"


@dataclass(frozen=True, kw_only=True, slots=True)
class Merged:
    """``entry`` is the whole; ``changed`` has (field, before, after) for people, ``kept`` the fields that stay."""

    entry: bytes
    changed: tuple[tuple[str, str, str], ...]
    kept: tuple[str, ...]


def merge(present: bytes, new: Metadata | bytes) -> Merged:
    """Lay metadata over the entry ``present``. Raises `DepositError` for what is no entry."""
    root = documents.parse(present)
    if isinstance(new, Metadata):
        new = _completed(new, root).to_entry()
    for prefix, namespace in PREFIXES.items():
        ElementTree.register_namespace(prefix, namespace)
    before, after = _fields(root), _fields(documents.parse(new))
    changed = []
    for field, elements in after.items():
        said = _words(before.get(field, [])), _words(elements)
        if field != _ALWAYS_NEW and said[0] != said[1]:
            changed.append((_shown(field), *said))
        for element in before.get(field, []):
            root.remove(element)
        root.extend(elements)
    kept = tuple(_shown(field) for field in before if field not in after)
    document: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return Merged(entry=document, changed=tuple(changed), kept=kept)


def _completed(new: Metadata, root: ElementTree.Element) -> Metadata:
    """With the name that is there, where none is given, and in the version of CodeMeta that is there."""
    if root.find(f"{{{CODEMETA_3}}}*") is not None:
        new = new.updated(codemeta_version=3)
    titles = (root.findtext(f"{{{space}}}{name}") for space, name in ((ATOM, "title"), (CODEMETA_2, "name")))
    return new if new.name else new.updated(name=next((title for title in titles if title), ""))


def _fields(root: ElementTree.Element) -> dict[str, list[ElementTree.Element]]:
    """The elements of an entry by what they say; what swh:deposit holds counts one by one."""
    fields: dict[str, list[ElementTree.Element]] = {}
    for child in root:
        fields.setdefault(_field_of(child), []).append(child)
    return fields


def _field_of(element: ElementTree.Element) -> str:
    tag = element.tag
    if tag.startswith((f"{{{CODEMETA_2}}}", f"{{{CODEMETA_3}}}")):
        return tag.rpartition("}")[2]
    return _SAME.get(tag, tag)


def _shown(field: str) -> str:
    return "origin and provenance" if field == f"{{{DEPOSIT}}}deposit" else field.rpartition("}")[2]


def _words(elements: list[ElementTree.Element]) -> str:
    """What elements say, each once."""
    said: dict[str, None] = {}
    for element in elements:
        attributes = " ".join(value for each in element.iter() for value in each.attrib.values())
        said[" ".join(" ".join([*element.itertext(), attributes]).split())] = None
    return "; ".join(filter(None, said))
