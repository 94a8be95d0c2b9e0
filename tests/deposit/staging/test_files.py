"""The way of the bytes to the staging area: hashed as they come, whole and durable or not there at all."""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deposit.refusals import Kind, Refusal
from deposit.staging import files
from deposit.staging.files import path_of, staging_file

DATA = b"some bytes of a package" * 1000


@pytest.fixture(autouse=True)
def root(tmp_path: Path, settings: Any) -> Path:
    settings.STAGING_ROOT = str(tmp_path / "staging")
    return tmp_path / "staging"


def files_in(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def test_a_package_is_stored_as_it_came_with_its_digests(root: Path) -> None:
    with staging_file(limit=10**6, with_md5=True) as file:
        for start in range(0, len(DATA), 777):
            file.write(DATA[start : start + 777])
        kept = file.finish()
    assert path_of(kept.stored_as).read_bytes() == DATA
    assert (kept.size, kept.sha256) == (len(DATA), hashlib.sha256(DATA).hexdigest())
    assert kept.md5 == hashlib.md5(DATA).hexdigest()
    assert files_in(root) == [path_of(kept.stored_as)]


@pytest.mark.parametrize("step", [777, 64 * 1024, 256 * 1024])
def test_the_digests_are_those_of_the_whole_however_it_comes(step: int) -> None:
    data = DATA * 60
    with staging_file(limit=10**7, with_md5=True) as file:
        for start in range(0, len(data), step):
            file.write(data[start : start + step])
        kept = file.finish()
    assert (kept.sha256, kept.md5) == (hashlib.sha256(data).hexdigest(), hashlib.md5(data).hexdigest())


def test_md5_is_computed_only_when_asked_for() -> None:
    with staging_file(limit=10) as file:
        file.write(b"x")
        assert file.finish().md5 is None


def test_nothing_has_its_final_name_before_it_is_whole(root: Path) -> None:
    with staging_file(limit=10**6) as file:
        file.write(DATA)
        assert [path.parent.name for path in files_in(root)] == ["incoming"]
        file.discard()
    assert files_in(root) == []


def test_two_packages_never_share_a_name() -> None:
    names = set()
    for _ in range(50):
        with staging_file(limit=1) as file:
            names.add(file.finish().stored_as)
    assert len(names) == 50


def test_a_package_over_its_limit_is_refused_and_leaves_nothing(root: Path) -> None:
    with pytest.raises(Refusal) as caught, staging_file(limit=10) as file:
        file.write(b"x" * 11)
    assert (caught.value.kind, caught.value.code) == (Kind.TOO_LARGE, "upload.too_large")
    assert files_in(root) == []


@pytest.mark.parametrize("finished", [False, True])
def test_a_refusal_leaves_nothing(root: Path, finished: bool) -> None:
    def refuse() -> None:
        with staging_file(limit=10) as file:
            file.write(b"x")
            if finished:
                file.finish()
            raise Refusal(Kind.BAD_REQUEST, "test", "no")

    with pytest.raises(Refusal):
        refuse()
    assert files_in(root) == []


def test_an_error_whose_commit_may_have_happened_leaves_the_file(root: Path) -> None:
    """The database may have committed the row although the answer was lost; the cleanup knows later."""

    def lose_the_answer() -> None:
        with staging_file(limit=10) as file:
            file.write(b"x")
            file.finish()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        lose_the_answer()
    assert len(files_in(root)) == 1


_FULL_DISK = """
import resource, signal, sys
from django.conf import settings
settings.configure(STAGING_ROOT=sys.argv[1], RESERVED_BYTES=0)
from deposit.refusals import Refusal
from deposit.staging.files import staging_file
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    with staging_file(limit=10**9) as file:
        file.write(b"x" * 100_000)
except OSError as error:
    print(type(error).__name__, error.errno)
"""


def test_a_write_that_fails_half_way_leaves_nothing(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FULL_DISK, str(root), "65536"], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["OSError", "27"]  # EFBIG, where the write stops half way
    assert files_in(root) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_told_as_such_and_leaves_nothing(root: Path) -> None:
    with staging_file(limit=10**9) as file:
        # From here on the file's descriptor leads to a device that is always full.
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, file._file.fileno())
        os.close(full)
        with pytest.raises(Refusal) as caught:
            file.write(DATA)
        file.discard()
    assert (caught.value.kind, caught.value.code) == (Kind.STORAGE_FULL, "storage.full")
    assert files_in(root) == []


def test_an_unwritable_staging_area_is_not_called_full(root: Path) -> None:
    root.parent.mkdir(exist_ok=True)
    root.write_text("a file where the folder should be")
    with pytest.raises(NotADirectoryError), staging_file(limit=1):
        pass


_TRACE = """
import sys
from django.conf import settings
settings.configure(STAGING_ROOT=sys.argv[1], RESERVED_BYTES=0)
from deposit.staging.files import staging_file
with staging_file(limit=100) as file:
    file.write(b"x")
    print(file.finish().stored_as)
"""


def test_a_package_and_its_name_are_synced_before_the_row(root: Path) -> None:
    """By a trace of the system calls: write, rename, fsync of the file, fsync of the folder."""
    strace = Path("/usr/bin/strace")
    if not strace.exists():
        pytest.skip("strace is not installed")
    log = root.parent / "trace"
    subprocess.run(
        [
            strace,
            "-y",
            "-o",
            log,
            "-e",
            "trace=fsync,rename,renameat,renameat2,mkdir",
            sys.executable,
            "-c",
            _TRACE,
            root,
        ],
        check=True,
        capture_output=True,
    )
    lines = [line for line in log.read_text().splitlines() if str(root) in line]
    rename = next(n for n, line in enumerate(lines) if line.startswith("rename"))
    day = r"/packages/\d{4}-\d\d-\d\d"
    synced = [line for line in lines[rename:] if line.startswith("fsync")]
    assert len(synced) == 2
    assert re.search(rf"{day}/[0-9a-f]{{32}}>", synced[0])
    assert re.search(rf"{day}>", synced[1])


def test_the_folder_of_the_day_is_made_durable_even_when_another_made_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever made it may not have synced it yet; a power cut would take the folder and all that is in it."""
    monkeypatch.setattr(files, "_durable_days", set())
    synced: list[Path] = []
    real = files.sync_directory

    def sync(path: Path) -> None:
        synced.append(path)
        real(path)

    monkeypatch.setattr(files, "sync_directory", sync)
    day = root / "packages" / Path(_finished()).parent.name
    assert synced[:2] == [day.parent, root]
    synced.clear()
    _finished()
    assert synced == [day]


def _finished() -> str:
    with staging_file(limit=1) as file:
        return file.finish().stored_as


def test_removing_what_is_gone_is_no_error(root: Path) -> None:
    name = _finished()
    files.remove([name])
    files.remove([name])
    assert files_in(root) == []
