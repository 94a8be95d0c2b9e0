"""From the last release to this commit, under load: its processes, its statements, then ours."""

import os
import subprocess

import pytest

from tests.faults import upgrading
from tests.faults.service import REPOSITORY

pytestmark = pytest.mark.timeout(300)


@pytest.mark.skipif("TEST_FAULTS" not in os.environ, reason="takes a minute: set TEST_FAULTS=1")
def test_an_upgrade_from_the_last_release_loses_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    try:
        failed = upgrading.main(["--deposits", "150"])
    except subprocess.CalledProcessError as error:
        if error.cmd[0] != "git":
            raise
        pytest.skip("this checkout's history does not reach back to the last release")
    assert failed == 0, capfd.readouterr().out


def test_the_release_before_is_found_by_its_tag() -> None:
    tags = subprocess.run(
        ["git", "-C", REPOSITORY, "tag", "--list", "v*", "--merged", "HEAD^"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert upgrading.last_release() in (tags or [upgrading.BEFORE_RELEASES])
