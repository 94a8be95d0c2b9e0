"""npm's ``package.json`` (https://docs.npmjs.com/cli/configuring-npm/package-json)."""

from typing import Any

from client.description import jsonld
from client.description.node import Node, Notes, Unreadable, first
from client.description.normal import repository_of
from client.description.people import person_of


def read_package_json(data: bytes, notes: Notes) -> Node:
    """The tree of a package.json that names a package; empty for one that does not. Raises `Unreadable`."""
    told = jsonld.loads(data)
    if not isinstance(told, dict):
        raise Unreadable("it holds no fields")
    if not isinstance(told.get("name"), str):
        return {}
    document: dict[str, Any] = {
        "type": "SoftwareSourceCode",
        "programmingLanguage": "JavaScript",
        "name": told["name"],
        "softwareVersion": told.get("version"),
        "description": told.get("description"),
        "keywords": [{"name": each} for each in _words(told.get("keywords"))],
        "author": [_person(each) for each in _list(told.get("author"))],
        "contributor": [_person(each) for each in _list(told.get("contributors"))],
        "maintainer": [_person(each) for each in _list(told.get("maintainers"))],
        "license": [
            _licence(each, notes) for each in (*_list(told.get("license")), *_list(told.get("licenses")))
        ],
        "codeRepository": repository_of(_address(told.get("repository"))),
        "url": told.get("homepage") if isinstance(told.get("homepage"), str) else None,
        "issueTracker": _address(told.get("bugs")),
        "funding": [_address(each) for each in _list(told.get("funding"))],
        "operatingSystem": [each for each in _list(told.get("os")) if isinstance(each, str)],
        "runtimePlatform": _engines(told.get("engines")),
    }
    if not document["author"]:
        # Packages of many hands have their people here.
        document["author"], document["contributor"] = document["contributor"], []
    return jsonld.read_tree({term: value for term, value in document.items() if value}, notes)


def _person(told: Any) -> Any:
    if isinstance(told, str):
        person = person_of(told)
        return {term: first(person, term) for term in person}
    if not isinstance(told, dict):
        return None
    known = {"name": "name", "email": "email", "mail": "email", "url": "url", "web": "url"}
    return {term: told[name] for name, term in known.items() if isinstance(told.get(name), str)}


def _licence(told: Any, notes: Notes) -> Any:
    if isinstance(told, dict):
        name, address = told.get("type") or told.get("name"), told.get("url")
        return {"name": name, "url": address} if name and address else name or address
    if isinstance(told, str) and told.upper().startswith("SEE LICEN"):
        notes.say("license names a file: write the licence's SPDX identifier")
        return None
    if told == "UNLICENSED":
        notes.say("license says UNLICENSED: nobody may use it, which no licence can say")
        return None
    return told if isinstance(told, str) else None


def _address(told: Any) -> str:
    if isinstance(told, dict):
        told = told.get("url") or told.get("email")
    return told if isinstance(told, str) else ""


def _words(told: Any) -> list[str]:
    words = told.replace(",", " ").split() if isinstance(told, str) else _list(told)
    return [each for each in words if isinstance(each, str)]


def _engines(told: Any) -> list[str]:
    pairs = told.items() if isinstance(told, dict) else ()
    return [f"{name} {version}" for name, version in pairs if isinstance(version, str)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
