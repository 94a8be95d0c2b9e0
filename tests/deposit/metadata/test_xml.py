"""The one place where bytes become XML: hostile documents, their benign look-alikes, and what is read of them."""

import resource
import sys
import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from deposit.metadata.catalogue import ERRORS
from deposit.metadata.checks import check_entry
from deposit.metadata.entry import read_entry
from deposit.metadata.errors import MetadataError
from deposit.metadata.namespaces import ATOM, CODEMETA_2, CODEMETA_3, DCTERMS, DEPOSIT, SCHEMA_ORG
from deposit.metadata.status_detail import render_status_detail
from deposit.metadata.terms import ATOM_ELEMENTS, KINDS
from deposit.metadata.xml import parse
from tests.deposit.metadata.documents import whole
from tests.deposit.metadata.hostile_cases import ACCEPTED, CASES, HostileCase
from tests.deposit.metadata.rule_cases import CASES as RULE_CASES
from tests.deposit.metadata.rule_cases import Case

INTENTS = ("create_origin", "add_to_origin", "reference", "metadata-provenance")

# What a document may cost at most: generous for a busy machine, and a hundredth of what the worst of these
# documents cost without the limits.
SECONDS = 5
MEMORY = 256 * 1024 * 1024
_KIBIBYTES = 1024 if sys.platform == "linux" else 1


def verdict(document: bytes) -> str:
    try:
        read_entry(document)
        check_entry(document)
    except MetadataError as error:
        return error.code
    return ACCEPTED


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_hostile_document_gets_its_verdict_within_bounds(case: HostileCase) -> None:
    document = case.make()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    assert verdict(document) == case.verdict
    assert time.process_time() - began < SECONDS
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) * _KIBIBYTES < MEMORY


def test_the_cases_are_many_and_each_has_its_own_name() -> None:
    assert len(CASES) >= 100
    assert [name for name, count in Counter(case.name for case in CASES).items() if count > 1] == []


def test_every_refusal_of_a_document_has_a_case() -> None:
    raised_by_parse = {code for code in ERRORS if code.startswith("metadata.")} - {
        "metadata.create_and_add",
        "metadata.mixed_kinds",
        "metadata.origin_url",
    }
    assert {case.verdict for case in CASES} - {ACCEPTED} == raised_by_parse


def test_comments_and_instructions_do_not_cut_texts() -> None:
    assert parse(b"<a>b<!-- c -->d<?e?>f<![CDATA[<g>]]></a>").text == "bdf<g>"


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-15", "windows-1252", "utf-16"])
def test_characters_are_read_in_the_documents_own_encoding(encoding: str) -> None:
    document = f'<?xml version="1.0" encoding="{encoding}"?><a>Sète, 5 €</a>'.encode(encoding)
    assert parse(document).text == "Sète, 5 €"


def test_xinclude_is_not_followed() -> None:
    document = whole('<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="/etc/passwd" parse="text"/>')
    assert "".join(map(str, parse(document).itertext())).count("root:") == 0


def test_the_size_limit_can_be_lowered() -> None:
    assert parse(b"<a/>", max_size=4).tag == "a"
    with pytest.raises(MetadataError) as raised:
        parse(b"<a/>", max_size=3)
    assert raised.value.hint.startswith("The document has 4 bytes; at most 3 are accepted.")


def test_a_malformed_document_is_told_where_and_how_to_mend_it() -> None:
    with pytest.raises(MetadataError) as raised:
        parse(b"<entry>\n  <title>AT&T</title>\n</entry>")
    assert raised.value.summary == "Malformed xml metadata"
    assert raised.value.hint == (
        "Line 2, column 14: A literal '&' is written &amp;, and an entity ends with a semicolon."
    )


def test_no_refusal_speaks_of_the_library() -> None:
    for case in CASES:
        if case.verdict != ACCEPTED:
            with pytest.raises(MetadataError) as raised:
                parse(case.make())
            assert "XML_" not in raised.value.hint
            assert "xmlParse" not in raised.value.hint
            assert len(raised.value.hint) < 400


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_raise_anything_but_metadata_errors(data: bytes) -> None:
    verdict(data)


# What Hypothesis puts into documents beside bytes of its own.
SNIPPETS = [
    b"<swh:deposit>",
    b"</swh:deposit>",
    b'<swh:origin url="x"/>',
    b"<swh:reference/>",
    b"<codemeta:author/>",
    b"<codemeta:dateCreated>0000</codemeta:dateCreated>",
    b"<!DOCTYPE a>",
    b"<![CDATA[",
    b"]]>",
    b"<!--",
    b"-->",
    b"&amp;",
    b"&#x202e;",
    b' xmlns=""',
    b' xmlns:a="b"',
    b"{0}",
    b"%s",
]


@settings(deadline=None)
@given(data=st.data(), case=st.sampled_from(RULE_CASES))
def test_no_damage_to_a_document_raises_anything_but_metadata_errors(data: st.DataObject, case: Case) -> None:
    document = bytearray(case.document)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(document)))
        end = data.draw(st.integers(start, min(len(document), start + 40)))
        document[start:end] = data.draw(st.binary(max_size=12) | st.sampled_from(SNIPPETS))
    verdict(bytes(document))


NAMESPACES = [ATOM, CODEMETA_2, CODEMETA_3, DEPOSIT, SCHEMA_ORG, DCTERMS, "urn:x", None]
NAMES = sorted(
    ATOM_ELEMENTS | KINDS.keys() | set(INTENTS) | {"deposit", "origin", "object", "affiliation", "x"}
)
TEXTS = st.sampled_from(
    ["", " ", "2024", "https://a.example", "swh:1:dir:" + "1" * 40, "{0}", "%s", "\u202e", "é"]
)


@st.composite
def elements(draw: st.DrawFn, depth: int = 0) -> etree._Element:
    """An element of any known name, with elements like it inside."""
    namespace = draw(st.sampled_from(NAMESPACES))
    name = draw(st.sampled_from(NAMES))
    element = etree.Element(f"{{{namespace}}}{name}" if namespace else name)
    element.text = draw(TEXTS)
    element.tail = draw(TEXTS)
    for attribute in draw(st.lists(st.sampled_from(["url", "swhid", "x"]), max_size=2, unique=True)):
        element.set(attribute, draw(TEXTS))
    if depth < 4:
        element.extend(draw(st.lists(elements(depth + 1), max_size=3)))
    return element


@settings(deadline=None)
@given(st.lists(elements(), max_size=5))
def test_no_arrangement_of_known_elements_raises_anything_but_metadata_errors(
    children: list[etree._Element],
) -> None:
    root = etree.Element(f"{{{ATOM}}}entry")
    root.extend(children)
    document = etree.tostring(root)
    assert all(line.startswith("- ") for line in render_status_detail(check_entry(document)).splitlines())
    verdict(document)
