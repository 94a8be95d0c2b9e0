"""The rules for metadata documents."""

import pytest

from deposit.findings import Area, Severity
from deposit.metadata.catalogue import RULES
from deposit.metadata.checks import MAX_FINDINGS, check_entry
from deposit.metadata.terms import ATOM_ELEMENTS, CODEMETA_TERMS, KINDS
from deposit.metadata.xml import parse
from tests.deposit.metadata.documents import CODEMETA_2, CODEMETA_3, entry, person, whole
from tests.deposit.metadata.rule_cases import BAD_DATES, CASES, Case


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_document_has_exactly_the_findings_of_the_rules_it_breaks(case: Case) -> None:
    assert [(finding.code, finding.subject) for finding in check_entry(case.document)] == case.expected


def test_every_rule_has_a_case() -> None:
    met = {code for case in CASES for code, _ in case.expected}
    # What is said of a package's own description is tried with packages (tests/checker/test_describing.py).
    assert met | {"metadata.more", "metadata.from_package", "metadata.package_note"} == set(RULES)


def test_all_broken_rules_are_told_at_once_and_warnings_last() -> None:
    document = entry(
        "<content/>",
        "<codemeta:url>x</codemeta:url>",
        "<swh:deposit><swh:note/></swh:deposit>",
        "<codemeta:dateCreated>soon</codemeta:dateCreated>",
    )
    assert [(finding.code, finding.severity) for finding in check_entry(document)] == [
        ("metadata.mandatory", Severity.ERROR),
        ("metadata.mandatory", Severity.ERROR),
        ("metadata.deposit_element", Severity.ERROR),
        ("metadata.uri", Severity.ERROR),
        ("metadata.date", Severity.ERROR),
        ("metadata.atom_element", Severity.ERROR),
        ("metadata.suggested", Severity.WARNING),
    ]


def test_findings_speak_of_the_metadata_and_say_what_is_wrong_with_the_value() -> None:
    (finding,) = check_entry(whole("<codemeta:embargoDate>2024</codemeta:embargoDate>"))
    assert finding.area is Area.METADATA
    assert finding.message == "'2024' is not a day: write YYYY-MM-DD."


def test_values_in_messages_are_short_and_on_one_line() -> None:
    (finding,) = check_entry(whole(f"<codemeta:url>{'x' * 500}\n\ny</codemeta:url>"))
    assert finding.message.startswith(f"'{'x' * 119}…' is not an absolute URI")


def test_names_in_places_are_short() -> None:
    (finding,) = check_entry(whole(f"<{'x' * 500}/>"))
    assert finding.subject == f"entry/{'x' * 59}…, line 5"


def test_places_use_the_known_prefixes_whatever_the_document_calls_them() -> None:
    document = whole(f'<a:author xmlns:a="{CODEMETA_2}"><a:foo/></a:author>')
    assert [finding.subject for finding in check_entry(document)] == [
        "entry/codemeta:author, line 5",
        "entry/codemeta:author/codemeta:foo, line 5",
    ]


def test_at_most_a_hundred_findings_are_listed_and_the_rest_counted() -> None:
    findings = check_entry(whole("<x/>" * (MAX_FINDINGS + 7)))
    assert len(findings) == MAX_FINDINGS + 1
    assert findings[-1].code == "metadata.more"
    assert findings[-1].message.startswith("7 more findings")


def test_a_parsed_document_can_be_checked_too() -> None:
    assert check_entry(parse(whole())) == []


def test_bytes_that_are_no_xml_have_the_finding_of_the_parser() -> None:
    (finding,) = check_entry(b"<entry>")
    assert (finding.code, finding.area, finding.severity) == (
        "metadata.malformed",
        Area.METADATA,
        Severity.ERROR,
    )
    assert finding.message.startswith("Malformed xml metadata: Line 1, column 8: The document ends before")


@pytest.mark.parametrize("name", sorted(ATOM_ELEMENTS))
def test_every_element_of_atom_is_allowed(name: str) -> None:
    assert check_entry(whole(f"<{name}/>")) == []


@pytest.mark.parametrize("version", [CODEMETA_2, CODEMETA_3])
def test_every_term_of_a_codemeta_context_is_allowed(version: str) -> None:
    free = sorted(CODEMETA_TERMS[version] - set(KINDS))
    assert check_entry(whole(*(f"<codemeta:{name}/>" for name in free), codemeta=version)) == []


def test_codemeta_2_has_the_74_keys_of_its_context_and_3_those_of_its_own() -> None:
    assert len(CODEMETA_TERMS[CODEMETA_2]) == 74
    assert CODEMETA_TERMS[CODEMETA_2] - CODEMETA_TERMS[CODEMETA_3] == {"contIntegration", "embargoDate"}
    assert len(CODEMETA_TERMS[CODEMETA_3]) == 84


def test_every_kind_belongs_to_a_term() -> None:
    assert set(KINDS) <= CODEMETA_TERMS[CODEMETA_2] | CODEMETA_TERMS[CODEMETA_3]


def test_the_bad_dates_are_bad_in_every_date_element() -> None:
    names = ("dateCreated", "dateModified", "datePublished")
    lines = [f"<codemeta:{name}>{text}</codemeta:{name}>" for text in BAD_DATES for name in names]
    assert [finding.code for finding in check_entry(whole(*lines))] == ["metadata.date"] * len(lines)


def test_both_versions_of_codemeta_may_stand_in_one_document() -> None:
    other = f'<v3:author xmlns:v3="{CODEMETA_3}"><v3:name>Bo</v3:name><v3:roleName/></v3:author>'
    assert check_entry(whole(person(), other)) == []
