"""What a release promised, the releases after it keep. `make release` looks whether all that is new is promised."""

from pathlib import Path

import pytest

from tests.support.promises import kept, promised

KINDS = sorted(promised())
PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "stability.md"


@pytest.fixture(scope="module")
def now() -> dict[str, list[str]]:
    return kept()


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_that_was_promised_is_gone(kind: str, now: dict[str, list[str]]) -> None:
    assert sorted(set(promised()[kind]) - set(now[kind])) == []


def test_the_page_tells_of_every_kind() -> None:
    text = PAGE.read_text()
    assert [kind for kind in KINDS if f"**{kind[0].upper()}{kind[1:]}**" not in text] == []
