"""People and organisations in one form, however a file names them.

An agent comes out with ``type`` (``Person``, ``Organization``), ``name``, and what is known of ``givenName``,
``familyName``, ``schema:honorificSuffix``, ``schema:alternateName``, ``email``, ``url``, ``affiliation`` (nodes with
``name``, and ``id`` where it has an address), ``Role`` (nodes with ``roleName``, ``startDate``, ``endDate``). An
ORCID iD is its ``id``.
"""

import re
from collections.abc import Iterator

from client.description.node import Node, Notes, Text, Value, first, nodes, shown, texts
from client.description.text import one_line
from client.description.vocabulary import AGENTS

SUFFIX = "schema:honorificSuffix"
ALIAS = "schema:alternateName"
ROLES = "Role"

_ORCID = re.compile(
    r"(?:https?://(?:www\.)?orcid\.org/|orcid:?\s*)?((?:[0-9]{4}-){3}[0-9]{3}[0-9Xx]|[0-9]{15}[0-9Xx])/?",
    re.IGNORECASE,
)
# "Ada Lovelace <ada@example.org> (https://example.org)", as npm has it; the parts in any number.
_MAIL = re.compile(r"<\s*(?:mailto:)?([^<>\s]+)\s*>")
_ADDRESS = re.compile(r"\(\s*(https?://[^()\s]+)\s*\)")
# Of one person.
_MOST_ROLES = 50
_SAID_ELSEWHERE = {"orcid": "", "schema:orcid": "", "roleName": "", "schema:roleName": ""}


def orcid_of(text: str) -> str:
    """An ORCID iD as its address, from an address, digits in fours, or digits; empty for what is none."""
    found = _ORCID.fullmatch(text.strip())
    if found is None:
        return ""
    digits = found[1].replace("-", "").upper()
    total = 0
    for digit in digits[:-1]:
        total = (total + int(digit)) * 2
    rest = (12 - total % 11) % 11
    if digits[-1] != ("X" if rest == 10 else str(rest)):
        return ""
    return "https://orcid.org/" + "-".join(digits[start : start + 4] for start in range(0, 16, 4))


def person_of(text: str) -> Node:
    """A person from a line such as ``Ada Lovelace <ada@example.org> (https://example.org)``."""
    person: Node = {}
    address, mail = _ADDRESS.search(text), _MAIL.search(text)
    for found in (mail, address):
        if found:
            text = text.replace(found[0], " ")
    if one_line(text):
        person["name"] = [Text(one_line(text))]
    if mail:
        person["email"] = [Text(mail[1])]
    if address:
        person["url"] = [Text(address[1])]
    return person


def agents_of(values: list[Value], term: str, notes: Notes, *, top: bool) -> list[Value]:
    """People and organisations, each once, with their roles. ``top``: of the thing itself, so they need a name."""
    people = _People()
    roles: list[tuple[Node, Node]] = []
    for value in values:
        if isinstance(value, Text) or not _is_role(value):
            people.add(_agent(person_of(value.value) if isinstance(value, Text) else value, notes))
            continue
        holder = _holder(value, term)
        if holder is None:
            notes.say(f"{term}: a role that names nobody was left out")
        else:
            roles.append((value, _agent(holder, notes)))
    for role, holder in roles:
        told = _role_of(role)
        people.add({**holder, ROLES: [told]} if told else holder)
    return [each for each in people.all if _is_known(each, term, notes, top=top)]


class _People:
    """People, each once: by their ``id``, else by their name. The second time adds what was not known."""

    def __init__(self) -> None:
        self.all: list[Node] = []
        self._by_id: dict[str, Node] = {}
        self._by_name: dict[str, Node] = {}

    def add(self, person: Node) -> None:
        """Take one more."""
        own, name = first(person, "id"), first(person, "name")
        same = self._by_id.get(own) if own else None
        if same is None and name:
            same = self._by_name.get(name)
            if same is not None and own and first(same, "id") not in ("", own):
                same = None
        if same is None:
            same = person
            self.all.append(person)
        else:
            for term, values in person.items():
                if term == ROLES:
                    known = same.get(ROLES, [])
                    same[ROLES] = [*known, *(each for each in values if each not in known)][:_MOST_ROLES]
                else:
                    same.setdefault(term, values)
        if own:
            self._by_id[own] = same
        if name:
            self._by_name.setdefault(name, same)


def _is_role(node: Node) -> bool:
    kinds = {kind.removeprefix("schema:").rpartition("/")[2] for kind in texts(node, "type")}
    return "Role" in kinds or any(kind.endswith("Role") for kind in kinds)


def _holder(role: Node, term: str) -> Node | None:
    """Whom a role is of: JSON-LD says it again under the property that the role is a value of."""
    for name in (term, *AGENTS, "creator", "schema:creator", "schema:member", "Person"):
        for value in role.get(name, ()):
            if not isinstance(value, Text):
                return value
            if not value.value.startswith("_:"):
                return person_of(value.value)
    own = {name: values for name, values in role.items() if name in ("name", "givenName", "familyName")}
    return own or None


