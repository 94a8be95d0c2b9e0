"""The Atom entry of a deposit for which nobody has written one: a title and an author, the least that describes it."""

from lxml import etree

from deposit.metadata.entry import Entry, read_entry
from deposit.metadata.namespaces import ATOM, DEPOSIT, SCHEMA_ORG

# Who made up such an entry (RFC 4287, section 4.2.4): what the package itself says is better than its title and author.
_GENERATOR = "deposit-server"


def entry_for(*, title: str, author: str, provenance: str = "") -> Entry:
    """An entry with these; ``provenance`` is the address of who says so. What does not print becomes "?"."""
    root = etree.Element(f"{{{ATOM}}}entry", nsmap={None: ATOM})  # type: ignore[dict-item]
    etree.SubElement(root, f"{{{ATOM}}}title").text = _xml_text(title)
    etree.SubElement(root, f"{{{ATOM}}}generator").text = _GENERATOR
    person = etree.SubElement(root, f"{{{ATOM}}}author")
    etree.SubElement(person, f"{{{ATOM}}}name").text = _xml_text(author)
    if provenance:
        deposit = etree.SubElement(root, f"{{{DEPOSIT}}}deposit", nsmap={"swh": DEPOSIT})
        told = etree.SubElement(deposit, f"{{{DEPOSIT}}}metadata-provenance")
        etree.SubElement(told, f"{{{SCHEMA_ORG}}}url", nsmap={"schema": SCHEMA_ORG}).text = _xml_text(
            provenance
        )
    return read_entry(etree.tostring(root, xml_declaration=True, encoding="utf-8"))


def is_stand_in(root: etree._Element) -> bool:
    """Whether an entry was made by `entry_for`, because nobody had written one."""
    return root.findtext(f"{{{ATOM}}}generator") == _GENERATOR


def without_stand_in(root: etree._Element, *, title: bool, author: bool) -> None:
    """Take the title or the author that was made up out of an entry."""
    for name, drop in (("title", title), ("author", author)):
        for element in root.findall(f"{{{ATOM}}}{name}") if drop else ():
            root.remove(element)


def _xml_text(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text).strip() or "-"
