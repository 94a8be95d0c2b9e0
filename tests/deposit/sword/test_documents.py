"""Documents that are written as text are what a serialiser would write."""

from datetime import UTC, datetime

import pytest
from lxml import etree

from deposit.models import Deposit, Part, PartKind
from deposit.sword import documents
from deposit.sword.iris import Iris

IRIS = Iris("https://example.org")
MOMENT = datetime(2026, 12, 1, 4, 59, 12, 396514, tzinfo=UTC)
NASTY = "a & b < c > d \" ' \r\n\t\x00\x0b ü \U0001f600 ]]>"


def deposit(**fields: object) -> Deposit:
    told = {"id": 17, "status": "partial", "reception_date": MOMENT, "status_changed_at": MOMENT} | fields
    return Deposit(**told)


def again(document: bytes) -> bytes:
    """The document as lxml writes what it has read."""
    root = etree.fromstring(document)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8") + b"\n"


@pytest.mark.parametrize("text", ["A program", NASTY])
def test_a_receipt(text: str) -> None:
    package = Part(id=4, kind=PartKind.PACKAGE, name=text, packaging="", content_type="application/zip")
    document = documents.receipt(
        deposit(title=text),
        collection="hal",
        iris=IRIS,
        packages=[package],
        dublin_core=[("title", text), ("creator", "Ada")],
        detail=text,
    )
    assert document == again(document)
    root = etree.fromstring(document)
    [title] = root.findall("{http://purl.org/dc/terms/}title")
    assert (title.text or "") == documents.printable(text)


@pytest.mark.parametrize("text", ["https://example.org/x", NASTY])
def test_a_status_document(text: str) -> None:
    document = documents.status(
        deposit(status="done", swhid=text, external_id=text, origin_url=text), text, IRIS, held=True
    )
    assert document == again(document)
    root = etree.fromstring(document)
    found = root.findtext("{https://www.softwareheritage.org/schema/2018/deposit}deposit_origin_url")
    assert found == documents.printable(text)


def test_a_content_document() -> None:
    document = documents.content(deposit())
    assert document == again(document)


def test_only_namespaces_that_are_used_are_named() -> None:
    package = Part(id=4, kind=PartKind.PACKAGE, name="p.zip", content_type="application/zip")
    plain = documents.receipt(deposit(), collection="hal", iris=IRIS, packages=[package])
    assert set(etree.fromstring(plain).nsmap) == {None, "sword", "sd"}
    assert plain.count(b"https://example.org/1/hal/17/media/4/") == 1


def test_addresses_are_those_of_the_site() -> None:
    assert IRIS.edit("hal", 17) == "https://example.org/1/hal/17/atom/"
    assert IRIS.edit("x.y", 9_007_199_254_740_993) == "https://example.org/1/x.y/9007199254740993/atom/"
    assert IRIS.file("hal", 17, 18) == "https://example.org/1/hal/17/media/18/"
    assert IRIS.statement("hal", 17, "rdf") == "https://example.org/1/hal/17/statement.rdf"
    assert IRIS.page(17) == "https://example.org/deposits/17/"
