"""Copies of staged files on this machine: bounded, the oldest goes first, and none that is read."""

import threading
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from deposit.staging import cache
from deposit.staging.cache import Cache
from deposit.staging.interface import StagingAway


class Source:
    """Files of ten bytes, of which it is counted how often they were asked for."""

    def __init__(self, folder: Path, most: int) -> None:
        self.cache = Cache(folder, most)
        self.asked: list[str] = []

    def holding(self, name: str, size: int = 10) -> AbstractContextManager[Path]:
        def read(start: int, stop: int) -> bytes:
            self.asked.append(name)
            return (name[-1:].encode() * size)[start:stop]

        return self.cache.holding(name, size=lambda: size, read=read, alive=lambda: None)


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return Source(tmp_path / "cache", 25)


def copies(source: Source) -> list[str]:
    return sorted(path.name for path in source.cache._folder.iterdir() if path.name != ".lock")


def test_a_file_is_fetched_once(source: Source) -> None:
    for _ in range(2):
        with source.holding("packages/day/a") as path:
            assert path.read_bytes() == b"a" * 10
    assert source.asked == ["packages/day/a"]


def test_what_was_not_read_for_longest_goes_first(source: Source) -> None:
    for name in ("a", "b", "a", "c"):
        with source.holding(name):
            pass
    assert copies(source) == ["a", "c"]
    assert source.asked == ["a", "b", "c"]


def test_what_is_read_stays_and_others_wait_for_room(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "WAIT_SECONDS", 0.0)
    with source.holding("a") as first, source.holding("b"):
        with pytest.raises(StagingAway), source.holding("c"):
            pass
        assert first.read_bytes() == b"a" * 10
    with source.holding("c") as third:
        assert third.read_bytes() == b"c" * 10


def test_what_is_larger_than_all_room_comes_in_alone(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "WAIT_SECONDS", 0.0)
    with source.holding("small"), pytest.raises(StagingAway), source.holding("large", size=26):
        pass
    with source.holding("large", size=26) as path:
        assert path.read_bytes() == b"e" * 26
        with pytest.raises(StagingAway), source.holding("small"):
            pass
    with source.holding("small"):
        assert copies(source) == ["small"]


def test_what_fails_on_its_way_leaves_nothing(source: Source) -> None:
    def read(start: int, stop: int) -> bytes:
        raise StagingAway("cut off")

    with (
        pytest.raises(StagingAway),
        source.cache.holding("a", size=lambda: 10, read=read, alive=lambda: None),
    ):
        pass
    assert copies(source) == []


def test_bytes_that_end_early_are_no_copy(source: Source) -> None:
    with (
        pytest.raises(StagingAway),
        source.cache.holding("a", size=lambda: 10, read=lambda start, stop: b"x", alive=lambda: None),
    ):
        pass
    assert copies(source) == []


def test_what_a_dead_process_left_half_makes_room(source: Source) -> None:
    source.cache._folder.mkdir(parents=True)
    (source.cache._folder / ".a.0.part").write_bytes(bytes(20))
    with source.holding("b"):
        assert copies(source) == ["b"]


def test_a_long_file_comes_in_several_ranges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "RANGE", 7)
    data = bytes(range(100))
    with Cache(tmp_path, 100).holding(
        "a", size=lambda: 100, read=lambda start, stop: data[start:stop], alive=lambda: None
    ) as path:
        assert path.read_bytes() == data


def test_several_that_want_the_same_at_once_get_it(tmp_path: Path) -> None:
    source = Source(tmp_path, 100)
    found: list[bytes] = []

    def read() -> None:
        with source.holding("a") as path:
            found.append(path.read_bytes())

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [b"a" * 10] * 8
    assert copies(source) == ["a"]


def test_what_is_forgotten_is_fetched_anew(source: Source) -> None:
    for _ in range(2):
        with source.holding("a"):
            pass
        source.cache.forget("a")
    assert source.asked == ["a", "a"]
