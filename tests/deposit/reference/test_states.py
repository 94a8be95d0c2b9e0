"""``docs/reference/states.md`` tells the lifecycle as it is."""

from pathlib import Path

from deposit.reference.states import page


def test_the_page_of_states_is_the_one_that_the_table_makes() -> None:
    written = Path(__file__).parents[3] / "docs" / "reference" / "states.md"
    assert written.read_text() == page()
