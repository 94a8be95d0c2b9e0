"""Findings as swh-deposit's ``status_detail`` text, which its clients print."""

from collections.abc import Iterable
from typing import Protocol

from deposit.findings import Area
from deposit.metadata.catalogue import RULES

# A sentence of another server, which is told as it was told there.
VERBATIM = "moved.detail"
# Of packages that are taken all the same. Those on metadata have swh-deposit's words, which say it.
_WARNINGS = "package.warning."
_ORDER = (Area.METADATA, Area.ARCHIVE, Area.URL, Area.LOADING)


class FindingLike(Protocol):
    """A finding or its database row."""

    @property
    def code(self) -> str: ...
    @property
    def area(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def message(self) -> str: ...


def render_status_detail(findings: Iterable[FindingLike]) -> str:
    """Return one line ``- <sentence> (<place>, <place>)`` per distinct sentence, or "" where there is nothing
    to say.

    Areas come in the order metadata, archive, url, loading; findings that say the same share a line.
    """
    lines: dict[Area, dict[str, list[str]]] = {area: {} for area in _ORDER}
    for finding in findings:
        subjects = lines[Area(finding.area)].setdefault(_sentence(finding), [])
        if finding.subject and finding.subject not in subjects:
            subjects.append(finding.subject)
    return "".join(
        f"- {sentence}{_in_brackets(subjects)}\n"
        for area in _ORDER
        for sentence, subjects in lines[area].items()
    )


def _sentence(finding: FindingLike) -> str:
    if finding.code == VERBATIM:
        return finding.message
    rule = RULES.get(finding.code)
    sentence = ((rule.summary if rule else "") or finding.message).rstrip(".")
    if finding.code.startswith(_WARNINGS):
        sentence = f"Warning: {sentence}"
    return " ".join(sentence.split())


def _in_brackets(subjects: list[str]) -> str:
    return f" ({', '.join(subjects)})" if subjects else ""
