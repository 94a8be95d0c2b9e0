"""Identifiers of files and folders, against git's own."""

import os
import subprocess
from pathlib import Path

import pytest

from client import swhid_of
from tests.client.conftest import Run


def git(*words: str, cwd: Path) -> str:
    """What git answers, whatever the user's configuration says."""
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    for who in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{who}_NAME": "a", f"GIT_{who}_EMAIL": "a@example.org"}
    done = subprocess.run(
        ["git", *words], cwd=cwd, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_identifier_of_a_folder_is_that_of_gits_tree(folder: Path) -> None:
    # Names that git sorts in a way of its own.
    (folder / "a").mkdir()
    (folder / "a" / "x").touch()
    (folder / "a.b").touch()
    (folder / "a0").touch()
    git("init", "-q", cwd=folder)
    git("add", "-A", cwd=folder)
    tree = git("write-tree", cwd=folder)
    assert swhid_of(folder, exclude=[".git"]) == f"swh:1:dir:{tree}"


def test_identifier_of_a_file_is_that_of_gits_blob(folder: Path) -> None:
    blob = git("hash-object", "README", cwd=folder)
    assert swhid_of(folder / "README") == f"swh:1:cnt:{blob}"


def test_identifier_of_an_empty_folder_is_that_of_the_empty_tree(tmp_path: Path) -> None:
    assert swhid_of(tmp_path) == "swh:1:dir:4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def test_identifier_takes_names_that_are_no_text(tmp_path: Path) -> None:
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe"))).write_text("x")
    git("init", "-q", cwd=tmp_path)
    git("add", "-A", cwd=tmp_path)
    assert swhid_of(tmp_path, exclude=[".git"]) == "swh:1:dir:" + git("write-tree", cwd=tmp_path)


def test_identifier_of_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="neither file, folder nor link"):
        swhid_of(tmp_path)


def test_verify_says_whether_a_folder_is_what_an_identifier_names(folder: Path, run: Run) -> None:
    swhid = run("identify", folder).out.strip()
    assert run("verify", folder, swhid).code == 0
    assert run("verify", folder, f"{swhid};origin=https://example.org/").code == 0
    (folder / "README").write_text("Changed\n")
    changed = run("verify", folder, swhid, "--json")
    assert changed.code == 10
    assert changed.json["same"] is False


def test_verify_leaves_gits_own_folder_out(folder: Path, run: Run) -> None:
    before = run("identify", folder).out
    git("init", "-q", cwd=folder)
    assert run("identify", folder).out == before
    assert run("identify", "--all", folder).out != before


def test_verify_refuses_what_is_no_identifier(folder: Path, run: Run) -> None:
    outcome = run("verify", folder, "swh:1:rev:" + 40 * "0")
    assert (outcome.code, outcome.out) == (2, "")
