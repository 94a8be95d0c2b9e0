"""Programs that some tests need, and which of them this machine lacks: said once, before the tests."""

import re
import shutil
import sys
from pathlib import Path

_CI = Path(__file__).resolve().parent.parent / ".ci" / "run"


def needed() -> "dict[str, str]":
    """Each program with the Debian package that brings it, as `.ci/run` installs them."""
    (line,) = re.findall(r"^declare -A package=\(([^\n]*)\)$", _CI.read_text(), re.MULTILINE)
    return dict(re.findall(r"\[([^\]]+)\]=(\S+)", line))


def missing() -> "list[str]":
    """The packages whose programs are not there."""
    return sorted({package for program, package in needed().items() if shutil.which(program) is None})


def say_what_is_missing() -> None:
    """One line on standard error, where something is."""
    packages = missing()
    if packages:
        print(
            f"Tests that need {', '.join(packages)} are skipped; on Debian: apt-get install {' '.join(packages)}",
            file=sys.stderr,
        )
