"""DataCite's metadata, version 4.6, as JSON (https://datacite-metadata-schema.readthedocs.io)."""

import json
from typing import Any

from client.description.node import Node, Text, first, labels, nodes, texts
from deposit.metadata.exports.work import Person, Work, doi_of, identifiers, keywords, licences_of, people

SCHEMA = "http://datacite.org/schema/kernel-4"
_CONTRIBUTORS = {
    "contributor": "Other",
    "editor": "Editor",
    "maintainer": "DataManager",
    "producer": "Producer",
    "sponsor": "Sponsor",
    "copyrightHolder": "RightsHolder",
}
_DATES = {
    "dateCreated": "Created",
    "datePublished": "Issued",
    "dateModified": "Updated",
    "embargoDate": "Available",
}
_RELATED = {
    "codeRepository": "IsDerivedFrom",
    "referencePublication": "IsDescribedBy",
    "softwareHelp": "IsDocumentedBy",
    "isPartOf": "IsPartOf",
    "hasPart": "HasPart",
    "citation": "Cites",
    "sameAs": "IsIdenticalTo",
}


def datacite(work: Work) -> str:
    """The attributes of a DOI that describe the deposit."""
    node = work.node
    document = {
        "schemaVersion": SCHEMA,
        "doi": doi_of(node),
        "creators": [_creator(each) for each in people(node, "author")],
        "titles": _titles(work),
        "publisher": {"name": first(next(iter(nodes(node, "publisher")), {}), "name") or work.publisher},
        "publicationYear": work.published[:4],
        "types": {"resourceTypeGeneral": "Dataset" if "Dataset" in texts(node, "type") else "Software"},
        "subjects": [{"subject": each} for each in keywords(node)],
        "contributors": [
            {**_creator(each), "contributorType": kind}
            for term, kind in _CONTRIBUTORS.items()
            for each in people(node, term)
        ],
        "dates": [
            {"date": each, "dateType": kind} for term, kind in _DATES.items() for each in texts(node, term)
        ],
        "version": work.version,
        "rightsList": [_rights(each.spdx, each.name, each.url) for each in licences_of(node)],
        "descriptions": [
            {"description": each.value, "descriptionType": "Abstract"}
            | ({"lang": each.language} if each.language else {})
            for each in node.get("description", ())
            if isinstance(each, Text)
        ],
        "alternateIdentifiers": [*_alternates(work)],
        "relatedIdentifiers": [*_related(node)],
        "fundingReferences": [*_funding(node)],
    }
    kept = {name: value for name, value in document.items() if value}
    return json.dumps(kept, indent=2, ensure_ascii=False) + "\n"


def _titles(work: Work) -> list[dict[str, str]]:
    titles = [each for each in work.node.get("name", ()) if isinstance(each, Text)] or [Text(work.title)]
    return [{"title": each.value} | ({"lang": each.language} if each.language else {}) for each in titles]


def _creator(person: Person) -> dict[str, Any]:
    last = " ".join(filter(None, (person.particle, person.family, person.suffix)))
    is_person = bool(person.family or person.orcid) and not person.is_organisation
    found: dict[str, Any] = {
        "name": f"{last}, {person.given}" if is_person and person.family and person.given else person.name,
        "nameType": "Organizational" if person.is_organisation else "Personal" if is_person else "",
        "givenName": person.given,
        "familyName": last if person.family else "",
        "nameIdentifiers": _name_identifiers(person),
        "affiliation": [
            {"name": name}
            | (
                {
                    "affiliationIdentifier": address,
                    "affiliationIdentifierScheme": "ROR",
                    "schemeUri": "https://ror.org",
                }
                if address.startswith("https://ror.org/")
                else {"affiliationIdentifier": address, "affiliationIdentifierScheme": "URL"}
                if address
                else {}
            )
            for name, address in person.affiliations
        ],
    }
    return {name: value for name, value in found.items() if value}


def _name_identifiers(person: Person) -> list[dict[str, str]]:
    if person.orcid:
        address = f"https://orcid.org/{person.orcid}"
        return [
            {"nameIdentifier": address, "nameIdentifierScheme": "ORCID", "schemeUri": "https://orcid.org"}
        ]
    if person.address.startswith("https://ror.org/"):
        return [
            {"nameIdentifier": person.address, "nameIdentifierScheme": "ROR", "schemeUri": "https://ror.org"}
        ]
    return []


def _rights(spdx: str, name: str, url: str) -> dict[str, str]:
    found = {"rights": name, "rightsUri": url}
    if spdx and " " not in spdx:
        found |= {
            "rightsUri": url or f"https://spdx.org/licenses/{spdx}.html",
            "rightsIdentifier": spdx,
            "rightsIdentifierScheme": "SPDX",
            "schemeUri": "https://spdx.org/licenses/",
        }
    return {term: value for term, value in found.items() if value}


def _alternates(work: Work) -> list[dict[str, str]]:
    doi = doi_of(work.node)
    found = [("SWHID", work.swhid)] if work.swhid else []
    for each in identifiers(work.node):
        if each.removeprefix("https://doi.org/") != doi and each != work.swhid:
            kind = "DOI" if "//doi.org/" in each else "URL" if "://" in each else "Local"
            found.append((kind, each))
    return [{"alternateIdentifier": value, "alternateIdentifierType": kind} for kind, value in found]


def _related(node: Node) -> list[dict[str, str]]:
    found = []
    for term, relation in _RELATED.items():
        for value in node.get(term, ()):
            address = value.value if isinstance(value, Text) else first(value, "identifier", "id", "url")
            if address.startswith(("https://", "http://")):
                kind = "DOI" if address.startswith("https://doi.org/") else "URL"
                found.append(
                    {
                        "relatedIdentifier": address.removeprefix("https://doi.org/")
                        if kind == "DOI"
                        else address,
                        "relatedIdentifierType": kind,
                        "relationType": relation,
                    }
                )
    return found


def _funding(node: Node) -> list[dict[str, str]]:
    """Funders, and grants with theirs; who funds a grant is not told among the others again."""
    found = []
    for value in node.get("funding", ()):
        if isinstance(value, Text):
            found.append({"awardNumber": value.value, "funderName": next(labels(node, "funder"), "unknown")})
            continue
        grant = {
            "funderName": next(labels(value, "funder"), "") or next(labels(node, "funder"), "unknown"),
            "awardNumber": first(value, "identifier", "schema:identifier"),
            "awardTitle": first(value, "name"),
            "awardUri": first(value, "url", "id"),
        }
        found.append({term: said for term, said in grant.items() if said})
    named = {each["funderName"] for each in found}
    found += [{"funderName": each} for each in labels(node, "funder") if each not in named]
    return found
