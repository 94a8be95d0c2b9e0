"""Simple Dublin Core in XML, as harvesters read it (http://www.openarchives.org/OAI/2.0/oai_dc/)."""

from collections.abc import Collection

from lxml import etree

from client.description.node import Node, Text, labels, texts
from deposit.metadata.exports.work import Person, Work, identifiers, keywords, licences_of, people

DC = "http://purl.org/dc/elements/1.1/"
OAI_DC = "http://www.openarchives.org/OAI/2.0/oai_dc/"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
# Terms of the DCMI that say the same in another way.
_WIDER = {
    "abstract": "description",
    "license": "rights",
    "issued": "date",
    "created": "date",
    "modified": "date",
}
_CONTRIBUTORS = ("contributor", "editor", "maintainer", "funder", "sponsor", "producer")


def dublin_core(work: Work) -> bytes:
    """The document. ORCID iDs and affiliations stand behind the names, for there is no other place for them."""
    node = work.node
    root = etree.Element(f"{{{OAI_DC}}}dc", nsmap={"oai_dc": OAI_DC, "dc": DC})
    names = [each for each in node.get("name", ()) if isinstance(each, Text)] or [Text(work.title)]
    descriptions = [each for each in node.get("description", ()) if isinstance(each, Text)]
    for term, values in (("title", names), ("description", descriptions)):
        for value in values:
            element = _add(root, term, value.value)
            if value.language and element is not None:
                element.set(_LANGUAGE, value.language)
    for person in people(node, "author"):
        last = " ".join(filter(None, (person.particle, person.family, person.suffix)))
        name = f"{last}, {person.given}" if person.family and person.given else person.name
        _add(root, "creator", _with_more(name, person))
    simple = {
        "contributor": [each.name for term in _CONTRIBUTORS for each in people(node, term)],
        "publisher": [each.name for each in people(node, "publisher")] or [work.publisher],
        "subject": keywords(node),
        "date": [work.published],
        "type": ["Dataset" if "Dataset" in texts(node, "type") else "Software"],
        "identifier": [work.swhid, *identifiers(node)],
        "source": [work.origin, *texts(node, "codeRepository")],
        "relation": [*labels(node, "referencePublication", "isPartOf")],
        "rights": [
            said for each in licences_of(node) for said in dict.fromkeys((each.spdx or each.name, each.url))
        ],
    }
    for term, said in simple.items():
        for text in dict.fromkeys(filter(None, said)):
            _add(root, term, text)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8", pretty_print=True)


def terms_of(node: Node, *, said: Collection[str]) -> list[tuple[str, str]]:
    """What a description says in the terms of the DCMI, but for those that are ``said`` already.

    See https://www.dublincore.org/specifications/dublin-core/dcmi-terms/.
    """
    found = {
        "creator": [_with_more(each.name, each) for each in people(node, "author")],
        "contributor": [_with_more(each.name, each) for term in _CONTRIBUTORS for each in people(node, term)],
        "publisher": [each.name for each in people(node, "publisher")],
        "abstract": texts(node, "description"),
        "subject": keywords(node),
        "hasVersion": texts(node, "softwareVersion"),
        "created": texts(node, "dateCreated"),
        "issued": texts(node, "datePublished"),
        "modified": texts(node, "dateModified"),
        "license": [each.spdx or each.url or each.name for each in licences_of(node)],
        "identifier": identifiers(node),
        "source": texts(node, "codeRepository"),
        "isReferencedBy": list(labels(node, "referencePublication")),
    }
    return [
        (term, text)
        for term, texts_of_term in found.items()
        if term not in said and _WIDER.get(term) not in said
        for text in dict.fromkeys(filter(None, texts_of_term))
    ]


def _with_more(name: str, person: Person) -> str:
    """A name with what has no other place: the ORCID iD and affiliations."""
    orcid = f"https://orcid.org/{person.orcid}" if person.orcid else ""
    told = "; ".join(filter(None, (orcid, *(name for name, _ in person.affiliations))))
    return f"{name} ({told})" if told else name


def _add(root: etree._Element, term: str, text: str) -> etree._Element | None:
    if not text:
        return None
    element = etree.SubElement(root, f"{{{DC}}}{term}")
    element.text = text
    return element
