"""The one folder in which everything lies is left away where somebody says so, and nothing else ever is."""

from pathlib import Path

import pytest

from packages import Limits, PackageError, open_package
from tests.support.samples import make_tar, make_zip

STRIPPED = Limits(strip_top_folder=True)


def members(path: Path, limits: Limits) -> dict[str, bytes]:
    """The files of a package, by their paths."""
    with open_package(path, limits) as package:
        return {member.path.decode(): member.read() for member in package if member.size}


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_the_one_folder_is_left_away(tmp_path: Path, make: object) -> None:
    path = tmp_path / "package"
    path.write_bytes(make({"garden/plan.txt": b"plan", "garden/beds/roses.txt": b"roses"}))  # type: ignore[operator]

    assert members(path, STRIPPED) == {"plan.txt": b"plan", "beds/roses.txt": b"roses"}
    assert members(path, Limits()) == {"garden/plan.txt": b"plan", "garden/beds/roses.txt": b"roses"}


@pytest.mark.parametrize(
    "files",
    [
        {"garden/plan.txt": b"plan", "notes.txt": b"notes"},
        {"plan.txt": b"plan"},
        {"garden/plan.txt": b"plan", "gardens/plan.txt": b"plan"},
    ],
    ids=["a file beside it", "no folder", "two folders"],
)
def test_what_lies_beside_it_is_refused(tmp_path: Path, files: dict[str, bytes]) -> None:
    path = tmp_path / "package"
    path.write_bytes(make_zip(files))

    with pytest.raises(PackageError) as refused:
        members(path, STRIPPED)

    assert refused.value.code == "package.top-folder"
    assert members(path, Limits()) == files
