"""Statements (SWORD 2 section 11): what a deposit consists of and where it stands, as Atom and as OAI-ORE in RDF.

Pure: values in, UTF-8 XML out. Both forms say the same.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from lxml import etree
from lxml.builder import ElementMaker

from deposit.metadata.namespaces import ATOM, DCTERMS, DEPOSIT, SWORD
from deposit.sword.documents import FEED_TYPE, atom_date, printable, xml

RDF_TYPE = "application/rdf+xml"

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_ORE = "http://www.openarchives.org/ore/terms/"
_DATE_TIME = "http://www.w3.org/2001/XMLSchema#dateTime"
_STRING = "http://www.w3.org/2001/XMLSchema#string"
_STATE_SCHEME = "http://purl.org/net/sword/terms/state"

A = ElementMaker(namespace=ATOM, nsmap={None: ATOM, "sword": SWORD, "dcterms": DCTERMS})
W = ElementMaker(namespace=SWORD)
D = ElementMaker(namespace=DCTERMS)
Ore = ElementMaker(namespace=_ORE)
R = ElementMaker(namespace=_RDF, nsmap={"rdf": _RDF, "ore": _ORE, "sword": SWORD, "dcterms": DCTERMS})


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginalDeposit:
    """A package as it was sent. ``iri`` gives its bytes to the depositor."""

    iri: str
    name: str
    media_type: str
    packaging: str
    deposited_on: datetime
    deposited_by: str
    on_behalf_of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """``iri`` is where this statement is served, ``deposit`` the Edit-IRI of the deposit it describes.

    ``identifiers``: what the deposit is known by where it was taken, once it is done.
    """

    iri: str
    deposit: str
    title: str
    author: str
    updated: datetime
    status: str
    description: str
    originals: tuple[OriginalDeposit, ...]
    identifiers: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """The IRI of the state, one per status."""
        return f"{DEPOSIT}#{self.status}"


def atom_statement(statement: Statement) -> bytes:
    """The statement as an Atom feed (section 11.2): one entry per package."""
    return xml(
        A(
            "feed",
            A("id", statement.iri),
            A("title", printable(statement.title)),
            A("updated", atom_date(statement.updated)),
            A("author", A("name", printable(statement.author))),
            A("link", rel="self", type=FEED_TYPE, href=statement.iri),
            A("link", rel="edit", href=statement.deposit),
            A(
                "category",
                printable(statement.description),
                scheme=_STATE_SCHEME,
                term=statement.state,
                label="State",
            ),
            *(D("identifier", printable(one)) for one in statement.identifiers),
            *map(_atom_entry, statement.originals),
        )
    )


def _atom_entry(original: OriginalDeposit) -> etree._Element:
    owner = [W("depositedOnBehalfOf", printable(original.on_behalf_of))] if original.on_behalf_of else []
    entry: etree._Element = A(
        "entry",
        A("id", original.iri),
        A("title", printable(original.name)),
        A("updated", atom_date(original.deposited_on)),
        A("category", scheme=SWORD, term=f"{SWORD}originalDeposit", label="Original Deposit"),
        A("content", type=original.media_type, src=original.iri),
        A("link", rel="edit-media", href=original.iri),
        W("packaging", original.packaging),
        W("depositedOn", atom_date(original.deposited_on)),
        W("depositedBy", printable(original.deposited_by)),
        *owner,
    )
    return entry


def ore_statement(statement: Statement) -> bytes:
    """The statement as an OAI-ORE resource map in RDF/XML (section 11.3)."""
    return xml(
        R(
            "RDF",
            _description(statement.iri, Ore("describes", _resource(statement.deposit))),
            _description(statement.deposit, *_aggregation(statement)),
            *(_description(original.iri, *_facts(original)) for original in statement.originals),
            _description(statement.state, W("stateDescription", printable(statement.description))),
        )
    )


def _aggregation(statement: Statement) -> Iterator[etree._Element]:
    yield Ore("isDescribedBy", _resource(statement.iri))
    for original in statement.originals:
        yield Ore("aggregates", _resource(original.iri))
        yield W("originalDeposit", _resource(original.iri))
    yield W("state", _resource(statement.state))
    for identifier in statement.identifiers:
        yield D("identifier", printable(identifier))


def _facts(original: OriginalDeposit) -> Iterator[etree._Element]:
    yield W("packaging", _resource(original.packaging))
    yield W("depositedOn", _typed(_DATE_TIME), atom_date(original.deposited_on))
    yield W("depositedBy", _typed(_STRING), printable(original.deposited_by))
    if original.on_behalf_of:
        yield W("depositedOnBehalfOf", _typed(_STRING), printable(original.on_behalf_of))


def _description(about: str, *facts: etree._Element) -> etree._Element:
    description: etree._Element = R("Description", {f"{{{_RDF}}}about": about}, *facts)
    return description


def _resource(iri: str) -> Mapping[str, str]:
    return {f"{{{_RDF}}}resource": iri}


def _typed(datatype: str) -> Mapping[str, str]:
    return {f"{{{_RDF}}}datatype": datatype}
