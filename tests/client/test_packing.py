"""What is packed, what is left out, and that both are said."""

import tarfile
from pathlib import Path

import pytest

from client.errors import UsageError
from client.packing import LEFT_OUT, made, open_package, packed, plan_of, plan_of_files, size_in_words
from client.swhid import swhid_of
from client.trees import members_of, tree_of, tree_of_plan
from tests.packages.trees import directory_id


def test_version_control_and_caches_are_left_out_and_named(folder: Path) -> None:
    for name in (".git", ".hg", "__pycache__", ".mypy_cache", "__MACOSX"):
        (folder / "src" / name).mkdir()
        (folder / "src" / name / "x").write_text("x")
    (folder / ".DS_Store").write_text("x")
    (folder / "own").write_text("x")
    plan = plan_of(folder, exclude=(*LEFT_OUT, "own"))
    assert dict(plan.left_out) == {
        ".DS_Store": "a file of the system",
        "own": "as you said",
        "src/.git": "version control",
        "src/.hg": "version control",
        "src/.mypy_cache": "a cache",
        "src/__MACOSX": "a file of the system",
        "src/__pycache__": "a cache",
    }
    assert str(plan) == "5 files, 42 B"


def test_a_plan_has_the_identifier_of_its_package(folder: Path) -> None:
    plan = plan_of(folder)
    with made(plan) as package:
        assert directory_id(package) == tree_of_plan(plan).swhid() == swhid_of(folder)
        assert tree_of(members_of(package)).swhid() == swhid_of(folder)


def test_several_files_are_one_package(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt"):
        (tmp_path / name).write_text(name)
    with made(plan_of_files([tmp_path / "b.txt", tmp_path / "a.txt"])) as package:
        assert package.name == "files.tar.gz"
        with tarfile.open(package) as archive:
            assert archive.getnames() == ["a.txt", "b.txt"]


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    for place in (tmp_path / "a", tmp_path / "x" / "a"):
        place.write_text("x")
    with pytest.raises(UsageError, match="Two files are called a"):
        plan_of_files([tmp_path / "a", tmp_path / "x" / "a"])


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to pack"), packed(tmp_path):
        pass


def test_the_media_type_follows_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "p.jar").write_bytes(b"PK\x03\x04")
    (tmp_path / "p.zip").write_bytes(b"\x1f\x8b\x08")
    kinds = [open_package(tmp_path / name).media_type for name in ("p.jar", "p.zip")]
    assert kinds == ["application/zip", "application/x-tar"]


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (3 * 1024**3, "3.0 GiB")]
)
def test_sizes_in_words(size: int, words: str) -> None:
    assert size_in_words(size) == words
