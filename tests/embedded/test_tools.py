"""What tests need beside Python is named in one place, and said in one line before they run."""

import os
import subprocess
import sys
from pathlib import Path

from embedded.tools import needed

REPOSITORY = Path(__file__).resolve().parents[2]


def test_every_tool_has_its_debian_package() -> None:
    assert {"zstd", "chromium", "redis-server", "promtool"} <= needed().keys()
    assert all(package for package in needed().values())


def test_what_is_missing_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "tar").write_text("#!/bin/sh\n")
    (tmp_path / "tar").chmod(0o755)
    code = "from embedded.tools import say_what_is_missing; say_what_is_missing()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = done.stderr.splitlines()
    assert line.startswith("Tests that need ")
    told = line.partition("apt-get install ")[2].split()
    assert {"zstd", "chromium", "git"} <= set(told) <= set(needed().values()) - {"tar"}


def test_the_readme_names_what_tests_need() -> None:
    readme = (REPOSITORY / "README.md").read_text()
    assert "`make test` says in one line which programs" in readme
