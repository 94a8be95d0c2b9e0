"""``.zenodo.json``: the metadata of a deposit at Zenodo (https://developers.zenodo.org/#representation)."""

from collections.abc import Iterator
from typing import Any

from client.description import jsonld
from client.description.html_text import plain
from client.description.node import Node, Notes, Unreadable
from client.description.normal import doi_of, is_uri

_ROLES = {"Editor": "editor", "Producer": "producer", "Sponsor": "sponsor", "DataManager": "maintainer"}


def read_zenodo(data: bytes, notes: Notes) -> Node:
    """The tree of a .zenodo.json. Raises `Unreadable`."""
    told = jsonld.loads(data)
    told = told.get("metadata", told) if isinstance(told, dict) else None
    if not isinstance(told, dict):
        raise Unreadable("it holds no fields")
    kind = str(told.get("upload_type") or "software")
    document: dict[str, Any] = {
        "type": "Dataset"
        if kind == "dataset"
        else "SoftwareSourceCode"
        if kind == "software"
        else "CreativeWork",
        "name": told.get("title"),
        "description": plain(str(told.get("description") or "")),
        "softwareVersion": told.get("version"),
        "datePublished": told.get("publication_date"),
        "keywords": [{"name": each} for each in _list(told.get("keywords"))],
        "license": [_licence(each) for each in _list(told.get("license"))],
        "author": [_person(each) for each in _list(told.get("creators"))],
        "identifier": [doi_of(str(each)) for each in _list(told.get("doi"))],
        "releaseNotes": told.get("notes") and plain(str(told["notes"])),
        "funding": [_grant(each) for each in _list(told.get("grants"))],
        "inLanguage": told.get("language"),
    }
    for each in _list(told.get("contributors")):
        role = each.get("type") if isinstance(each, dict) else None
        person = _person(each)
        if role and isinstance(person, dict):
            person["roleName"] = role
        document.setdefault(_ROLES.get(str(role), "contributor"), []).append(person)
    for term, value in _related(_list(told.get("related_identifiers"))):
        document.setdefault(term, []).append(value)
    return jsonld.read_tree({term: value for term, value in document.items() if value}, notes)


def _person(told: Any) -> Any:
    if not isinstance(told, dict):
        return told
    family, _, given = str(told.get("name") or "").partition(",")
    family, given = family.strip(), given.strip()
    person = {
        "name": f"{given} {family}" if given else family,
        "givenName": given,
        "familyName": family if given else None,
        "orcid": told.get("orcid"),
        "affiliation": [_affiliation(each) for each in _list(told.get("affiliation"))],
        "type": "Person" if given or told.get("orcid") else None,
        "identifier": [
            f"https://d-nb.info/gnd/{each}" for each in _list(told.get("gnd")) if isinstance(each, str)
        ],
    }
    return {term: value for term, value in person.items() if value}


def _affiliation(told: Any) -> Any:
    if not isinstance(told, dict):
        return told
    return {"name": told.get("name"), "id": f"https://ror.org/{told['id']}" if told.get("id") else None}


def _licence(told: Any) -> Any:
    return told.get("id") if isinstance(told, dict) else told


def _grant(told: Any) -> Any:
    if not isinstance(told, dict):
        return told
    number = str(told.get("id") or "")
    funder, found, award = number.partition("::")
    grant = {"type": "Grant", "identifier": award if found else number, "name": told.get("title")}
    if found:
        grant["funder"] = {
            "type": "Organization",
            "name": f"https://doi.org/{funder}",
            "id": f"https://doi.org/{funder}",
        }
    return {term: value for term, value in grant.items() if value}


def _related(told: list[Any]) -> Iterator[tuple[str, str]]:
    """Related works by what they are to this one: (term, address)."""
    terms = {
        "isSupplementTo": "referencePublication",
        "isDocumentedBy": "softwareHelp",
        "isSupplementedBy": "supportingData",
        "isPartOf": "isPartOf",
        "hasPart": "hasPart",
        "cites": "citation",
        "references": "citation",
        "isIdenticalTo": "sameAs",
        "isAlternateIdentifier": "sameAs",
        "isDerivedFrom": "schema:isBasedOn",
    }
    for each in told:
        if isinstance(each, dict) and isinstance(each.get("identifier"), str):
            address = doi_of(each["identifier"]) or each["identifier"]
            term = terms.get(str(each.get("relation")), "relatedLink")
            yield (
                ("codeRepository" if term == "referencePublication" and _is_forge(address) else term),
                address,
            )


def _is_forge(address: str) -> bool:
    return is_uri(address) and any(
        host in address for host in ("//github.com/", "//gitlab.", "//codeberg.org/")
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
