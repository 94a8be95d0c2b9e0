"""What reception reads from an entry."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from archive.identifiers import QualifiedSWHID
from deposit.metadata.entry import Author, Entry, read_entry
from deposit.metadata.errors import MetadataError
from deposit.metadata.reference import ObjectReference, OriginReference
from deposit.refusals import Kind
from tests.deposit.metadata.documents import CODEMETA_3, entry, origin, person, referenced, whole

SWHID = "swh:1:dir:" + "1" * 40
URL = "https://provider.example/software"


def error_of(document: bytes) -> MetadataError:
    with pytest.raises(MetadataError) as raised:
        read_entry(document)
    return raised.value


def test_an_entry_keeps_the_document_byte_for_byte() -> None:
    document = b'\xef\xbb\xbf<?xml version="1.0"?>\r\n<!-- mine --><e><a/></e>\n'
    assert read_entry(document).document == document


def test_an_entry_without_elements_is_empty() -> None:
    assert read_entry(entry("some text <!-- and a comment -->")).is_empty
    assert not read_entry(whole()).is_empty


def test_a_bare_entry_has_none_of_anything() -> None:
    document = entry("<id>x</id>")
    assert read_entry(document) == Entry(
        document=document,
        is_empty=False,
        title=None,
        authors=(),
        create_origin=None,
        add_to_origin=None,
        reference=None,
        provenance_url=None,
        software_version=None,
        release_notes=None,
        first_release_notes=None,
        date_created=None,
        date_published=None,
        dublin_core=(),
    )


@pytest.mark.parametrize(
    ("lines", "title"),
    [
        (["<title> A <!-- b -->c\n</title>"], "A c"),
        (["<codemeta:name>cm</codemeta:name>", "<name>n</name>"], "cm"),
        (["<name>n</name>"], "n"),
        (["<title/>", "<codemeta:name>cm</codemeta:name>"], "cm"),
        (["<source><title>x</title></source>"], None),
    ],
)
def test_the_title_is_atoms_or_else_a_name(lines: list[str], title: str | None) -> None:
    assert read_entry(entry(*lines)).title == title


def test_authors_of_atom_and_codemeta_come_in_order_and_nameless_ones_are_left_out() -> None:
    document = entry(
        "<author><name>Ada</name><email>ada@example.org</email></author>",
        "<author/>",
        person("author", "<codemeta:name> Bo </codemeta:name>"),
        f'<c:author xmlns:c="{CODEMETA_3}"><c:name>Cy</c:name></c:author>',
    )
    assert read_entry(document).authors == (Author("Ada", "ada@example.org"), Author("Bo"), Author("Cy"))


@pytest.mark.parametrize("intent", ["create_origin", "add_to_origin"])
def test_an_origin_to_create_or_add_to_is_read_trimmed(intent: str) -> None:
    read = read_entry(whole(deposit=origin(intent, f'url=" {URL}\n"')))
    assert getattr(read, intent) == URL
    assert {read.create_origin, read.add_to_origin} == {URL, None}
    assert read.reference is None


@pytest.mark.parametrize("intent", ["create_origin", "add_to_origin", "reference"])
@pytest.mark.parametrize("attributes", ["", 'url=""', 'url=" "', 'href="x"'])
def test_an_origin_without_url_is_an_error(intent: str, attributes: str) -> None:
    error = error_of(whole(deposit=origin(intent, attributes)))
    assert (error.code, error.kind) == ("metadata.origin_url", Kind.BAD_REQUEST)
    assert error.hint.startswith("<swh:origin> on line 4 has no url.")


def test_an_intent_without_origin_is_left_to_the_checks() -> None:
    assert read_entry(whole(deposit="<swh:create_origin/>")).create_origin is None


def test_create_and_add_exclude_each_other() -> None:
    error = error_of(whole(deposit=origin("create_origin") + origin("add_to_origin")))
    assert error.code == "metadata.create_and_add"
    assert "mutually exclusive" in error.summary


def test_a_reference_names_an_origin() -> None:
    read = read_entry(whole(deposit=origin("reference", f'url="{URL}"')))
    assert read.reference == OriginReference(url=URL)


@pytest.mark.parametrize("kind", ["cnt", "dir", "rev", "rel", "snp"])
def test_a_reference_names_an_object_of_any_type(kind: str) -> None:
    swhid = f"swh:1:{kind}:{'a' * 40}"
    read = read_entry(whole(deposit=referenced(swhid)))
    assert read.reference == ObjectReference(swhid=QualifiedSWHID.parse(swhid), context=swhid)


def test_a_reference_keeps_its_qualifiers_as_written() -> None:
    swhid = (
        f"{SWHID};path=/a%20b;anchor=swh:1:rel:{'3' * 40};visit=swh:1:snp:{'2' * 40};"
        "origin=https://a.example/x%3By"
    )
    reference = read_entry(whole(deposit=referenced(swhid))).reference
    assert isinstance(reference, ObjectReference)
    assert reference.context == swhid
    assert str(reference.swhid.core) == SWHID
    assert (reference.swhid.origin, reference.swhid.path) == ("https://a.example/x;y", b"/a b")


SNAPSHOT = "swh:1:snp:" + "2" * 40
BAD_SWHIDS = {
    "": "reference.swhid_missing",
    " ": "reference.swhid_missing",
    "swh:1:dir:123": "reference.swhid",
    "swh:2:dir:" + "1" * 40: "reference.swhid",
    "swh:1:dir:" + "A" * 40: "reference.swhid",
    "swh:1:ori:" + "1" * 40: "reference.swhid",
    "swh:1:emd:" + "1" * 40: "reference.swhid",
    "https://archive.example/" + SWHID: "reference.swhid",
    f"{SWHID};": "reference.swhid",
    f"{SWHID};colour=red": "reference.swhid",
    f"{SWHID};origin=a;origin=b": "reference.swhid",
    f"{SWHID};visit={SWHID}": "reference.swhid",
    f"{SWHID};visit=1": "reference.swhid",
    f"{SWHID};anchor=swh:1:cnt:{'1' * 40}": "reference.swhid",
    f"{SWHID};lines=1-2": "reference.qualifier",
    f"{SWHID};bytes=1-2": "reference.qualifier",
    f"{SWHID};origin=": "reference.qualifier",
    f"{SWHID};origin=https://a.example/%00": "reference.qualifier",
    f"{SWHID};path=": "reference.qualifier",
    f"{SWHID};path=/a%00": "reference.qualifier",
    f"{SWHID};visit={SNAPSHOT};anchor={SNAPSHOT}": "reference.visit_and_anchor",
}


@pytest.mark.parametrize(("swhid", "code"), BAD_SWHIDS.items())
def test_an_unreadable_reference_is_an_error(swhid: str, code: str) -> None:
    error = error_of(whole(deposit=referenced(swhid)))
    assert (error.code, error.summary) == (code, "Invalid SWHID reference")


@pytest.mark.parametrize(
    "reference",
    [
        "<swh:reference/>",
        "<swh:reference><swh:note/></swh:reference>",
        f"<swh:reference>{referenced(SWHID)}</swh:reference>",
        f'<swh:reference><swh:object swhid="{SWHID}"/><swh:origin url="{URL}"/></swh:reference>',
    ],
)
def test_a_reference_to_nothing_or_to_two_things_is_an_error(reference: str) -> None:
    assert error_of(whole(deposit=reference)).code == "reference.target"


@pytest.mark.parametrize(
    ("deposit", "slug", "other"),
    [
        (referenced(SWHID) + origin("create_origin"), None, "<swh:create_origin>"),
        (referenced(SWHID) + origin("add_to_origin"), None, "<swh:add_to_origin>"),
        (referenced(SWHID), "my-software", "Slug"),
    ],
)
def test_a_reference_excludes_origins_and_slug(deposit: str, slug: str | None, other: str) -> None:
    read = read_entry(whole(deposit=deposit))
    with pytest.raises(MetadataError) as raised:
        read.refuse_mixed_kinds(slug=slug)
    assert raised.value.code == "metadata.mixed_kinds"
    assert f", or {other} to deposit metadata only" in raised.value.hint


@pytest.mark.parametrize("slug", [None, ""])
def test_a_reference_alone_is_no_mixture(slug: str | None) -> None:
    read_entry(whole(deposit=referenced(SWHID))).refuse_mixed_kinds(slug=slug)


def test_a_code_deposit_may_have_origin_and_slug() -> None:
    read_entry(whole(deposit=origin("create_origin"))).refuse_mixed_kinds(slug="my-software")


def test_the_provenance_is_the_url_in_the_deposit_element() -> None:
    assert read_entry(whole()).provenance_url == "https://provider.example/about"
    assert read_entry(entry("<schema:url>https://a.example</schema:url>")).provenance_url is None


def test_the_version_is_codemetas_software_version() -> None:
    version = "<codemeta:softwareVersion> 1.2 </codemeta:softwareVersion>"
    assert read_entry(whole("<codemeta:version>9</codemeta:version>", version)).software_version == "1.2"
    assert (
        read_entry(whole("<codemeta:softwareVersion> </codemeta:softwareVersion>")).software_version is None
    )


def test_all_release_notes_are_joined_as_written() -> None:
    note = "<codemeta:releaseNotes>{}</codemeta:releaseNotes>".format
    read = read_entry(whole(note("first\n line"), note(""), note(" second")))
    assert (read.release_notes, read.first_release_notes) == ("first\n line\n\n second", "first\n line")


def test_schema_org_release_notes_stand_in_for_the_first_only() -> None:
    read = read_entry(whole("<schema:releaseNotes>note</schema:releaseNotes>"))
    assert (read.release_notes, read.first_release_notes) == (None, "note")


def _dates(**dates: str) -> Entry:
    return read_entry(whole(*(f"<codemeta:{name}>{text}</codemeta:{name}>" for name, text in dates.items())))


def test_dates_are_aware_in_the_zone_as_written() -> None:
    read = _dates(dateCreated="2024-02-29T12:30:15.25-05:30", datePublished="2024-03")
    zone = timezone(-timedelta(hours=5, minutes=30))
    assert read.date_created == datetime(2024, 2, 29, 12, 30, 15, 250_000, zone)
    assert read.date_created.utcoffset() == -timedelta(minutes=330)
    assert read.date_published == datetime(2024, 3, 1, tzinfo=UTC)
    assert (read.author_date, read.committer_date) == (read.date_created, read.date_published)


def test_each_date_stands_in_for_the_other() -> None:
    created, published = _dates(dateCreated="2001"), _dates(datePublished="2002")
    assert created.author_date == created.committer_date == datetime(2001, 1, 1, tzinfo=UTC)
    assert published.author_date == published.committer_date == datetime(2002, 1, 1, tzinfo=UTC)


def test_the_end_of_a_day_is_the_next_day() -> None:
    assert _dates(dateCreated="2023-12-31T24:00:00").date_created == datetime(2024, 1, 1, tzinfo=UTC)


def test_an_unreadable_date_is_none() -> None:
    assert _dates(dateCreated="soon").author_date is None


def test_codemeta_3_is_read_like_2() -> None:
    document = whole(
        person(),
        "<codemeta:dateCreated>2024</codemeta:dateCreated>",
        "<codemeta:softwareVersion>3</codemeta:softwareVersion>",
        codemeta=CODEMETA_3,
    )
    read = read_entry(document)
    assert (read.author_date, read.software_version) == (datetime(2024, 1, 1, tzinfo=UTC), "3")


def test_dublin_core_is_kept_in_order_with_its_whole_text() -> None:
    document = whole(
        "<dcterms:title>T</dcterms:title>",
        '<dcterms:abstract>a <b xmlns="urn:x">b</b> c</dcterms:abstract>',
        "<dcterms:title>U</dcterms:title>",
        "<source><dcterms:title>no</dcterms:title></source>",
    )
    assert read_entry(document).dublin_core == (("title", "T"), ("abstract", "a b c"), ("title", "U"))
