"""A reader of packages can die in every way, and whoever asked lives on and knows why."""

import bz2
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from packages import Limits, PackageError, sandbox
from packages.bagit import Problem
from packages.fork_server import TABLES
from packages.limits import MIB
from packages.listing import Entry
from packages.sandbox import ReaderDied, Whole, validate, validate_several
from packages.warnings import PackageWarning
from tests.packages.building import ZipEntry, tar, tar_entry, tar_header, zip_archive
from tests.support.samples import make_zip

CHUNK = 16 * MIB


def put(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "package"
    path.write_bytes(data)
    return path


def nothing() -> None:
    pass


def slow(chunks: int = 200) -> bytes:
    """A few kilobytes that take bzip2 many seconds."""
    head = bz2.compress(tar_header(b"zeros", size=chunks * CHUNK))
    return head + bz2.compress(bytes(CHUNK)) * chunks + bz2.compress(bytes(1024))


ENDLESS = Limits(ratio=10**9, total=10**12)


def readers() -> list[int]:
    fork_server = sandbox._own.fork_server._process.pid
    return [int(pid) for pid in Path(f"/proc/{fork_server}/task/{fork_server}/children").read_text().split()]


def test_a_whole_package_has_no_problems(tmp_path: Path) -> None:
    assert validate(put(tmp_path, make_zip({"a": b"1"})), Limits(), alive=nothing) == ([], [])


def test_a_refusal_comes_back_with_its_code_subject_and_words(tmp_path: Path) -> None:
    path = put(tmp_path, tar(tar_entry(b"../\xff", b"x")))
    with pytest.raises(PackageError) as refused:
        validate(path, Limits(), alive=nothing)
    assert (refused.value.code, refused.value.subject) == ("package.member.path", "../\\xff")
    assert refused.value.message.endswith(".")


def test_the_limits_given_are_the_limits_kept(tmp_path: Path) -> None:
    path = put(tmp_path, make_zip({"a": b"1", "b": b"2"}))
    with pytest.raises(PackageError, match=r"package\.limit\.members"):
        validate(path, Limits(members=1), alive=nothing)


def test_warnings_come_back(tmp_path: Path) -> None:
    file = tar_entry(b"a", b"x")
    proof = validate(put(tmp_path, tar(file, file)), Limits(), alive=nothing)
    assert proof.problems == []
    assert [(type(one), one.code, one.subject) for one in proof.warnings] == [
        (PackageWarning, "package.warning.repeated", "a")
    ]


def test_a_bag_comes_back_with_its_problems(tmp_path: Path) -> None:
    proof = validate(put(tmp_path, make_zip({"a": b"1"})), Limits(), bag=True, alive=nothing)
    assert [(type(problem), problem.code) for problem in proof.problems] == [(Problem, "bagit.declaration")]


def test_a_package_that_is_not_there_is_a_fault_of_ours(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        validate(tmp_path / "nothing", Limits(), alive=nothing)


def test_too_much_processor_time_is_the_packages_fault(tmp_path: Path) -> None:
    limits = Limits(seconds=1, ratio=10**9, total=10**12)
    with pytest.raises(PackageError) as refused:
        validate(put(tmp_path, slow()), limits, alive=nothing)
    assert refused.value.code == "package.limit.time"


def test_too_much_memory_is_the_packages_fault(tmp_path: Path) -> None:
    # Many members, and hardly any memory beside what an idle reader has.
    data = zip_archive(*(ZipEntry(name=b"%0200d" % number, data=b"") for number in range(40_000)))
    with pytest.raises(PackageError) as refused:
        validate(put(tmp_path, data), Limits(memory=2 * MIB - TABLES), alive=nothing)
    assert refused.value.code == "package.limit.memory"


def test_a_reader_that_is_killed_is_a_fault_of_ours_and_the_next_package_is_read(tmp_path: Path) -> None:
    def kill() -> None:
        for reader in readers():
            os.kill(reader, signal.SIGKILL)

    with pytest.raises(ReaderDied, match="SIGKILL"):
        validate(put(tmp_path, slow()), ENDLESS, alive=kill)
    assert validate(put(tmp_path, make_zip({"a": b"1"})), Limits(), alive=nothing) == ([], [])


def test_a_crash_in_a_codec_is_a_fault_of_ours(tmp_path: Path) -> None:
    def crash() -> None:
        for reader in readers():
            os.kill(reader, signal.SIGSEGV)

    with pytest.raises(ReaderDied, match="SIGSEGV"):
        validate(put(tmp_path, slow()), ENDLESS, alive=crash)


def test_a_keeper_that_is_killed_is_replaced(tmp_path: Path) -> None:
    path = put(tmp_path, make_zip({"a": b"1"}))
    validate(path, Limits(), alive=nothing)
    sandbox._own.fork_server._process.kill()
    sandbox._own.fork_server._process.wait()
    assert validate(path, Limits(), alive=nothing) == ([], [])


def test_whoever_asks_can_stop_the_reader(tmp_path: Path) -> None:
    reading: list[int] = []

    def stop() -> None:
        reading.extend(readers())
        raise InterruptedError

    with pytest.raises(InterruptedError):
        validate(put(tmp_path, slow()), ENDLESS, alive=stop)
    assert len(reading) == 1
    # Its socket is closed a moment before the system has done away with it.
    deadline = time.monotonic() + 10
    while _is_running(reading[0]):
        assert time.monotonic() < deadline, "the reader goes on"


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


def test_a_reader_knows_no_secret(tmp_path: Path) -> None:
    validate(put(tmp_path, make_zip({"a": b"1"})), Limits(), alive=nothing)
    fork_server = Path(f"/proc/{sandbox._own.fork_server._process.pid}")
    opened = {
        str(one.readlink()).partition(":")[0] for one in (fork_server / "fd").iterdir() if int(one.name) > 2
    }
    assert (fork_server / "environ").read_bytes() == b""
    assert opened == {"socket"}
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, packages.fork_server; print('django' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert loaded.stdout == "False\n"


# --- Several in one reader -------------------------------------------------------------------------------
def several(tmp_path: Path, *packages: bytes, limits: Limits | None = None) -> list[Whole | None]:
    paths = [tmp_path / f"package-{number}" for number in range(len(packages))]
    for path, data in zip(paths, packages, strict=True):
        path.write_bytes(data)
    return validate_several(paths, limits or Limits(), alive=nothing, wanted=("about",))


def test_of_several_each_gets_what_it_gets_alone(tmp_path: Path) -> None:
    packages = [make_zip({"about": b"me", f"a/{number}": b"%d" % number}) for number in range(3)]
    for data, whole in zip(packages, several(tmp_path, *packages), strict=True):
        taken: list[list[Entry]] = []
        proof = validate(put(tmp_path, data), Limits(), alive=nothing, take=taken.append, wanted=("about",))
        assert whole == (proof, taken)


def test_of_several_what_is_refused_is_left_to_a_reader_of_its_own(tmp_path: Path) -> None:
    good, bad = make_zip({"a": b"1"}), tar(tar_entry(b"../x", b"x"))
    found = several(tmp_path, good, bad, good, b"no package")
    assert [whole is not None for whole in found] == [True, False, True, False]
    assert found[0] == found[2]


def test_what_comes_after_one_that_takes_too_long_is_left_to_readers_of_their_own(tmp_path: Path) -> None:
    good = make_zip({"a": b"1"})
    found = several(tmp_path, good, slow(), good, limits=replace(ENDLESS, seconds=1))
    assert [whole is not None for whole in found] == [True, False, False]


def test_a_file_that_is_gone_leaves_the_others_alone(tmp_path: Path) -> None:
    path = put(tmp_path, make_zip({"a": b"1"}))
    first, second, third = validate_several([path, tmp_path / "gone", path], Limits(), alive=nothing)
    assert (first is not None, second, third is not None) == (True, None, True)


def test_whoever_is_told_to_stop_stops_the_reader_of_several(tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    def stop() -> None:
        raise Stop

    path = put(tmp_path, make_zip({"a": b"1"}))
    with pytest.raises(Stop):
        validate_several([path, path], Limits(), alive=stop)
    assert several(tmp_path, make_zip({"a": b"1"}))[0] is not None
