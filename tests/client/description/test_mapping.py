"""The reference page lists what becomes of every field."""

from tests.client.description import mapping


def test_the_page_has_the_tables_as_they_are() -> None:
    page = mapping.PAGE.read_text(encoding="utf-8")
    assert page.partition(mapping.HEADING)[1:] == (
        mapping.HEADING,
        mapping.tables().removeprefix(mapping.HEADING),
    ), "run: python -m tests.client.description.mapping"
