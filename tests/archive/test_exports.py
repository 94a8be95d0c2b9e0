"""A directory as zip and as tar.gz: other people's tools unpack it to the same tree."""

import gzip
import os
import random
import shutil
import subprocess
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from swh.model import from_disk

from archive import tar, zip
from archive.errors import NotFound
from archive.packs import LARGE
from tests.archive.conftest import Load, Package

PACKAGE: Package = {
    b"README": b"Read me.\n" * 50,
    b"src/deep/configure": ("x", b"#!/bin/sh\n"),
    b"src/link": ("l", b"deep/configure"),
    b"empty": b"",
    b"nothing/here": None,
    b"na\xc3\xafve/caf\xc3\xa9": b"UTF-8",
    b"noise": random.Random(1).randbytes(5000),
    b"big": random.Random(2).randbytes(LARGE) + b"text " * LARGE,
}


@pytest.mark.skipif(not shutil.which("unzip"), reason="unzip is not installed")
def test_unzip_gives_the_same_tree(load: Load, tmp_path: Path) -> None:
    root, _ = load(PACKAGE)
    archive = tmp_path / "out.zip"
    archive.write_bytes(b"".join(zip.stream_zip(root)))
    out = tmp_path / "out"
    subprocess.run(["unzip", "-q", archive, "-d", out], check=True)
    assert from_disk.Directory.from_disk(path=os.fsencode(out), max_content_length=None).hash == root


def test_pythons_own_reader_finds_every_checksum_right(load: Load) -> None:
    root, _ = load(PACKAGE)
    data = b"".join(zip.stream_zip(root, prefix=b"top/"))
    assert b"".join(zip.stream_zip(root, prefix=b"top/")) == data
    with zipfile.ZipFile(BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert archive.read("top/naïve/café") == b"UTF-8"
        assert archive.getinfo("top/src/deep/configure").external_attr >> 16 == 0o100755
        assert archive.getinfo("top/big").file_size == 6 * LARGE
        assert archive.getinfo("top/nothing/here/").is_dir()


def test_names_that_are_not_utf8_are_kept_as_bytes(load: Load) -> None:
    root, _ = load({b"\xff\xfe": b"x"})
    with zipfile.ZipFile(BytesIO(b"".join(zip.stream_zip(root)))) as archive:
        (info,) = archive.infolist()
        assert info.filename.encode("cp437") == b"\xff\xfe"


def test_more_members_than_the_old_format_counts_are_read() -> None:
    out = zip._Zip(BytesIO())
    data = b"".join(b"".join(zip._small(out, b"%d" % n, 0o100644, b"")) for n in range(66_000))
    with zipfile.ZipFile(BytesIO(data + b"".join(out.end()))) as archive:
        assert len(archive.namelist()) == 66_000


def test_an_entry_past_four_gigabytes_has_its_numbers_in_the_extra_field() -> None:
    big = 5 * 1024**3
    entry = zip._Entry(b"name", 0, 0, 7, big + 1, big + 2, 0o100644, big + 3)
    end = zip._END.pack(b"PK\5\6", 0, 0, 1, 1, len(entry.central()), 0, 0)
    with zipfile.ZipFile(BytesIO(entry.central() + end)) as archive:
        (info,) = archive.infolist()
    assert (info.compress_size, info.file_size, info.header_offset) == (big + 1, big + 2, big + 3)


def test_an_empty_directory_is_an_empty_zip(load: Load) -> None:
    root, _ = load({})
    with zipfile.ZipFile(BytesIO(b"".join(zip.stream_zip(root)))) as archive:
        assert archive.namelist() == []


def test_a_missing_directory_is_told_before_the_first_byte(load: Load) -> None:
    with pytest.raises(NotFound):
        next(zip.stream_zip(bytes(20)))


def test_tar_gz_is_the_tar_compressed_and_the_same_every_time(load: Load) -> None:
    root, _ = load(PACKAGE)
    data = b"".join(tar.stream_tar_gz(root))
    assert gzip.decompress(data) == b"".join(tar.stream_tar(root))
    assert b"".join(tar.stream_tar_gz(root)) == data
    assert data[4:8] == bytes(4)
