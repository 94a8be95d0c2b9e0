"""The reference pages on metadata say what the code does."""

import re
from pathlib import Path

from deposit.metadata.catalogue import ERRORS, RULES
from deposit.metadata.checks import MAX_FINDINGS, check_entry
from deposit.metadata.entry import read_entry
from deposit.metadata.origins import MAX_LENGTH
from deposit.metadata.terms import KINDS, Kind
from deposit.metadata.xml import MAX_ATTRIBUTE_SIZE, MAX_ATTRIBUTES, MAX_DEPTH, MAX_SIZE, MAX_TAGS
from tests.deposit.metadata import catalogue
from tests.deposit.metadata.documents import whole
from tests.packages.catalogue import section_of

PAGE = (Path(__file__).resolve().parents[3] / "docs/reference/metadata.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \|(.*)\|$", PAGE, re.MULTILINE)
EXAMPLES = re.findall(r"```xml\n(.*?)```", PAGE, re.DOTALL)


def test_every_code_has_one_row_and_every_row_a_code() -> None:
    assert sorted(code for code, _ in ROWS) == sorted(ERRORS.keys() | RULES.keys())


def test_the_example_breaks_no_rule() -> None:
    assert check_entry(EXAMPLES[0].encode()) == []


def test_the_example_is_read_as_the_page_says() -> None:
    entry = read_entry(EXAMPLES[0].encode())
    assert entry.title == "Verifiable Linear Algebra"
    assert entry.software_version == "1.2.0"
    assert entry.create_origin == "https://provider.example/linear-algebra"
    assert [name for name, _ in entry.dublin_core] == ["abstract"]


def test_the_references_are_readable() -> None:
    references = EXAMPLES[1].splitlines()
    assert len(references) == 2
    for reference in references:
        assert read_entry(whole(deposit=reference)).reference is not None


def test_the_limits_are_the_codes() -> None:
    limits = (
        f"at most {MAX_SIZE // 2**20} MiB, {MAX_TAGS:,} tags (comments and processing instructions count), "
        f"{MAX_DEPTH} levels, {MAX_ATTRIBUTES} attributes on one element and {MAX_ATTRIBUTE_SIZE:,} characters"
    )
    assert limits in " ".join(PAGE.split())
    assert f"more than {MAX_LENGTH:,} characters" in PAGE
    assert f"After {MAX_FINDINGS} of them" in PAGE


def test_the_elements_of_each_kind_are_listed() -> None:
    cells = {code: cell.rpartition("|")[2] for code, cell in ROWS}
    for kind in Kind:
        names = re.findall(r"`(\w+)`", cells[f"metadata.{kind.value}"])
        assert sorted(names) == sorted(name for name, known in KINDS.items() if known is kind)


def test_the_page_of_hostile_input_lists_the_documents_as_they_are() -> None:
    page = catalogue.PAGE.read_text(encoding="utf-8")
    start, end = section_of(page, "documents")
    assert page[start:end] == catalogue.documents_table(), "run: python -m tests.deposit.metadata.catalogue"
