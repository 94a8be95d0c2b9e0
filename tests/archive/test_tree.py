"""Directories built from a package's members, against swh.model reading the same tree from a disk."""

import os
import random
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from swh.model import from_disk

from archive.errors import InvalidPath, PathConflict
from archive.identifiers import ObjectType, content_id, object_id
from archive.objects import DIRECTORY, FILE, Entry, directory_manifest, read_directory
from archive.sorting import SortedRecords
from archive.tree import Tree


def root_of(tree: Tree) -> bytes:
    return list(tree.directories())[-1][0]


def add_all(tree: Tree, top: Path) -> None:
    """Everything below a folder, in random order."""
    paths = [Path(folder, name) for folder, folders, names in os.walk(top) for name in folders + names]
    random.Random(7).shuffle(paths)
    for path in paths:
        name = os.fsencode(path.relative_to(top))
        if path.is_symlink():
            tree.add_symlink(name, content_id(os.fsencode(path.readlink())))
        elif path.is_dir():
            tree.add_directory(name)
        else:
            tree.add_file(name, content_id(path.read_bytes()), executable=bool(path.stat().st_mode & 0o100))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    top = tmp_path / "top"
    for name in (b"a/b/c", b"a.b", b"a-b", b"a0/x", b"empty/er/est", b"\xff\xfe/\xc3\xa9", b"new\nline"):
        Path(os.fsdecode(os.fsencode(top) + b"/" + name)).mkdir(parents=True)
    (top / "a/b/file").write_bytes(b"x")
    (top / "a/b.txt").write_bytes(b"")
    (top / "run").write_bytes(b"#!/bin/sh")
    (top / "run").chmod(0o755)
    (top / "link").symlink_to("a/b/file")
    (top / "broken").symlink_to(os.fsdecode(b"no\xffwhere"))
    (top / "a/dirlink").symlink_to("b")
    return top


def test_a_tree_has_the_identifier_that_swh_model_computes(folder: Path) -> None:
    tree = Tree()
    add_all(tree, folder)
    assert (
        root_of(tree) == from_disk.Directory.from_disk(path=os.fsencode(folder), max_content_length=None).hash
    )


def test_a_tree_without_empty_directories_has_the_identifier_of_git(folder: Path) -> None:
    for name in ("empty/er/est", "empty/er", "empty", "a/b/c", "a.b", "a-b", "a0/x", "a0", "new\nline"):
        (folder / name).rmdir()
    for path in (b"\xff\xfe/\xc3\xa9", b"\xff\xfe"):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + path)).rmdir()
    tree = Tree()
    add_all(tree, folder)
    subprocess.run(["git", "init", "-q", folder], check=True)
    subprocess.run(["git", "-C", folder, "add", "-A"], check=True)
    written = subprocess.run(["git", "-C", folder, "write-tree"], check=True, capture_output=True)
    assert root_of(tree).hex() == written.stdout.decode().strip()


def test_an_empty_tree_is_the_empty_directory() -> None:
    assert root_of(Tree()).hex() == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def test_a_later_entry_of_the_same_path_wins() -> None:
    tree, other = Tree(), Tree()
    tree.add_file(b"a/b", content_id(b"first"))
    tree.add_symlink(b"a/c", content_id(b"first"))
    tree.add_file(b"a/b", content_id(b"second"), executable=True)
    tree.add_file(b"a/c", content_id(b"second"))
    tree.add_directory(b"a")
    other.add_file(b"a/b", content_id(b"second"), executable=True)
    other.add_file(b"a/c", content_id(b"second"))
    assert root_of(tree) == root_of(other)


@pytest.mark.parametrize("path", [b"", b"/a", b"a/", b"a//b", b".", b"a/./b", b"..", b"a/../b", b"a\0b"])
def test_a_path_with_no_place_in_a_tree_is_refused(path: bytes) -> None:
    with pytest.raises(InvalidPath):
        Tree().add_file(path, bytes(20))


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("below", [b"a/b", b"a/b/c"])
def test_a_file_below_a_file_is_refused(order: int, below: bytes) -> None:
    tree = Tree()
    for path in [b"a", below][::order]:
        tree.add_file(path, bytes(20))
    with pytest.raises(PathConflict, match="b'a' is both"):
        root_of(tree)


@pytest.mark.parametrize("order", [1, -1])
def test_a_path_that_is_file_and_directory_is_refused(order: int) -> None:
    tree = Tree()
    for kind in ("file", "directory")[::order]:
        tree.add_file(b"a", bytes(20)) if kind == "file" else tree.add_directory(b"a")
    with pytest.raises(PathConflict):
        root_of(tree)


def test_names_that_begin_alike_are_no_conflict() -> None:
    tree = Tree()
    for path in (b"a", b"a.b/c", b"a-/d", b"a\x01/e", b"ab"):
        tree.add_file(path, bytes(20))
    entries = list(read_directory(list(tree.directories())[-1][1]))
    assert [entry.name for entry in entries] == [b"a", b"a\x01", b"a-", b"a.b", b"ab"]


def test_a_hard_link_is_the_file_that_it_names() -> None:
    tree, other = Tree(), Tree()
    tree.add_hardlink(b"c", b"b")
    tree.add_hardlink(b"b", b"d/a")
    tree.add_file(b"d/a", content_id(b"1"), executable=True)
    for path in (b"d/a", b"b", b"c"):
        other.add_file(path, content_id(b"1"), executable=True)
    assert root_of(tree) == root_of(other)


@pytest.mark.parametrize("target", [b"none", b"d", b"c"])
def test_a_hard_link_to_no_file_is_refused(target: bytes) -> None:
    tree = Tree()
    tree.add_directory(b"d")
    tree.add_hardlink(b"c", target)
    with pytest.raises(InvalidPath):
        root_of(tree)


def test_a_very_deep_tree_is_built() -> None:
    tree = Tree()
    tree.add_file(b"d/" * 3000 + b"f", bytes(20))
    assert len(list(tree.directories())) == 3001


def plainly(paths: set[bytes]) -> bytes:
    """The root's identifier, computed level by level in the plainest way."""
    entries: list[Entry] = []
    for first in {path.split(b"/")[0] for path in paths}:
        below = {path[len(first) + 1 :] for path in paths if path.startswith(first + b"/")}
        if below:
            entries.append(Entry(first, DIRECTORY, plainly(below)))
        else:
            entries.append(Entry(first, FILE, content_id(first)))
    return object_id(ObjectType.DIRECTORY, directory_manifest(entries))


@given(st.sets(st.text("a.-0/", min_size=1, max_size=8).map(str.encode), max_size=40))
@settings(max_examples=300, deadline=None)
def test_any_names_come_in_gits_order(names: set[bytes]) -> None:
    paths = {name for name in names if set(name.split(b"/")).isdisjoint({b"", b".", b".."})}
    paths = {path for path in paths if not any(other.startswith(path + b"/") for other in paths)}
    tree = Tree()
    for path in paths:
        tree.add_file(path, content_id(path.split(b"/")[-1]))
    assert root_of(tree) == plainly(paths)


@given(st.lists(st.binary(max_size=40), max_size=200))
@settings(max_examples=50, deadline=None)
def test_records_come_out_sorted_from_memory_and_disk(records: list[bytes]) -> None:
    spilling, held = SortedRecords(run_bytes=100), SortedRecords()
    for record in records:
        spilling.append(record)
        held.append(record)
    assert list(spilling) == list(held) == sorted(records)
    spilling.close()
    held.close()
