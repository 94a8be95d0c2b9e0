"""SWHIDs as text, against swh.model's own parser."""

import pytest
from swh.model import swhids as oracle

from archive.errors import InvalidIdentifier
from archive.identifiers import SWHID, ObjectType, QualifiedSWHID, content_id, origin_id

HEX = "94a9ed024d3859793618152ea559a168bbcbb5e2"


@pytest.mark.parametrize("kind", list(ObjectType))
def test_a_core_identifier_survives_parsing(kind: ObjectType) -> None:
    text = f"swh:1:{kind.value}:{HEX}"
    assert SWHID.parse(text) == SWHID(kind, bytes.fromhex(HEX))
    assert str(SWHID.parse(text)) == text == str(oracle.ExtendedSWHID.from_string(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "swh:1:cnt:",
        f"swh:2:cnt:{HEX}",
        f"swh:1:foo:{HEX}",
        f"swh:1:cnt:{HEX.upper()}",
        f"swh:1:cnt:{HEX}\n",
        f" swh:1:cnt:{HEX}",
        f"swh:1:cnt:{HEX[:-1]}",
        f"swh:1:cnt:{HEX};origin=https://a",
        "swh:1:cnt:" + "٣" * 40,
    ],
)
def test_what_is_no_core_identifier_is_refused(text: str) -> None:
    with pytest.raises(InvalidIdentifier):
        SWHID.parse(text)


QUALIFIED = [
    f"swh:1:cnt:{HEX};origin=https://hal.science/x",
    f"swh:1:dir:{HEX};origin=https://a/%3Bb%25;visit=swh:1:snp:{HEX};anchor=swh:1:rel:{HEX};path=/",
    f"swh:1:cnt:{HEX};path=/a%20b/%FF;lines=5-10",
    f"swh:1:cnt:{HEX};lines=7",
]


@pytest.mark.parametrize("text", QUALIFIED)
def test_a_qualified_identifier_reads_and_writes_as_swh_model_does(text: str) -> None:
    ours, theirs = QualifiedSWHID.parse(text), oracle.QualifiedSWHID.from_string(text)
    assert str(ours) == str(theirs) == text
    assert (ours.origin, ours.path, ours.lines) == (theirs.origin, theirs.path, theirs.lines)
    assert str(ours.visit) == str(theirs.visit)
    assert str(ours.anchor) == str(theirs.anchor)


@pytest.mark.parametrize(
    "text",
    [
        f"swh:1:cnt:{HEX};foo=1",
        f"swh:1:cnt:{HEX};lines=a",
        f"swh:1:cnt:{HEX};lines=1;lines=2",
        f"swh:1:cnt:{HEX};visit=swh:1:dir:{HEX}",
        f"swh:1:cnt:{HEX};anchor=swh:1:cnt:{HEX}",
        f"swh:1:ori:{HEX};path=/",
        f"swh:1:cnt:{HEX};",
    ],
)
def test_wrong_qualifiers_are_refused(text: str) -> None:
    with pytest.raises(InvalidIdentifier):
        QualifiedSWHID.parse(text)


def test_qualifiers_may_come_in_any_order() -> None:
    text = f"swh:1:cnt:{HEX};path=/a;origin=https://a"
    assert str(QualifiedSWHID.parse(text)) == f"swh:1:cnt:{HEX};origin=https://a;path=/a"


def test_the_bytes_qualifier_of_the_standard_is_read() -> None:
    assert QualifiedSWHID.parse(f"swh:1:cnt:{HEX};bytes=1-9").bytes == (1, 9)


def test_well_known_identifiers() -> None:
    assert content_id(b"").hex() == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    assert origin_id("https://github.com/torvalds/linux").hex() == "b63a575fe3faab7692c9f38fb09d4bb45651bb0f"
