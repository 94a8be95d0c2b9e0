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
from deposit.staging.files import StagingFile
from deposit.staging.storage import staging_file

DATA = b"some bytes of a package" * 1000


@pytest.fixture(autouse=True)
def root(tmp_path: Path, settings: Any) -> Path:
    settings.STAGING_ROOT = str(tmp_path / "staging")
    return tmp_path / "staging"


def files_in(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


@pytest.mark.parametrize("step", [777, 64 * 1024, 256 * 1024])
def test_the_digests_are_those_of_the_whole_however_it_comes(step: int) -> None:
    data = DATA * 60
    with staging_file(limit=10**7, with_md5=True) as file:
        for start in range(0, len(data), step):
            file.write(data[start : start + step])
        kept = file.finish()
    assert (kept.sha256, kept.md5) == (hashlib.sha256(data).hexdigest(), hashlib.md5(data).hexdigest())


_FULL_DISK = """
import resource, signal, sys
from django.conf import settings
settings.configure(STAGING_ROOT=sys.argv[1], STAGING_STORAGE="", RESERVED_BYTES=0)
from deposit.refusals import Refusal
from deposit.staging.storage import staging_file
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
        assert isinstance(file, StagingFile)
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
settings.configure(STAGING_ROOT=sys.argv[1], STAGING_STORAGE="", RESERVED_BYTES=0)
from deposit.staging.storage import staging_file
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
