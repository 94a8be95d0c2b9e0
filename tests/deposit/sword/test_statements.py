"""Statements and media feeds as documents."""

from datetime import UTC, datetime, timedelta, timezone

from lxml import etree

from deposit.metadata.xml import parse
from deposit.sword.feeds import media_feed
from deposit.sword.statements import OriginalDeposit, Statement, atom_statement, ore_statement

NS = {
    "atom": "http://www.w3.org/2005/Atom",
    "ore": "http://www.openarchives.org/ore/terms/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "sword": "http://purl.org/net/sword/terms/",
}
RDF = f"{{{NS['rdf']}}}"
EDIT = "https://server.example/1/software/7/atom/"
STATE = "https://www.softwareheritage.org/schema/2018/deposit#done"


def original(number: int = 1, name: str = "software.zip") -> OriginalDeposit:
    return OriginalDeposit(
        iri=f"https://server.example/1/software/7/media/{number}/",
        name=name,
        media_type="application/zip",
        packaging="http://purl.org/net/sword/package/SimpleZip",
        deposited_on=datetime(2024, 2, 29, 23, 30, 15, 999_999, timezone(timedelta(hours=-2))),
        deposited_by="ada",
    )


def statement(*originals: OriginalDeposit, description: str = "It is in the archive.") -> Statement:
    return Statement(
        iri=EDIT + "statement",
        deposit=EDIT,
        title="Deposit 7",
        author="ada",
        updated=datetime(2024, 3, 1, tzinfo=UTC),
        status="done",
        description=description,
        originals=originals,
    )


def texts(root: etree._Element, path: str) -> list[str | None]:
    return [element.text for element in root.iterfind(path, NS)]


def values(root: etree._Element, path: str, attribute: str) -> list[str | None]:
    return [element.get(attribute) for element in root.iterfind(path, NS)]


def test_the_atom_statement_tells_the_state() -> None:
    root = parse(atom_statement(statement()))
    assert texts(root, "atom:category") == ["It is in the archive."]
    assert values(root, "atom:category", "term") == [STATE]
    assert values(root, "atom:category", "scheme") == ["http://purl.org/net/sword/terms/state"]


def test_the_atom_statement_is_a_whole_feed() -> None:
    root = parse(atom_statement(statement(original())))
    assert root.tag == f"{{{NS['atom']}}}feed"
    for path in ("atom:id", "atom:title", "atom:updated", "atom:author/atom:name"):
        assert len(texts(root, path)) == 1
    for path in ("atom:id", "atom:title", "atom:updated"):
        assert len(texts(root, f"atom:entry/{path}")) == 1
    assert texts(root, "atom:updated") == ["2024-03-01T00:00:00Z"]


def test_the_atom_statement_has_an_entry_per_package() -> None:
    root = parse(atom_statement(statement(original(1), original(2, "more.zip"))))
    assert texts(root, "atom:entry/atom:title") == ["software.zip", "more.zip"]
    assert values(root, "atom:entry/atom:content", "src") == [original(1).iri, original(2).iri]
    assert values(root, "atom:entry/atom:content", "type") == ["application/zip"] * 2
    assert values(root, "atom:entry/atom:category", "term") == [f"{NS['sword']}originalDeposit"] * 2
    assert texts(root, "atom:entry/sword:packaging") == [original().packaging] * 2
    assert texts(root, "atom:entry/sword:depositedOn") == ["2024-03-01T01:30:15Z"] * 2
    assert texts(root, "atom:entry/sword:depositedBy") == ["ada"] * 2


def _described(root: etree._Element) -> dict[str | None, list[tuple[str, str | None]]]:
    return {
        description.get(RDF + "about"): [
            (etree.QName(fact).localname, fact.get(RDF + "resource") or fact.text) for fact in description
        ]
        for description in root.iterfind("rdf:Description", NS)
    }


def test_the_resource_map_says_the_same_in_rdf() -> None:
    root = parse(ore_statement(statement(original(1), original(2))))
    assert root.tag == RDF + "RDF"
    facts = [
        ("packaging", original().packaging),
        ("depositedOn", "2024-03-01T01:30:15Z"),
        ("depositedBy", "ada"),
    ]
    assert _described(root) == {
        EDIT + "statement": [("describes", EDIT)],
        EDIT: [
            ("isDescribedBy", EDIT + "statement"),
            ("aggregates", original(1).iri),
            ("originalDeposit", original(1).iri),
            ("aggregates", original(2).iri),
            ("originalDeposit", original(2).iri),
            ("state", STATE),
        ],
        original(1).iri: facts,
        original(2).iri: facts,
        STATE: [("stateDescription", "It is in the archive.")],
    }


def test_literals_in_rdf_are_typed() -> None:
    root = parse(ore_statement(statement(original())))
    schema = "http://www.w3.org/2001/XMLSchema#"
    assert values(root, "rdf:Description/sword:depositedOn", RDF + "datatype") == [schema + "dateTime"]
    assert values(root, "rdf:Description/sword:depositedBy", RDF + "datatype") == [schema + "string"]


def test_a_deposit_without_packages_has_statements_too() -> None:
    assert texts(parse(atom_statement(statement())), "atom:entry") == []
    assert list(_described(parse(ore_statement(statement())))) == [EDIT + "statement", EDIT, STATE]


def test_characters_that_xml_cannot_hold_are_left_out_and_markup_stays_text() -> None:
    document = atom_statement(statement(original(name="<b>\x00\ufffe.zip"), description="a & b"))
    assert texts(parse(document), "atom:entry/atom:title") == ["<b>.zip"]
    assert texts(parse(document), "atom:category") == ["a & b"]


def test_the_media_feed_has_an_edit_media_link_per_package() -> None:
    em_iri = "https://server.example/1/software/7/media/"
    feed = media_feed(
        iri=em_iri,
        title="Packages of deposit 7",
        author="ada",
        updated=datetime(2024, 3, 1, tzinfo=UTC),
        originals=[original(1), original(2)],
    )
    root = parse(feed)
    assert texts(root, "atom:id") == [em_iri]
    assert values(root, "atom:entry/atom:link[@rel='edit-media']", "href") == [
        original(1).iri,
        original(2).iri,
    ]
    assert values(root, "atom:entry/atom:content", "src") == [original(1).iri, original(2).iri]
