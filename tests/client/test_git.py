"""A commit is packed as it is: the directory's SWHID is git's tree, whatever attributes and the working tree say."""

import os
import subprocess
from pathlib import Path

import pytest

from client.errors import UsageError
from client.git import commit_of, ignored_in, packed_commit, web_address
from client.packing import plan_of
from client.trees import members_of, tree_of, tree_of_plan
from tests.packages.trees import directory_id

ENVIRONMENT = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_CONFIG_GLOBAL": "/dev/null",
}


def git(folder: Path, *words: str) -> str:
    environment = {**os.environ, **ENVIRONMENT}
    done = subprocess.run(
        ["git", "-C", str(folder), *words], check=True, capture_output=True, text=True, env=environment
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with what git archive would leave out or change, and a working tree that differs."""
    root = tmp_path / "project"
    (root / "src").mkdir(parents=True)
    git(tmp_path, "init", "-q", "project")
    (root / ".gitattributes").write_text("tests export-ignore\n*.txt export-subst\n")
    (root / "version.txt").write_text("$Format:%H$\n")
    (root / "src" / "run").write_text("#!/bin/sh\n")
    (root / "src" / "run").chmod(0o755)
    (root / "src" / "é ü").write_bytes(b"x" * 100_000)
    (root / "link").symlink_to("src/run")
    (root / "tests").write_text("left out by git archive\n")
    (root / ".gitignore").write_text("*.o\n/build/\n!keep.o\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "First")
    git(root, "tag", "v1.0")
    git(root, "remote", "add", "origin", "git@git.example.org:ada/project.git")
    (root / "version.txt").write_text("changed and not committed\n")
    (root / "untracked").write_text("x")
    return root


def test_the_directory_is_gits_tree(repository: Path) -> None:
    commit = commit_of(repository, "v1.0")
    with packed_commit(commit) as package:
        assert package.name == "project-1.0.tar.gz"
        named = f"swh:1:dir:{git(repository, 'rev-parse', 'v1.0^{tree}')}"
        assert directory_id(package) == named
        assert tree_of(members_of(package)).swhid() == commit.swhid == named
        first = package.read_bytes()
    with packed_commit(commit) as package:
        assert package.read_bytes() == first


def test_a_commit_says_where_it_comes_from(repository: Path) -> None:
    commit = commit_of(repository / "src", "HEAD")
    assert (commit.origin, commit.version) == ("https://git.example.org/ada/project", "1.0")
    head = git(repository, "rev-parse", "HEAD")
    assert commit.revision == f"swh:1:rev:{head};origin=https://git.example.org/ada/project"


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("https://github.com/ada/x.git", "https://github.com/ada/x"),
        ("https://ada:token@git.example.org/x", "https://git.example.org/x"),
        ("git@github.com:ada/x.git", "https://github.com/ada/x"),
        ("ssh://git@git.example.org:2222/ada/x.git", "https://git.example.org/ada/x"),
        ("http://localhost:3000/ada/x", "http://localhost:3000/ada/x"),
        ("/srv/git/x.git", ""),
        ("../x", ""),
        ("", ""),
    ],
)
def test_an_origin_is_a_web_address_without_passwords(remote: str, address: str) -> None:
    assert web_address(remote) == address


@pytest.mark.parametrize("ref", ["nowhere", "-x", "HEAD~99"])
def test_what_names_no_commit_is_refused(ref: str, repository: Path) -> None:
    with pytest.raises(UsageError) as refused:
        commit_of(repository, ref)
    assert "HEAD" in refused.value.hint


def test_a_folder_without_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a git repository"):
        commit_of(tmp_path, "HEAD")


def test_a_submodule_is_refused_by_its_name(repository: Path, tmp_path: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{head},lib/other")
    git(repository, "commit", "-qm", "A submodule")
    with (
        pytest.raises(UsageError, match="lib/other is a submodule"),
        packed_commit(commit_of(repository, "HEAD")),
    ):
        pass


def test_what_gitignore_names_is_left_out_on_request(repository: Path) -> None:
    (repository / "build").mkdir()
    (repository / "build" / "out").write_text("x")
    for name in ("a.o", "keep.o"):
        (repository / name).write_text("x")
    plan = plan_of(repository, ignored=ignored_in(repository))
    names = {name for name, _ in plan.entries}
    assert {"keep.o", "untracked", "src/run"} <= names
    assert not {"a.o", "build", "build/out", ".git"} & names
    assert ("a.o", "named in .gitignore") in plan.left_out
    assert {"a.o", "build/out"} <= {name for name, _ in plan_of(repository).entries}


def test_gitignore_counts_outside_of_repositories_too(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("secret\n")
    for name in ("secret", "a"):
        (tmp_path / name).write_text("x")
    plan = plan_of(tmp_path, ignored=ignored_in(tmp_path))
    assert [name for name, _ in plan.entries] == [".gitignore", "a"]
    assert tree_of_plan(plan).swhid().startswith("swh:1:dir:")
