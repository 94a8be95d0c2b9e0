"""What is sent to MuseumPlus to search a module: all entries by id, or those that changed."""

from datetime import datetime

from lxml import etree

from sources.museumplus.harvest.documents import SEARCH_NAMESPACE

_S = f"{{{SEARCH_NAMESPACE}}}"


def search_request(module: str, limit: int, offset: int, changed_since: datetime | None) -> bytes:
    """Ask for ``limit`` entries from ``offset`` on, by id; with ``changed_since`` only those changed then or later, or
    whose time of change nobody knows."""
    root = etree.Element(f"{_S}application", nsmap={None: SEARCH_NAMESPACE})  # type: ignore[dict-item]
    modules = etree.SubElement(root, f"{_S}modules")
    search = etree.SubElement(
        etree.SubElement(modules, f"{_S}module", name=module),
        f"{_S}search",
        limit=str(limit),
        offset=str(offset),
    )
    sort = etree.SubElement(search, f"{_S}sort")
    etree.SubElement(sort, f"{_S}field", fieldPath="__id", direction="Ascending")
    if changed_since is not None:
        either = etree.SubElement(etree.SubElement(search, f"{_S}expert", module=module), f"{_S}or")
        etree.SubElement(
            either, f"{_S}greaterEquals", fieldPath="__lastModified", operand=changed_since.isoformat()
        )
        etree.SubElement(either, f"{_S}isNull", fieldPath="__lastModified")
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)
