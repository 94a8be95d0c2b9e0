"""The documentation says what the reader does."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from packages import CODES
from packages.warnings import WARNINGS
from tests.packages.catalogue import POLICY_PAGE, SECTIONS, section_of


@pytest.mark.parametrize(
    ("place", "table"), SECTIONS.items(), ids=[f"{path.stem}-{name}" for path, name in SECTIONS]
)
def test_generated_section_is_up_to_date(place: tuple[Path, str], table: Callable[[], str]) -> None:
    path, name = place
    page = path.read_text()
    start, end = section_of(page, name)

    assert page[start:end] == table()


def test_policy_names_every_code_and_no_other() -> None:
    page = POLICY_PAGE.read_text()
    start, end = section_of(page, "codes")
    policy = page[:start] + page[end:]
    for section in ("warnings", "tools"):
        start, end = section_of(policy, section)
        policy = policy[:start] + policy[end:]

    assert set(re.findall(r"`(package\.[a-z0-9.-]+)`", policy)) == {*CODES, *WARNINGS, "package.confirm"}


def test_codes_are_written_alike() -> None:
    assert [code for code in CODES if not re.fullmatch(r"package(\.[a-z0-9-]+)+", code)] == []
    assert list(CODES) == sorted(CODES)
