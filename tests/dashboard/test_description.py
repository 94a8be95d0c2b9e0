"""What people read of a deposit's metadata."""

import pytest
from lxml import etree

from dashboard.description import Licence, licences_of
from dashboard.forms import DescriptionForm, entry_of
from deposit.metadata.entry import read_entry
from deposit.metadata.namespaces import ATOM, CODEMETA_2


def entry(inside: str) -> bytes:
    return f'<entry xmlns="{ATOM}" xmlns:codemeta="{CODEMETA_2}">{inside}</entry>'.encode()


@pytest.mark.parametrize(
    ("inside", "licences"),
    [
        ("<title>none</title>", []),
        (
            "<codemeta:license><codemeta:name>MIT</codemeta:name>"
            "<codemeta:url>https://spdx.org/licenses/MIT.html</codemeta:url></codemeta:license>",
            [Licence("MIT", "https://spdx.org/licenses/MIT.html")],
        ),
        (
            "<codemeta:license> GPL-3.0-only </codemeta:license><codemeta:license/>"
            "<codemeta:license><codemeta:name>MIT</codemeta:name></codemeta:license>",
            [Licence("GPL-3.0-only", ""), Licence("MIT", "")],
        ),
        (
            "<codemeta:license>https://spdx.org/licenses/MIT.html</codemeta:license>",
            [Licence("https://spdx.org/licenses/MIT.html", "https://spdx.org/licenses/MIT.html")],
        ),
        (
            "<codemeta:license><codemeta:name>Bad</codemeta:name>"
            "<codemeta:url>javascript:alert(1)</codemeta:url></codemeta:license>",
            [Licence("Bad", "")],
        ),
    ],
)
def test_licences_are_shown_as_they_are_named_and_lead_to_the_web_only(
    inside: str, licences: list[Licence]
) -> None:
    assert licences_of(read_entry(entry(inside))) == licences


def form(**fields: str) -> DescriptionForm:
    told = {"collection": "hal", "title": "T", "authors": "Ada", **fields}
    return DescriptionForm(told, collections=["hal"])


def test_a_licence_is_one_of_spdx_or_suggested() -> None:
    for written, kept in (
        ("apache-2.0", "Apache-2.0"),
        ("MIT or GPL-3.0-only", "MIT OR GPL-3.0-only"),
        ("", ""),
    ):
        filled = form(licence=written)
        assert filled.is_valid(), filled.errors
        assert filled.cleaned_data["licence"] == kept
    refused = form(licence="Apache")
    assert "Did you mean Apache-2.0?" in str(refused.errors["licence"])
    assert "see spdx.org/licenses" in str(form(licence="???").errors["licence"])


def test_an_orcid_pasted_into_a_name_becomes_the_authors_identifier() -> None:
    filled = form(authors="Ada Lovelace 0000-0002-1825-0097 <ada@example.org>\nCharles Babbage")
    assert filled.is_valid(), filled.errors
    entry = etree.fromstring(entry_of(filled.cleaned_data))
    [ada, charles] = entry.findall("{*}author")
    assert [(child.tag.rpartition("}")[2], child.text) for child in ada] == [
        ("name", "Ada Lovelace"), ("email", "ada@example.org"), ("id", "https://orcid.org/0000-0002-1825-0097"),
    ]  # fmt: skip
    assert [child.text for child in charles] == ["Charles Babbage"]
    assert "write the name before it" in str(form(authors="0000-0002-1825-0097").errors["authors"])
