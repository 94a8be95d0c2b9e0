"""Every row of docs/reference/sword2.md names a test that is there."""

import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
TABLE = REPOSITORY / "docs" / "reference" / "sword2.md"


def test_every_requirement_names_a_test_that_is_there() -> None:
    rows = [line for line in TABLE.read_text().splitlines() if re.match(r"\| (\d|AtomPub)", line)]
    named = {row: re.findall(r"`(test_\w+)`", row) for row in rows}
    assert len(rows) > 40
    assert [row for row, tests in named.items() if len(tests) != 1] == []
    defined = set()
    for path in (REPOSITORY / "tests").rglob("test_*.py"):
        defined |= set(re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE))
    assert {test for tests in named.values() for test in tests} - defined == set()
