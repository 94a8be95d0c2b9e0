"""When an entry is complete; time is told to it, so that nothing here waits."""

import os
from pathlib import Path

import pytest

from sources.folders.completeness import TOLD_SECONDS, TOLD_TREE_SECONDS, Completeness
from sources.folders.finder import FolderFinder
from sources.folders.scanning import is_ignored, tree_version
from sources.folders.writers import is_held_open


def names(found: Completeness, now: float) -> list[str]:
    return [sighting.key for sighting, _ in found.complete(now)]


def test_file_is_complete_when_it_was_quiet(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    found = Completeness(tmp_path, None)
    found.notice("a")
    assert names(found, 100.0) == []
    assert names(found, 100.0 + TOLD_SECONDS / 2) == []
    (tmp_path / "a").write_text("more")
    assert names(found, 100.0 + TOLD_SECONDS) == []
    assert names(found, 100.0 + 2 * TOLD_SECONDS) == ["a"]
    assert len(found) == 0


@pytest.mark.parametrize("skew", [-(10**9), 10**9])
def test_clock_of_a_file_server_is_of_no_account(tmp_path: Path, skew: int) -> None:
    (tmp_path / "a").write_text("a")
    found = Completeness(tmp_path, None)
    found.notice("a")
    assert names(found, 0.0) == []
    os.utime(tmp_path / "a", (2_000_000_000 + skew, 2_000_000_000 + skew))
    assert names(found, TOLD_SECONDS) == []  # it changed
    assert names(found, 2 * TOLD_SECONDS) == ["a"]


def test_file_that_somebody_writes_to_is_not_complete_however_quiet(tmp_path: Path) -> None:
    found = Completeness(tmp_path, 1.0)
    found.notice("a")
    with (tmp_path / "a").open("w") as file:
        file.write("a")
        file.flush()
        assert is_held_open(tmp_path / "a") is True
        assert names(found, 0.0) == names(found, 1000.0) == []
    assert is_held_open(tmp_path / "a") is False
    assert names(found, 1001.0) == ["a"]


def test_tree_is_complete_when_nothing_in_it_changes(tmp_path: Path) -> None:
    (tmp_path / "tree" / "deep").mkdir(parents=True)
    found = Completeness(tmp_path, None)
    found.notice("tree")
    assert names(found, 0.0) == []
    (tmp_path / "tree" / "deep" / "a").write_text("a")
    assert names(found, TOLD_TREE_SECONDS) == []
    with (tmp_path / "tree" / "deep" / "b").open("w") as file:
        assert names(found, 2 * TOLD_TREE_SECONDS) == []
        assert names(found, 9 * TOLD_TREE_SECONDS) == []
        file.write("b")
    assert names(found, 10 * TOLD_TREE_SECONDS) == []
    assert names(found, 12 * TOLD_TREE_SECONDS) == ["tree"]


def test_version_of_a_tree_tells_what_changed_in_it(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    before = tree_version(tmp_path)
    assert tree_version(tmp_path) == before
    (tmp_path / "b").mkdir()
    assert tree_version(tmp_path)[0] != before[0]


def test_what_vanishes_was_never_complete(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    found = Completeness(tmp_path, None)
    found.notice("a")
    assert names(found, 0.0) == []
    (tmp_path / "a").unlink()
    assert names(found, 9.0) == []
    assert found.vanished == ["a"]


@pytest.mark.parametrize(
    ("name", "ignored"),
    [
        ("a.zip", False),
        ("a.zip.stored.txt", False),
        (".a", True),
        ("a.tmp", True),
        ("a.PART", True),
        ("a~", True),
        ("a.zip.failed.20261130T120000Z.0123456789ab.json", True),
    ],
)
def test_names_that_are_left_alone(name: str, ignored: bool) -> None:
    assert is_ignored(name) is ignored


@pytest.mark.parametrize("polling", [False, True])
def test_finder_finds_what_is_there_what_comes_and_what_is_moved_in(tmp_path: Path, polling: bool) -> None:
    folder, outside = tmp_path / "watched", tmp_path / "outside"
    folder.mkdir()
    (folder / "first").write_text("1")
    finder = FolderFinder(folder, polling=polling)
    finder.start()
    now, found = 0.0, []
    try:
        for step in range(40):
            now += 0.5
            found += [sighting.key for sighting in finder.step(now)]
            if step == 4:
                (folder / "second").write_text("2")
                outside.write_text("3")
                outside.rename(folder / "third")
                finder.scan_soon()
    finally:
        finder.stop()
    assert sorted(found) == ["first", "second", "third"]
