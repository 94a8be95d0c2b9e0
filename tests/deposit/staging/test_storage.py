"""The staging area as all others use it, in a folder and in a bucket: whole and durable, or not there at all."""

import hashlib
import threading
from pathlib import Path
from typing import Any

import pytest

from deposit.refusals import Kind, Refusal
from deposit.staging import storage
from deposit.staging.files import StagedFile, arriving
from deposit.staging.storage import chunks_of, local_file, staging, staging_file
from tests.support.staging_areas import Area

DATA = b"some bytes of a package" * 1000
# More than one part of an object.
LONG = DATA * 400


@pytest.fixture(autouse=True)
def area(staging_area: Area, tmp_path: Path, settings: Any) -> Area:
    settings.STAGING_ROOT = str(tmp_path / "staging")
    return staging_area


def stored(data: bytes, step: int = 100_000, **words: Any) -> StagedFile:
    with staging_file(limit=len(data) or 1, **words) as file:
        for start in range(0, len(data), step):
            file.write(data[start : start + step])
        return file.finish()


@pytest.mark.parametrize("data", [b"", b"x", DATA, LONG], ids=["empty", "a byte", "small", "long"])
@pytest.mark.parametrize("promised", [False, True])
def test_a_package_is_stored_as_it_came_with_its_digests(area: Area, data: bytes, promised: bool) -> None:
    kept = stored(data, with_md5=True, promised=len(data) if promised else 0)
    assert area.read(kept.stored_as) == data
    assert (kept.size, kept.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert kept.md5 == hashlib.md5(data).hexdigest()
    assert (area.names(), area.unfinished()) == ({kept.stored_as}, 0)


def test_md5_is_computed_only_when_asked_for() -> None:
    assert stored(b"x").md5 is None


def test_nothing_has_a_name_before_it_is_whole(area: Area) -> None:
    with staging_file(limit=len(LONG)) as file:
        file.write(LONG)
        assert (area.names(), area.unfinished()) == (set(), 1)
        file.discard()
    assert (area.names(), area.unfinished()) == (set(), 0)


def test_two_packages_never_share_a_name() -> None:
    assert len({stored(b"x").stored_as for _ in range(20)}) == 20


def test_a_package_over_its_limit_is_refused_and_leaves_nothing(area: Area) -> None:
    with pytest.raises(Refusal) as caught, staging_file(limit=len(LONG) - 1) as file:  # noqa: PT012
        file.write(LONG[:-1])
        file.write(LONG[-1:])
    assert (caught.value.kind, caught.value.code) == (Kind.TOO_LARGE, "upload.too_large")
    assert (area.names(), area.unfinished()) == (set(), 0)


@pytest.mark.parametrize(("data", "finished"), [(b"x", True), (LONG, False), (LONG, True)])
def test_a_refusal_leaves_nothing(area: Area, data: bytes, finished: bool) -> None:
    def refuse() -> None:
        with staging_file(limit=len(data)) as file:
            file.write(data)
            if finished:
                file.finish()
            raise Refusal(Kind.BAD_REQUEST, "test", "no")

    with pytest.raises(Refusal):
        refuse()
    assert (area.names(), area.unfinished()) == (set(), 0)


def test_an_error_whose_commit_may_have_happened_leaves_the_file(area: Area) -> None:
    """The database may have committed the row although the answer was lost; the cleanup knows later."""

    def lose_the_answer() -> None:
        with staging_file(limit=10) as file:
            file.write(b"x")
            file.finish()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        lose_the_answer()
    assert len(area.names()) == 1


def test_who_sends_is_known_while_it_arrives() -> None:
    with staging_file(limit=10, client=7, promised=3) as file:
        file.write(b"x")
        assert [upload.client for upload in arriving()] == [7]
        file.finish()
    assert list(arriving()) == []


@pytest.mark.parametrize("data", [b"", b"x", LONG], ids=["empty", "a byte", "long"])
def test_it_is_read_as_a_file_of_this_machine(data: bytes) -> None:
    name = stored(data).stored_as
    with local_file(name) as path, local_file(name) as again:
        assert (path.read_bytes(), again.read_bytes()) == (data, data)


@pytest.mark.parametrize(
    ("start", "stop"), [(0, None), (0, 0), (0, 1), (5, 9), (10**6, 9 * 10**6), (len(LONG) - 3, len(LONG))]
)
def test_it_is_read_by_ranges(start: int, stop: int | None) -> None:
    name = stored(LONG).stored_as
    assert b"".join(chunks_of(name, start, stop)) == LONG[start:stop]
    assert staging().size(name) == len(LONG)


def test_what_is_not_there_is_told_as_such() -> None:
    name = "packages/2020-01-01/nothing"
    assert not storage.exists(name)
    with pytest.raises(FileNotFoundError):
        staging().size(name)
    with pytest.raises(FileNotFoundError):
        list(chunks_of(name))
    with pytest.raises(FileNotFoundError), local_file(name) as path:
        path.read_bytes()


def test_removing_what_is_gone_is_no_error(area: Area) -> None:
    name = stored(b"x").stored_as
    storage.remove([name])
    storage.remove([name])
    assert area.names() == set()


def test_what_is_erased_is_nowhere(area: Area) -> None:
    name = stored(b"x").stored_as
    with local_file(name):
        aside = staging().set_aside(name)
    assert area.names() >= {aside}
    staging().erase(name)
    staging().erase(name)
    assert area.names() == set()


def test_a_file_is_put_under_a_name(area: Area, tmp_path: Path) -> None:
    """As when a backup is restored."""
    source = tmp_path / "source"
    source.write_bytes(LONG)
    staging().put("packages/2020-01-01/restored", source)
    assert area.read("packages/2020-01-01/restored") == LONG


def test_several_at_once_keep_apart(area: Area) -> None:
    names: dict[bytes, str] = {}
    contents = [bytes([number]) * 9_000_000 for number in range(3)]

    def send(data: bytes) -> None:
        names[data[:1]] = stored(data).stored_as

    threads = [threading.Thread(target=send, args=[data]) for data in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [area.read(names[data[:1]]) == data for data in contents] == [True] * 3
