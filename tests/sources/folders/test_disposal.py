"""Moving and deleting originals: never over another file, across devices too, and again after a crash."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sources.folders import disposal
from sources.folders.scanning import stamp_of, version_of
from sources.places import Changed, Gone

MARK = "0123456789ab"


def version(path: Path) -> str:
    stamp = stamp_of(path)
    assert stamp is not None
    return version_of(path, stamp)[0]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder on another device."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second device at /dev/shm")
    folder = Path(tempfile.mkdtemp(dir=memory))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(params=["here", "elsewhere"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "here":
        return tmp_path / "completed"
    found: Path = request.getfixturevalue("elsewhere")
    return found / "completed"


def made(tmp_path: Path, *, tree: bool) -> Path:
    path = tmp_path / "garden"
    if tree:
        (path / "deep").mkdir(parents=True)
        (path / "deep" / "a").write_text("a")
    else:
        path.write_text("a")
    return path


@pytest.mark.parametrize("tree", [False, True])
def test_original_is_moved_under_its_name(tmp_path: Path, target: Path, tree: bool) -> None:
    path = made(tmp_path, tree=tree)
    assert disposal.move(path, version(path), target, MARK) == "garden"
    assert not path.exists()
    assert (target / "garden" / "deep" / "a" if tree else target / "garden").read_text() == "a"
    assert [entry.name for entry in target.iterdir()] == ["garden"]


@pytest.mark.parametrize("tree", [False, True])
def test_another_of_that_name_is_never_written_over(tmp_path: Path, target: Path, tree: bool) -> None:
    path = made(tmp_path, tree=tree)
    target.mkdir()
    (target / "garden").write_text("other")
    assert disposal.move(path, version(path), target, MARK) == f"garden.{MARK}"
    assert (target / "garden").read_text() == "other"


def test_move_that_was_broken_off_is_ended(tmp_path: Path, target: Path) -> None:
    path = made(tmp_path, tree=False)
    target.mkdir()
    shutil.copy2(path, target / "garden")  # the copy was whole, the original still there
    assert disposal.move(path, version(path), target, MARK) == "garden"
    assert not path.exists()
    assert [entry.name for entry in target.iterdir()] == ["garden"]


@pytest.mark.parametrize("tree", [False, True])
def test_original_that_changed_stays(tmp_path: Path, target: Path, tree: bool) -> None:
    path = made(tmp_path, tree=tree)
    before = version(path)
    (path / "deep" / "a" if tree else path).write_text("changed")
    with pytest.raises(Changed):
        disposal.move(path, before, target, MARK)
    with pytest.raises(Changed):
        disposal.delete(path, before, MARK)
    assert path.exists()


@pytest.mark.parametrize("tree", [False, True])
def test_original_is_deleted_and_twice_is_gone(tmp_path: Path, tree: bool) -> None:
    path = made(tmp_path, tree=tree)
    before = version(path)
    disposal.delete(path, before, MARK)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(Gone):
        disposal.delete(path, before, MARK)


def test_deletion_of_a_tree_that_was_broken_off_is_ended(tmp_path: Path) -> None:
    path = made(tmp_path, tree=True)
    before = version(path)
    path.rename(tmp_path / f".garden.{MARK}.leaving")
    disposal.delete(path, before, MARK)
    assert list(tmp_path.iterdir()) == []
