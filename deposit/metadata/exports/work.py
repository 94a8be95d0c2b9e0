"""What all exports are made of: the description of a deposit, and what the record adds to it."""

import re
from dataclasses import dataclass

from client import licences
from client.description.node import Node, Text, first, labels, nodes, texts
from client.description.people import ALIAS, ROLES, SUFFIX

_SPDX = re.compile(r"https?://(?:www\.)?spdx\.org/licenses/([A-Za-z0-9.+-]+?)(?:\.html|\.json)?/?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A deposit as literature has it.

    ``node`` is its description (`entry_tree.tree_of`); ``swhid`` its identifier, ``context`` the same with qualifiers,
    both "" while it has none. ``key`` names it in a bibliography; ``date`` stands in for one that is not described.
    """

    key: str
    node: Node
    title: str
    version: str = ""
    swhid: str = ""
    context: str = ""
    origin: str = ""
    date: str = ""
    publisher: str = ""

    @property
    def made(self) -> str:
        """When it was made, else published, in the precision given; else the stand-in."""
        return first(self.node, "dateCreated", "datePublished") or self.date

    @property
    def published(self) -> str:
        """When it was published, else made."""
        return first(self.node, "datePublished", "dateCreated") or self.date


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person or organisation in parts; what is not known is empty. ``orcid`` has sixteen digits in fours."""

    name: str
    given: str = ""
    particle: str = ""
    family: str = ""
    suffix: str = ""
    alias: str = ""
    email: str = ""
    orcid: str = ""
    address: str = ""
    web: str = ""
    is_organisation: bool = False
    affiliations: tuple[tuple[str, str], ...] = ()
    roles: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """A licence: its SPDX expression, or "", its name in words, and its address."""

    spdx: str
    name: str
    url: str


def people(node: Node, term: str) -> list[Person]:
    """The people of a term. ``affiliations`` are (name, address), ``roles`` (name, start, end)."""
    return [_person(each) for each in nodes(node, term) if first(each, "name")]


def _person(node: Node) -> Person:
    name, given, family = first(node, "name"), first(node, "givenName"), first(node, "familyName")
    suffix, own = first(node, SUFFIX), first(node, "id")
    orcid = own.removeprefix("https://orcid.org/") if own.startswith("https://orcid.org/") else ""
    return Person(
        name=name,
        given=given,
        particle=_particle(name, given, family, suffix),
        family=family,
        suffix=suffix,
        alias=first(node, ALIAS),
        email=first(node, "email"),
        orcid=orcid,
        address="" if orcid else own,
        web=first(node, "url"),
        is_organisation="Organization" in texts(node, "type"),
        affiliations=tuple((first(each, "name"), first(each, "id")) for each in nodes(node, "affiliation")),
        roles=tuple(
            (first(each, "roleName"), first(each, "startDate"), first(each, "endDate"))
            for each in nodes(node, ROLES)
        ),
    )


def _particle(name: str, given: str, family: str, suffix: str) -> str:
    """What stands in a name between the given and the family name: ``van`` in "Ludwig van Beethoven"."""
    if not family or not name.startswith(given):
        return ""
    rest = name[len(given) :].strip()
    if suffix:
        rest = rest.removesuffix(suffix).rstrip(" ,")
    return rest.removesuffix(family).strip() if rest.endswith(f" {family}") else ""


def licences_of(node: Node) -> list[Licence]:
    """The licences, each on its own."""
    found = []
    for value in node.get("license", ()):
        if isinstance(value, Text):
            said, name = value.value, ""
        else:
            said, name = first(value, "url", "id"), first(value, "name")
        known = _SPDX.fullmatch(said)
        is_address = said.startswith(("https://", "http://"))
        spdx = licences.canonical(known[1] if known else "" if is_address else said) or ""
        spdx = spdx or licences.canonical(name) or ""
        url = said if is_address else ""
        found.append(Licence(spdx=spdx, name=name or spdx or said, url=url))
    return [each for each in found if each.name]


def keywords(node: Node) -> list[str]:
    """The keywords, each on its own."""
    return texts(node, "keywords")


def identifiers(node: Node) -> list[str]:
    """What it is known by elsewhere: addresses and others, as texts."""
    said = [*labels(node, "identifier")]
    for value in node.get("schema:identifier", ()):
        said.append(value.value if isinstance(value, Text) else first(value, "schema:value", "url", "id"))
    return list(dict.fromkeys(filter(None, said)))


def doi_of(node: Node) -> str:
    """The first DOI, without the address before it; empty without one."""
    prefix = "https://doi.org/"
    return next((each.removeprefix(prefix) for each in identifiers(node) if each.startswith(prefix)), "")
