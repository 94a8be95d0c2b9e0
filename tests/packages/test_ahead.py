"""A thread that reads ahead changes nothing but the time it takes, and is gone when the reader is."""

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from packages import PackageError, open_package
from packages.ahead import Ahead
from tests.support.samples import make_tar


def counted(blocks: int, made: list[int]) -> Iterator[bytes]:
    for number in range(blocks):
        made.append(number)
        yield b"%d" % number


def test_all_blocks_come_in_order_and_the_end_stays_the_end() -> None:
    ahead = Ahead(counted(100, []))
    assert list(ahead) == [b"%d" % number for number in range(100)]
    assert list(ahead) == []
    ahead.close()


def test_only_a_few_blocks_are_made_before_they_are_wanted() -> None:
    made: list[int] = []
    ahead = Ahead(counted(1000, made))
    next(ahead)
    ahead.close()
    assert len(made) < 20


def test_what_fails_there_is_raised_here_in_its_turn() -> None:
    def failing() -> Iterator[bytes]:
        yield b"good"
        raise OSError("the disk is gone")

    ahead = Ahead(failing())
    assert next(ahead) == b"good"
    with pytest.raises(OSError, match="the disk is gone"):
        next(ahead)
    assert next(ahead, b"end") == b"end"
    ahead.close()


@pytest.fixture(scope="module")
def package_of_six() -> bytes:
    """It takes seconds to compress."""
    return make_tar({f"{n}": random.Random(n).randbytes(2**20) for n in range(6)}, "w:xz")


@pytest.mark.parametrize("taken", [0, 1, 5])
def test_no_thread_is_left_when_a_package_is_given_up(
    tmp_path: Path, taken: int, package_of_six: bytes
) -> None:
    before = threading.active_count()
    path = tmp_path / "package"
    path.write_bytes(package_of_six)
    with open_package(path, ahead=True) as package:
        members = iter(package)
        for _ in range(taken):
            next(members)
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_a_package_that_is_none_leaves_no_thread(tmp_path: Path) -> None:
    before = threading.active_count()
    path = tmp_path / "package"
    path.write_bytes(make_tar({"a": b"a"}, "w:xz")[:-20])
    with pytest.raises(PackageError), open_package(path, ahead=True) as package:
        list(package)
    assert threading.active_count() == before
