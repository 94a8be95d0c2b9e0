"""``docs/reference/errors.md`` tells every code that there is, and what to do about it."""

import re

from tests.support import error_codes

LISTED = re.findall(r"^\| `([^`]+)` \|", error_codes.PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def test_the_page_says_what_the_code_says() -> None:
    assert error_codes.PAGE.read_text(encoding="utf-8") == error_codes.page(), (
        "run: python -m tests.support.error_codes"
    )


def test_every_refusal_says_what_is_wrong_and_what_to_do() -> None:
    rows = error_codes.public_refusals()
    assert [row.code for row in rows if not (row.says.strip("… ") and row.hint.strip("… "))] == []


def test_a_refusal_whose_code_is_computed_is_one_that_the_page_tells_by_other_means() -> None:
    _, computed = error_codes.refusals()
    assert computed == error_codes.COMPUTED


def test_every_finding_says_something() -> None:
    assert [code for code, says in error_codes.findings() if not says.strip("… ")] == []


def test_advice_is_only_given_for_codes_that_exist() -> None:
    assert sorted(error_codes.ADVICE.keys() - set(LISTED)) == []
    assert sorted(error_codes.MEANINGS.keys() - set(LISTED)) == []


def test_codes_are_written_alike() -> None:
    assert len(LISTED) > 200
    assert [code for code in LISTED if not re.fullmatch(r"([a-z0-9_*]+\.)+[a-z0-9_*-]+", code)] == []
