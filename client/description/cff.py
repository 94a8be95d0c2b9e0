"""``CITATION.cff``, versions 1.0 to 1.2 (https://citation-file-format.github.io).

Fields that CodeMeta has become its terms; the others are kept under the address of the format's schema, so that a
``CITATION.cff`` that is made of the deposit has them again.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from client.description import yaml_text
from client.description.jsonld import Json, read_tree
from client.description.node import Node, Notes, Unreadable
from client.description.normal import doi_of, is_uri
from client.description.people import orcid_of

# Fields of the file and of its references, and their terms.
FIELDS = {
    "title": "name",
    "abstract": "description",
    "version": "softwareVersion",
    "date-released": "datePublished",
    "keywords": "keywords",
    "url": "url",
    "repository-code": "codeRepository",
}
# Fields of persons and entities. E-mail addresses apart, how to reach somebody by post or telephone is not archived.
PERSON = {
    "given-names": "givenName",
    "name-suffix": "schema:honorificSuffix",
    "alias": "schema:alternateName",
    "email": "email",
    "website": "url",
}
NOT_KEPT = (
    "address",
    "city",
    "country",
    "fax",
    "post-code",
    "region",
    "tel",
    "location",
    "date-start",
    "date-end",
)
# What each field is by its own rules or by its place, and therefore not said again.
_READ = {
    *FIELDS,
    "cff-version",
    "type",
    "license",
    "license-url",
    "doi",
    "identifiers",
    "authors",
    "references",
}
_TYPES = {"software": "SoftwareSourceCode", "dataset": "Dataset"}
_REFERENCE_TYPES = {
    "article": "ScholarlyArticle",
    "software": "SoftwareSourceCode",
    "software-code": "SoftwareSourceCode",
    "book": "Book",
    "data": "Dataset",
    "dataset": "Dataset",
    "thesis": "Thesis",
}


def read_cff(data: bytes, notes: Notes) -> Node:
    """The tree of a CITATION.cff. Raises `Unreadable`."""
    told = yaml_text.loads(data)
    if not isinstance(told, dict):
        raise Unreadable("it holds no fields")
    document = _work(told, notes)
    kind = told.get("type")
    document["type"] = _TYPES.get(str(kind), "SoftwareSourceCode")
    preferred = told.get("preferred-citation")
    if isinstance(preferred, dict):
        document["referencePublication"] = _reference(preferred, notes)
    document["citation"] = [_reference(each, notes) for each in _dicts(told.get("references"))]
    others = {name for name in told if name not in _READ and name != "preferred-citation"}
    document |= {f"cff:{name}": _kept(told[name]) for name in sorted(others)}
    return read_tree({name: value for name, value in document.items() if value}, notes)


def _work(told: Mapping[str, Any], notes: Notes) -> dict[str, Json]:
    document: dict[str, Json] = {}
    for field, term in FIELDS.items():
        if told.get(field) is None:
            continue
        if field == "keywords":
            # Each is one, whatever stands in it.
            document[term] = [{"name": each} for each in _list(told[field])]
        else:
            document[term] = told[field] if isinstance(told[field], str) else None
            if document[term] is None:
                notes.say(f"{field} is no text and was left out")
    document["author"] = list(_people(told.get("authors"), "authors", notes))
    document["license"] = [_licence(each) for each in _list(told.get("license")) if isinstance(each, str)]
    if isinstance(told.get("license-url"), str):
        document["license"].append(told["license-url"])
    document["identifier"] = list(_identifiers(told))
    return document


def _licence(text: str) -> str:
    """The address of a licence of SPDX; an expression, or a licence of one's own, as it is."""
    text = text.strip()
    simple = text and all(each.isalnum() or each in ".-+" for each in text)
    return f"https://spdx.org/licenses/{text}" if simple and not text.startswith("LicenseRef-") else text


def _identifiers(told: Mapping[str, Any]) -> Iterator[Json]:
    if isinstance(told.get("doi"), str):
        yield doi_of(told["doi"]) or {"schema:propertyID": "doi", "schema:value": told["doi"]}
    for each in _dicts(told.get("identifiers")):
        kind, value = str(each.get("type") or ""), each.get("value")
        if not isinstance(value, str):
            continue
        described = each.get("description")
        if described is None and ((kind == "doi" and doi_of(value)) or (kind == "url" and is_uri(value))):
            yield doi_of(value) or value
        elif described is None and kind == "swh":
            yield {"schema:value": value}
        else:
            yield {
                "type": "PropertyValue",
                "schema:propertyID": kind,
                "schema:value": value,
                "description": described,
            }


def _people(told: Any, place: str, notes: Notes) -> Iterator[Json]:
    for each in _list(told):
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict):
            yield _agent(each)
        else:
            notes.say(f"{place}: an entry that is nobody was left out")


def _agent(told: Mapping[str, Any]) -> Json:
    """A person, or an entity: that which has a name of its own (versions 1.1 and 1.2)."""
    agent: dict[str, Json] = {
        term: told[field] for field, term in PERSON.items() if isinstance(told.get(field), str)
    }
    orcid = str(told.get("orcid") or "")
    agent["id"] = orcid_of(orcid) or (orcid if is_uri(orcid) else None)
    if orcid and not orcid_of(orcid):
        agent["orcid"] = orcid
    given, particle, family, suffix = (
        " ".join(str(told.get(field) or "").split())
        for field in ("given-names", "name-particle", "family-names", "name-suffix")
    )
    agent["affiliation"] = _list(told.get("affiliation"))
    if isinstance(told.get("name"), str) and not family:
        agent["type"] = "Organization"
        agent["name"] = told["name"]
    elif family or given:
        agent["type"] = "Person"
        agent["familyName"] = family
        agent["name"] = " ".join(filter(None, (given, particle, family, suffix)))
    return {term: value for term, value in agent.items() if value}


def _reference(told: Mapping[str, Any], notes: Notes) -> Json:
    """A work that is cited: its own fields, with those that CodeMeta lacks under their own names."""
    document = _work(told, notes)
    kind = str(told.get("type") or "generic")
    document["type"] = _REFERENCE_TYPES.get(kind, "CreativeWork")
    document["cff:type"] = kind
    if isinstance(told.get("date-published"), str):
        document["cff:date-published"] = told["date-published"]
    journal = told.get("journal")
    if isinstance(journal, str):
        document["isPartOf"] = {"type": "Periodical", "name": journal}
    read = {*_READ, "journal", "date-published", "editors"}
    document["editor"] = list(_people(told.get("editors"), "editors", notes))
    document |= {f"cff:{name}": _kept(told[name]) for name in told if name not in read}
    return {name: value for name, value in document.items() if value}


def _kept(value: Any) -> Json:
    """A field that CodeMeta lacks; of people, what may be archived of them."""
    if isinstance(value, dict):
        return {
            f"cff:{name}": _kept(inner)
            for name, inner in value.items()
            if name not in NOT_KEPT and inner is not None
        }
    return [_kept(each) for each in value] if isinstance(value, list) else value


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in _list(value) if isinstance(each, dict)]
