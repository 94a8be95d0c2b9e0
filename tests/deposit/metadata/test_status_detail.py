"""Findings as the text that swh-deposit's clients print."""

from deposit.findings import Area, Finding
from deposit.metadata.checks import check_entry
from deposit.metadata.status_detail import render_status_detail
from tests.deposit.metadata.documents import AUTHOR, entry


def _finding(area: Area, subject: str = "", message: str = "Mend it.", code: str = "x.y") -> Finding:
    return Finding(code=code, area=area, subject=subject, message=message)


def test_nothing_found_is_nothing_said() -> None:
    assert render_status_detail([]) == ""


def test_areas_come_in_their_order() -> None:
    areas = [Area.LOADING, Area.URL, Area.ARCHIVE, Area.METADATA]
    rendered = render_status_detail(_finding(area, message=f"On {area}.") for area in areas)
    assert rendered == "- On metadata\n- On archive\n- On url\n- On loading\n"


def test_findings_that_say_the_same_share_a_line() -> None:
    findings = [
        _finding(Area.ARCHIVE, "a.zip"),
        _finding(Area.ARCHIVE, "b.zip", "Send it."),
        _finding(Area.ARCHIVE, "c.zip"),
        _finding(Area.ARCHIVE, "c.zip"),
        _finding(Area.METADATA, "entry"),
    ]
    assert (
        render_status_detail(findings) == "- Mend it (entry)\n- Mend it (a.zip, c.zip)\n- Send it (b.zip)\n"
    )


def test_a_sentence_stays_on_its_line() -> None:
    assert render_status_detail([_finding(Area.URL, message="One.\n- Two.")]) == "- One. - Two\n"


def test_missing_fields_are_told_in_the_words_that_clients_know() -> None:
    assert render_status_detail(check_entry(entry("<id>x</id>"))) == (
        "- Mandatory fields are missing "
        "(atom:name or atom:title or codemeta:name, atom:author or codemeta:author)\n"
        "- Suggested fields are missing (swh:metadata-provenance)\n"
    )


def test_other_rules_name_their_element() -> None:
    rendered = render_status_detail(check_entry(entry("<title>t</title>", AUTHOR, "<content/>")))
    assert rendered.splitlines()[0] == (
        "- content is not a valid Atom element, see https://datatracker.ietf.org/doc/html/rfc4287: remove it, or "
        "use the namespace it belongs to (entry/content, line 4)"
    )


def test_warnings_on_packages_are_told_as_such() -> None:
    finding = _finding(Area.ARCHIVE, "p.zip: a", "It looks like a key.", code="package.warning.secret")
    assert render_status_detail([finding]) == "- Warning: It looks like a key (p.zip: a)\n"
