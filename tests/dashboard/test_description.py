"""What people read of a deposit's metadata."""

import pytest

from dashboard.description import Licence, licences_of
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
