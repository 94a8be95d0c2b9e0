"""Where an element stands in its document, for people: ``entry/codemeta:author[2]/codemeta:name, line
14``.
"""

from lxml import etree

from deposit.metadata.namespaces import PREFIXES

_NAME_SHOWN = 60


def local_name(element: etree._Element) -> str:
    """The name of an element without its namespace."""
    return etree.QName(element).localname


def namespace(element: etree._Element) -> str:
    """The namespace of an element, empty where it has none."""
    return etree.QName(element).namespace or ""


def known_name(element: etree._Element) -> str:
    """The name with the prefix people know it by, whatever prefix the document uses; cut at 60 characters."""
    prefix = PREFIXES.get(namespace(element))
    if prefix is None:
        prefix = f"{element.prefix}:" if element.prefix else ""
    name = prefix + local_name(element)
    return name if len(name) <= _NAME_SHOWN else name[: _NAME_SHOWN - 1] + "…"


class Places:
    """Writes the places of elements; siblings are counted once per parent, so many findings stay cheap."""

    def __init__(self) -> None:
        self._ranks: dict[etree._Element, dict[etree._Element, str]] = {}

    def place(self, element: etree._Element) -> str:
        """Path from the root and line number."""
        return f"{self._path(element)}, line {element.sourceline}"

    def _path(self, element: etree._Element) -> str:
        steps = []
        step: etree._Element | None = element
        while step is not None:
            parent = step.getparent()
            steps.append(known_name(step) + ("" if parent is None else self._rank(parent, step)))
            step = parent
        return "/".join(reversed(steps))

    def _rank(self, parent: etree._Element, child: etree._Element) -> str:
        """``[n]`` where the parent has several children of that name, else nothing."""
        ranks = self._ranks.get(parent)
        if ranks is None:
            ranks = self._ranks[parent] = _ranks(parent)
        return ranks[child]


def _ranks(parent: etree._Element) -> dict[etree._Element, str]:
    groups: dict[str, list[etree._Element]] = {}
    for child in parent:
        groups.setdefault(str(child.tag), []).append(child)
    return {
        child: f"[{number}]" if len(group) > 1 else ""
        for group in groups.values()
        for number, child in enumerate(group, start=1)
    }
