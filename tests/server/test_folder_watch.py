"""The kernel tells when a file is renamed into a folder."""

import select
import time
from pathlib import Path

import pytest

from server.folder_watch import FolderWatch


def is_told(watch: FolderWatch) -> bool:
    return bool(select.select([watch._file], [], [], 0)[0])


def test_a_file_that_is_renamed_into_the_folder_is_told_until_it_is_forgotten(tmp_path: Path) -> None:
    watch = FolderWatch(tmp_path)
    (tmp_path / "a.new").touch()
    assert not is_told(watch)
    (tmp_path / "a.new").rename(tmp_path / "a")
    began = time.monotonic()
    watch.wait(3600)
    assert time.monotonic() - began < 1800
    assert is_told(watch)
    watch.forget()
    assert not is_told(watch)
    watch.close()


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="does not watch"):
        FolderWatch(tmp_path / "nowhere")