def _role_of(role: Node) -> Node | None:
    told: Node = {"roleName": list(role.get("roleName") or role.get("schema:roleName") or ())}
    told |= {name: role[name] for name in ("startDate", "endDate") if role.get(name)}
    return told if told["roleName"] else None


def _is_known(person: Node, term: str, notes: Notes, *, top: bool) -> bool:
    if first(person, "name"):
        return True
    if top and person:
        notes.say(f"{term}: someone without a name was left out")
    return not top and bool(person)


def _agent(node: Node, notes: Notes) -> Node:
    agent = {term: list(values) for term, values in node.items() if term not in _SAID_ELSEWHERE}
    for term in ("givenName", "familyName", SUFFIX, ALIAS, "name"):
        said = [
            value._replace(value=one_line(value.value))
            for value in agent.get(term, [])
            if isinstance(value, Text)
        ]
        said = [value for value in said if value.value]
        agent.pop(term, None)
        if said:
            agent[term] = list(said)
    _identify(agent, node, notes)
    for value in texts(node, "roleName", "schema:roleName"):
        agent.setdefault(ROLES, []).append({"roleName": [Text(value)]})
    mails = [one_line(mail).removeprefix("mailto:") for mail in texts(agent, "email")]
    if "email" in agent:
        agent["email"] = [Text(mail) for mail in mails if mail]
    if agent.get("affiliation"):
        agent["affiliation"] = list(_affiliations(agent["affiliation"]))
    _name(agent)
    _type(agent)
    ordered = (
        "id",
        "type",
        "name",
        "givenName",
        "familyName",
        SUFFIX,
        ALIAS,
        "email",
        "url",
        "affiliation",
        ROLES,
    )
    return {term: agent[term] for term in (*ordered, *agent) if agent.get(term)}


def _identify(agent: Node, node: Node, notes: Notes) -> None:
    """Let an ORCID iD be the ``id``, wherever it was written; what it was before is an identifier."""
    own = first(agent, "id")
    orcid = orcid_of(own)
    for term in ("identifier", "sameAs", "url", "orcid", "schema:orcid"):
        for value in node.get(term, ()):
            text = (
                value.value if isinstance(value, Text) else first(value, "schema:value", "value", "url", "id")
            )
            is_orcid = orcid_of(text)
            if not is_orcid and "orcid" in (
                term.removeprefix("schema:"),
                text.lower()[:18].rpartition("//")[2][:5],
            ):
                notes.say(f"{shown(text)} is no ORCID iD: its check digit is another")
            orcid = orcid or is_orcid
            if is_orcid and is_orcid == orcid and term in agent and value in agent[term]:
                agent[term].remove(value)
    if own and not orcid and "orcid.org/" in own:
        notes.say(f"{shown(own)} is no ORCID iD: its check digit is another")
    if orcid:
        if own and orcid_of(own) != orcid and not own.startswith("_:"):
            agent.setdefault("identifier", []).append(Text(own))
        agent["id"] = [Text(orcid)]
    elif own.startswith("_:"):
        # It holds in one document only, and the nodes that it joined are one by now.
        agent.pop("id")


def _affiliations(values: list[Value]) -> Iterator[Node]:
    for value in values:
        organisation: Node = (
            {"name": [Text(one_line(value.value))]} if isinstance(value, Text) else dict(value)
        )
        if not isinstance(value, Text):
            if not first(value, "name"):
                said = first(value, "schema:legalName", ALIAS, "id", "url")
                organisation["name"] = [Text(said)] if said else []
            else:
                organisation["name"] = [Text(one_line(first(value, "name")))]
            for identifier in (
                first(value, "id"),
                *texts(value, "identifier", "schema:ror", "sameAs", "url"),
            ):
                ror = re.fullmatch(r"(?:https?://)?(?:www\.)?ror\.org/(\w+)/?|ror:(\w+)", identifier)
                if ror:
                    organisation["id"] = [Text(f"https://ror.org/{ror[1] or ror[2]}")]
                    break
            if first(organisation, "id").startswith("_:"):
                organisation.pop("id")
        if first(organisation, "name"):
            yield {
                term: organisation[term] for term in ("id", "name", *organisation) if organisation.get(term)
            }


def _name(agent: Node) -> None:
    if first(agent, "name"):
        return
    parts = [first(agent, term) for term in ("givenName", "familyName", SUFFIX)]
    name = " ".join(filter(None, parts))
    name = name or first(agent, ALIAS, "schema:legalName", "email", "url", "id")
    if name:
        agent["name"] = [Text(name)]


def _type(agent: Node) -> None:
    kinds = set(texts(agent, "type"))
    if kinds & {"Person", "Organization"}:
        return
    if (
        agent.get("givenName")
        or agent.get("familyName")
        or first(agent, "id").startswith("https://orcid.org/")
    ):
        agent["type"] = [Text("Person")]


def organisations(node: Node) -> list[Node]:
    """The affiliations of an agent."""
    return nodes(node, "affiliation")
