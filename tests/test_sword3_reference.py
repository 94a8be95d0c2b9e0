"""``docs/reference/sword3.md`` names a test for every requirement, and the test is there."""

import re
from pathlib import Path

from deposit.sword3.errors import BY_CODE, BY_KIND

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "reference" / "sword3.md"
STRENGTHS = ("| MUST", "| SHOULD", "| RECOMMENDED", "| MAY")


def test_every_requirement_has_its_test() -> None:
    lines = PAGE.read_text().splitlines()
    rows = [line.split(" | ") for line in lines if line.startswith(STRENGTHS)]
    assert len(rows) > 60
    named = {re.sub(r"[|` ]", "", row[-1]) for row in rows}
    sources = "\n".join(path.read_text() for path in HERE.rglob("test_*.py"))
    assert sorted(name for name in named if f"def {name}(" not in sources) == []


def test_every_error_type_of_the_server_is_told() -> None:
    types = {kind for kind, _ in (*BY_CODE.values(), *BY_KIND.values())} - {"NotFound", "Forbidden"}
    assert sorted(kind for kind in types if kind not in PAGE.read_text()) == []
