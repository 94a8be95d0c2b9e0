"""CITATION.cff, version 1.2.0 (https://doi.org/10.5281/zenodo.5171937): what the format has a field for."""

import re
from typing import Any

import yaml

from client.description.cff import NOT_KEPT
from client.description.node import Node, Text, Value, first, nodes, texts
from client.description.vocabulary import CFF
from deposit.metadata.exports.work import Person, Work, doi_of, identifiers, keywords, licences_of, people

_MESSAGE = "If you use this software, please cite it as below."
# Fields of the file that CodeMeta lacks, and those of works that are cited; those that are lists.
_OWN = ("commit", "repository", "repository-artifact", "contact")
_LISTS = frozenset(
    ("contact", "editors-series", "languages", "patent-states", "recipients", "senders", "translators")
)
_WHOLE_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_SWHID = re.compile(r"swh:1:(?:cnt|dir|rel|rev|snp):[0-9a-f]{40}(?:;.*)?")
_TYPES = {
    "ScholarlyArticle": "article",
    "SoftwareSourceCode": "software",
    "Book": "book",
    "Dataset": "data",
    "Thesis": "thesis",
}


def cff(work: Work) -> str:
    """The file. A date without a day is told in a comment, for the format has whole days only."""
    node = work.node
    document: dict[str, Any] = {
        "cff-version": "1.2.0",
        "message": first(node, f"{CFF}message") or _MESSAGE,
        "type": "dataset" if "Dataset" in texts(node, "type") else "software",
        "title": work.title,
        **_work(node, version=work.version, fallback=work.title),
    }
    date = first(node, "datePublished") or work.made
    if _WHOLE_DAY.match(date):
        document["date-released"] = date[:10]
    document |= {name: _kept(node[CFF + name], name) for name in _OWN if CFF + name in node}
    if work.origin:
        document.setdefault("repository-artifact", work.origin)
    if work.swhid:
        known = document.setdefault("identifiers", [])
        known += (
            []
            if any(each["value"] == work.swhid for each in known)
            else [{"type": "swh", "value": work.swhid}]
        )
    preferred = nodes(node, "referencePublication")
    if preferred:
        document["preferred-citation"] = _reference(preferred[0])
    cited = [*preferred[1:], *nodes(node, "citation")]
    if cited:
        document["references"] = [_reference(each) for each in cited]
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
    return (
        text
        if "date-released" in document or not date
        else f"# date-released: {date} (not a whole day)\n{text}"
    )


def _work(node: Node, *, version: str, fallback: str) -> dict[str, Any]:
    """What a file and a work that is cited say alike."""
    licences = [each for each in licences_of(node) if each.spdx]
    # The list is of identifiers; an expression is none of them.
    simple = [each.spdx for each in licences if " " not in each.spdx]
    others = [each.url for each in licences_of(node) if each.url and not each.spdx]
    others += [each.name for each in licences if " " in each.spdx and not each.url] if not simple else []
    found = {
        "abstract": first(node, "description"),
        "version": version,
        "keywords": keywords(node),
        "license": (simple[0] if len(simple) == 1 else simple) or None,
        "license-url": next((each for each in others if each.startswith("http")), None),
        "url": first(node, "url"),
        "repository-code": first(node, "codeRepository"),
        "doi": doi_of(node),
        "identifiers": _identifiers(node),
        "authors": [_agent(each) for each in people(node, "author")] or [{"name": fallback}],
    }
    return {name: value for name, value in found.items() if value}


def _identifiers(node: Node) -> list[dict[str, str]]:
    doi = doi_of(node)
    found = []
    for each in identifiers(node):
        value = each.removeprefix("https://doi.org/")
        if value != doi:
            kind = "doi" if value != each else "swh" if _SWHID.fullmatch(each) else ""
            kind = kind or ("url" if each.startswith(("https://", "http://")) else "other")
            found.append({"type": kind, "value": value})
    return found


def _agent(person: Person) -> dict[str, str]:
    affiliation = "; ".join(name for name, _ in person.affiliations)
    shared = {
        "alias": person.alias,
        "email": person.email,
        "orcid": f"https://orcid.org/{person.orcid}" if person.orcid else "",
        "website": person.web,
    }
    if person.is_organisation or not (person.family or person.given):
        only_alias = person.alias == person.name and not person.is_organisation
        found = {"name": "" if only_alias else person.name, **shared}
        if affiliation and not person.is_organisation:
            found |= {"affiliation": affiliation, "alias": person.alias or person.name, "name": ""}
    else:
        found = {
            "family-names": person.family,
            "given-names": person.given,
            "name-particle": person.particle,
            "name-suffix": person.suffix,
            "affiliation": affiliation,
            **shared,
        }
    return {name: value for name, value in found.items() if value}


def _reference(node: Node) -> dict[str, Any]:
    """A work that is cited, with the fields of its own that a CITATION.cff gave it."""
    kinds = [_TYPES[kind] for kind in texts(node, "type") if kind in _TYPES]
    own = {
        term.removeprefix(CFF): _kept(values, term.removeprefix(CFF))
        for term, values in node.items()
        if term.startswith(CFF)
    }
    title = first(node, "name") or first(node, "id", "url") or "untitled"
    found = {
        "type": own.pop("type", None) or (kinds or ["generic"])[0],
        "title": title,
        **_work(node, version=first(node, "softwareVersion", "version"), fallback=title),
        **own,
    }
    editors = [_agent(each) for each in people(node, "editor")]
    journal = next((first(each, "name") for each in nodes(node, "isPartOf")), "")
    released = first(node, "datePublished")
    found |= {"editors": editors} if editors else {}
    found |= {"journal": journal} if journal else {}
    found |= {"date-released": released[:10]} if _WHOLE_DAY.match(released) else {}
    return found


def _kept(values: list[Value], name: str) -> Any:
    """A field of the format's own, as it was written."""
    said = [
        value.value
        if isinstance(value, Text)
        else {
            term.removeprefix(CFF): _kept(inner, term.removeprefix(CFF))
            for term, inner in value.items()
            if term.removeprefix(CFF) not in NOT_KEPT
        }
        for value in values
    ]
    return said if name in _LISTS or len(said) > 1 else said[0]
