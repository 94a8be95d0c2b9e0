"""What is read from MuseumPlus's XML, and hashes that equal Passari's."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from sources.museumplus.harvest.documents import (
    BadDocument,
    Field,
    TruncatedDocument,
    hash_of_attachments,
    items,
    parse_document,
    parse_timestamp,
    read_multimedia,
    read_object,
    single_item,
    whole_object,
)
from tests.support.museumplus import NAMESPACE, object_xml

Z = f"{{{NAMESPACE}}}"


def passari_hash(item: etree._Element, queries: list[str]) -> str:
    """The published rule, with lxml's defaults, in words of its own."""
    for query in queries:
        for element in item.findall(f".//{Z}{query}"):
            parent = element.getparent()
            assert parent is not None
            parent.remove(element)
    return hashlib.sha256(etree.tostring(item, method="c14n", with_comments=False)).hexdigest()


def wrapped(xml: str) -> bytes:
    start = f'<application xmlns="{NAMESPACE}"><modules><module name="Object">'
    return f"{start}{xml}</module></modules></application>".encode()


def test_hashes_of_the_samples_are_passaris(samples: Path) -> None:
    volatile = ["systemField[@name='__lastModified']", "systemField[@name='__lastModifiedUser']"]
    seen = 0
    for path in [*(samples / "Object").glob("*.xml"), *(samples / "Object" / "search").glob("*.xml")]:
        theirs = [passari_hash(item, volatile) for item in items(etree.fromstring(path.read_bytes()))]
        ours = [read_object(item).metadata_hash for item in items(parse_document(path.read_bytes()))]
        assert ours == theirs
        seen += len(ours)
    for path in (samples / "Multimedia").rglob("*.xml"):
        theirs = [passari_hash(item, []) for item in items(etree.fromstring(path.read_bytes()))]
        assert [
            read_multimedia(item).metadata_hash for item in items(parse_document(path.read_bytes()))
        ] == theirs
        seen += len(theirs)
    assert seen > 30


def test_a_hash_that_was_computed_by_passari_once() -> None:
    item = single_item(parse_document(wrapped(object_xml(7))))
    canonical = (
        f'<moduleItem xmlns="{NAMESPACE}" hasAttachments="false" id="7"><systemField dataType="Long" name="__id">'
        '<value xmlns="">7</value></systemField>'
        '<systemField dataType="Varchar" name="__createdUser"><value xmlns=""></value></systemField>'
        '<systemField dataType="Timestamp" name="__created"><value xmlns="">1970-01-01 00:00:00.0</value></systemField>'
        '<dataField dataType="Varchar" name="ObjObjectTitleTxt"><value xmlns="">A spoon</value></dataField>'
        '<virtualField name="ObjObjectVrt"><value xmlns="">A spoon, 7</value></virtualField></moduleItem>'
    )
    assert read_object(item).metadata_hash == hashlib.sha256(canonical.encode()).hexdigest()


def test_the_field_of_preservations_and_the_last_change_do_not_count() -> None:
    field = Field(element="dataField", name="ObjPreservationClb")
    extra = '<dataField name="ObjPreservationClb"><value>[]</value></dataField>'

    def hash_with(**about: str) -> str:
        return read_object(single_item(parse_document(wrapped(object_xml(1, **about)))), field).metadata_hash  # type: ignore[arg-type]

    assert hash_with() == hash_with(extra=extra) == hash_with(modified="2020-01-01 00:00:00.0")
    assert hash_with() != hash_with(title="A fork")


def test_an_object_is_read() -> None:
    xml = object_xml(5, multimedia=(50, 51, 50), activities=(70,), modified="2018-11-21 10:44:19.6")
    record = read_object(single_item(parse_document(wrapped(xml))))
    assert (record.id, record.title) == (5, "A spoon, 5")
    assert record.modified_date == datetime(2018, 11, 21, 10, 44, 19, 600_000, tzinfo=UTC)
    assert record.multimedia_ids == (50, 51)
    assert record.collection_activity_ids == (70,)


def test_dates_that_are_not_there_are_none() -> None:
    record = read_object(single_item(parse_document(wrapped(object_xml(5, modified=None, created="")))))
    assert (record.modified_date, record.created_date) == (None, None)
    with pytest.raises(BadDocument):
        parse_timestamp("yesterday")


def test_a_truncated_document_is_told_from_a_whole_one(samples: Path) -> None:
    with pytest.raises(TruncatedDocument):
        whole_object(parse_document((samples / "Object" / "1234578.xml").read_bytes()))


@pytest.mark.parametrize("data", [b"", b"<a", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"])
def test_what_is_no_document_is_refused(data: bytes) -> None:
    with pytest.raises(BadDocument):
        parse_document(data)


def test_the_hash_of_attachments_does_not_depend_on_their_order() -> None:
    assert hash_of_attachments([]) == ""
    assert hash_of_attachments(["b", "a"]) == hashlib.sha256(b"ab").hexdigest()
