"""Licences and ORCID iDs in what people write."""

import pytest

from client.licences import canonical, doubts, suggestions
from client.orcid import split_orcid


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Apache", "Apache-2.0"), ("apache license 2.0", "Apache-2.0"), ("BSD", "BSD-2-Clause"),
        ("MIT License", "MIT"), ("Apahce-2.0", "Apache-2.0"), ("cc by 4.0", "CC-BY-4.0"),
        ("https://spdx.org/licenses/Apache", "Apache-2.0"),
    ],
)  # fmt: skip
def test_what_was_probably_meant_is_suggested(text: str, first: str) -> None:
    assert canonical(text) is None
    assert suggestions(text)[0] == first


def test_nothing_is_suggested_for_what_is_like_nothing() -> None:
    assert suggestions("") == suggestions("???") == []


@pytest.mark.parametrize(
    "written",
    [
        "Ada Lovelace https://orcid.org/0000-0002-1825-0097",
        "Ada Lovelace, 0000-0002-1825-0097",
        "Ada Lovelace (ORCID: 0000-0002-1825-0097)",
        "0000-0002-1825-0097 Ada Lovelace",
        "Ada Lovelace orcid.org/0000-0002-1825-0097".replace("orcid.org/", "http://orcid.org/"),
    ],
)
def test_an_orcid_beside_a_name_is_taken_for_what_it_is(written: str) -> None:
    assert split_orcid(written) == ("Ada Lovelace", "https://orcid.org/0000-0002-1825-0097")


def test_what_only_looks_like_an_orcid_stays_in_the_name() -> None:
    for name in ("Ada Lovelace", "R2-D2 0000-0002-1825-0098", "0000-0002-1825-009X"):
        assert split_orcid(name) == (name, "")
    assert split_orcid("0000-0002-1694-233x") == ("", "https://orcid.org/0000-0002-1694-233X")


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("MIT", ""),
        ("GPL-3.0-or-later OR MIT", ""),
        ("https://spdx.org/licenses/MIT.html", ""),
        ("https://example.org/our-licence", ""),
        ("", ""),
        ("Apache", "Apache is no licence of SPDX, by which programs know licences. Is Apache-2.0 meant?"),
        (
            "qqq",
            "qqq is no licence of SPDX, by which programs know licences. See https://spdx.org/licenses/.",
        ),
    ],
)
def test_whoever_gives_an_unknown_licence_is_told_what_may_be_meant(text: str, doubt: str) -> None:
    assert doubts(text) == doubt
