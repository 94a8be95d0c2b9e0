"""Every registered case gets its verdict, read or unread, within bounds of memory."""

from pathlib import Path

import pytest

from packages import CODES, Kind, Limits, Member, PackageError, open_package
from tests.packages import stream_cases, tar_cases, tar_tool_cases, zip_cases, zip_tool_cases  # noqa: F401  they fill the register
from tests.packages.cases import ACCEPTED, CASES, Case


def outcome(
    path: Path, limits: Limits, *, read: bool, ahead: bool = False
) -> tuple[PackageError | None, list[bytes], list[str]]:
    """The refusal, if there is one, the members that were handed out until then, and the codes of the warnings."""
    paths: list[bytes] = []
    try:
        with open_package(path, limits, ahead=ahead) as package:
            for member in package:
                paths.append(member.path)
                if read:
                    assert content_length(member) == member.size
            return None, paths, [warning.code for warning in package.warnings]
    except PackageError as error:
        return error, paths, []


def content_length(member: Member) -> int:
    if member.size % 2:
        return len(member.read())
    return sum(map(len, member.chunks()))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_case_gets_its_verdict(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "package"
    path.write_bytes(case.build())

    unread, paths, warnings = outcome(path, case.limits, read=False)
    read, _, warnings_read = outcome(path, case.limits, read=True)
    loaded, _, _ = outcome(path, case.limits, read=True, ahead=True)

    assert [code(unread), code(read), code(loaded)] == [case.verdict] * 3
    if unread is None:
        assert tuple(paths) == case.members
        assert tuple(warnings) == tuple(warnings_read) == case.warnings
    else:
        assert unread.subject.isprintable()
        assert (unread.message[0].isupper(), unread.message[-1]) == (True, ".")


def code(refusal: PackageError | None) -> str:
    return refusal.code if refusal else ACCEPTED


def test_every_code_has_a_case() -> None:
    # Too much time is told by the kernel, not by the readers: see test_sandbox.py.
    told = {case.verdict for case in CASES.values()} - {ACCEPTED}
    assert told == set(CODES) - {"package.limit.time"}


def test_every_warning_has_a_case() -> None:
    # What is seen of the contents is told by another: see test_contents.py.
    told = {code for case in CASES.values() for code in case.warnings}
    assert told == {
        f"package.warning.{what}" for what in ("backslash", "encoding", "end", "repeated", "special")
    }


def test_there_are_many_cases_of_both_sorts() -> None:
    accepted = [case for case in CASES.values() if case.verdict == ACCEPTED]
    assert len(CASES) >= 150
    assert len(accepted) >= 50


def test_kinds_are_the_four() -> None:
    assert [kind.value for kind in Kind] == ["file", "directory", "symlink", "hardlink"]
