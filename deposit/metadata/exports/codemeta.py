"""codemeta.json, version 3.0 (https://w3id.org/codemeta/3.0)."""

import json
from typing import Any

from client.description.node import Node, Text, Value
from client.description.vocabulary import AGENTS
from deposit.metadata.exports.work import Work
from deposit.metadata.namespaces import CODEMETA_3
from deposit.metadata.terms import CODEMETA_RENAMED, CODEMETA_TERMS

_TERMS, _RENAMED = CODEMETA_TERMS[CODEMETA_3], CODEMETA_RENAMED[CODEMETA_3]


def codemeta(work: Work) -> str:
    """The document: all that the description holds, in the terms of version 3, and the SWHID as an identifier."""
    node = dict(work.node)
    node["name"] = node.get("name") or [Text(work.title)]
    version = node.pop("softwareVersion", None) or ([Text(work.version)] if work.version else [])
    document: dict[str, Any] = {"@context": CODEMETA_3, "type": "SoftwareSourceCode"}
    document |= _object(node)
    if version:
        document["version"] = _values(version)
        document["softwareVersion"] = document["version"]
    if work.swhid:
        known = document.get("identifier", [])
        known = known if isinstance(known, list) else [known]
        document["identifier"] = [*known, work.swhid]
    if not {"dateCreated", "datePublished"} & document.keys() and work.date:
        document["datePublished"] = work.date
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _object(node: Node) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for term, values in node.items():
        if term in AGENTS:
            found[_name(term)] = _agents(values, term)
        else:
            found[_name(term)] = _values(values)
    return found


def _name(term: str) -> str:
    if ":" in term or term in _TERMS:
        return term
    return _RENAMED.get(term) or f"schema:{term}"


def _agents(values: list[Value], term: str) -> Any:
    """People, and then their roles as CodeMeta has them: nodes in the same list that say whose they are."""
    people: list[Any] = []
    roles: list[Any] = []
    for number, value in enumerate(values, start=1):
        if isinstance(value, Text):
            people.append(value.value)
            continue
        agent = _object({name: inner for name, inner in value.items() if name != "Role"})
        told = [_object(role) for role in value.get("Role", ()) if not isinstance(role, Text)]
        if told and "id" not in agent:
            agent = {"id": f"_:{term}_{number}", **agent}
        people.append(agent)
        roles += [{"type": "Role", f"schema:{term}": agent["id"], **role} for role in told]
    found = [*people, *roles]
    return found[0] if len(found) == 1 else found


def _values(values: list[Value]) -> Any:
    found = [_value(value) for value in values]
    return found[0] if len(found) == 1 else found


def _value(value: Value) -> Any:
    if isinstance(value, Text):
        return {"@value": value.value, "@language": value.language} if value.language else value.value
    return _object(value)
