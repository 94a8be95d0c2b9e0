"""The client and the server decide by the bytes, and alike: 60 files under whatever names."""

import bz2
import gzip
import io
import lzma
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
import zstandard

from client.errors import UsageError
from client.packing import wrapped
from client.recognition import Form, look_at
from packages import PackageError, open_package


def tar(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def lzipped(data: bytes) -> bytes:
    return subprocess.run(["lzip", "-c"], input=data, capture_output=True, check=True).stdout


TAR, ZIP = tar(README=b"hello", code=b"x" * 5000), zipped(README=b"hello")
GEM = tar(**{"metadata.gz": gzip.compress(b"x"), "data.tar.gz": gzip.compress(TAR)})
NOISE = bytes(range(256)) * 40
P, F, X = Form.PACKAGE, Form.FILE, Form.FOREIGN
FILES: list[tuple[str, bytes, Form]] = [
    # Archives under the names of their trades, and under wrong ones.
    ("p.zip", ZIP, P),
    ("p.tar", TAR, P),
    ("p.tar.gz", gzip.compress(TAR), P),
    ("p.tgz", gzip.compress(TAR), P),
    ("p.tar.gz.1", gzip.compress(TAR), P),
    ("p.crate", gzip.compress(TAR), P),
    ("p.gem", GEM, P),
    ("p.whl", ZIP, P),
    ("p.jar", ZIP, P),
    ("p.war", ZIP, P),
    ("p.egg", ZIP, P),
    ("p.docx", ZIP, P),
    ("p.epub", ZIP, P),
    ("p.apk", ZIP, P),
    ("p.nupkg", ZIP, P),
    ("p.vsix", ZIP, P),
    ("p.tar.bz2", bz2.compress(TAR), P),
    ("p.tbz", bz2.compress(TAR), P),
    ("p.tar.xz", lzma.compress(TAR), P),
    ("p.txz", lzma.compress(TAR), P),
    ("p.tar.zst", zstandard.compress(TAR), P),
    ("p.pkg", zstandard.compress(TAR), P),
    ("p.conda", ZIP, P),
    ("p.tar.lzma", lzma.compress(TAR, lzma.FORMAT_ALONE), P),
    ("data", gzip.compress(TAR), P),
    ("data.csv", ZIP, P),
    ("p.txt", TAR, P),
    ("p.7z.zip", ZIP, P),
    ("UPPER.ZIP", ZIP, P),
    ("no tar.gz", zipped(a=b"1"), P),
    # Broken ones are sent as well: the server says what is wrong.
    ("broken.zip", b"PK\x03\x04 no zip at all", P),
    ("broken.tar.gz", b"\x1f\x8b\x08\xff and then nothing that gzip knows", P),
    ("empty.zip", zipped(), P),
    ("empty.tar", bytes(10240), P),
    # Archives that no server takes are refused here.
    ("p.7z", b"7z\xbc\xaf\x27\x1c\0\4" + NOISE, X),
    ("p.zip.7z", b"7z\xbc\xaf\x27\x1c\0\4" + NOISE, X),
    ("seven.zip", b"7z\xbc\xaf\x27\x1c\0\4" + NOISE, X),
    ("p.rar", b"Rar!\x1a\x07\x01\0" + NOISE, X),
    ("p.cab", b"MSCF\0\0\0\0" + NOISE, X),
    ("p.deb", b"!<arch>\ndebian-binary   " + NOISE, X),
    ("lib.a", b"!<arch>\n/               " + NOISE, X),
    ("p.rpm", b"\xed\xab\xee\xdb\3\0" + NOISE, X),
    ("p.cpio", b"070701" + b"0" * 104 + NOISE, X),
    ("p.xar", b"xar!\0\x1c\0\1" + NOISE, X),
    ("p.lzh", b"\x22\xf1-lh5-" + NOISE, X),
    ("p.sfs", b"hsqs" + NOISE, X),
    ("p.tar.Z", b"\x1f\x9d\x90" + NOISE, X),
    ("p.tar.lz4", b"\x04\x22\x4d\x18" + NOISE, X),
    ("p.bundle", b"# v2 git bundle\n" + NOISE, X),
    ("p.tar.gz.gz", gzip.compress(gzip.compress(TAR)), X),
    ("p.zip.gz", gzip.compress(ZIP), X),
    ("p.tar.gz.xz", lzma.compress(gzip.compress(TAR)), X),
    # All else is a file, and packed.
    ("README", b"Hello, archive\n", F),
    ("script.sh", b"#!/bin/sh\necho hello\n", F),
    ("p.zip.txt", b"This describes p.zip.\n", F),
    ("really.zip", b"This is a text with a wrong name.\n", F),
    ("table.csv.gz", gzip.compress(b"a,b\n1,2\n" * 1000), F),
    ("table.csv.xz", lzma.compress(b"a,b\n1,2\n" * 1000), F),
    ("picture.png", b"\x89PNG\r\n\x1a\n" + NOISE, F),
    ("program", b"\x7fELF\2\1\1" + NOISE, F),
    ("setup.exe", b"MZ\x90\0" + NOISE, F),
    ("noise.bin", NOISE, F),
]


def test_there_are_sixty() -> None:
    assert len(FILES) >= 60


@pytest.mark.parametrize(("name", "data", "form"), FILES, ids=[name for name, _, _ in FILES])
def test_client_and_server_decide_alike(name: str, data: bytes, form: Form, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(data)

    assert look_at(path).form is form
    code, words = opened_by_server(path)
    # What is sent the server knows as a package, if as a broken one; what is not sent it would not have taken.
    assert (code not in ("package.format", "package.compression")) is (form is Form.PACKAGE)
    if form is Form.FOREIGN:
        with pytest.raises(UsageError, match="which deposit servers do not take"), wrapped(path):
            pass
        assert words
        return
    with wrapped(path) as sent:
        assert (sent == path) is (form is Form.PACKAGE)
        if form is Form.FILE:
            with tarfile.open(sent) as archive:
                assert archive.getnames() == [name]
            assert opened_by_server(sent)[0] == ""


def opened_by_server(path: Path) -> tuple[str, str]:
    """The code and the words with which the server refuses a package at first sight; "" where it does not."""
    try:
        with open_package(path):
            return "", ""
    except PackageError as error:
        return error.code, error.message


def test_lzip_is_looked_into(tmp_path: Path) -> None:
    for name, data, form in (("p.lz", TAR, P), ("table.csv.lz", b"a,b\n" * 500, F)):
        try:
            (tmp_path / name).write_bytes(lzipped(data))
        except FileNotFoundError:
            pytest.skip("lzip is not installed")
        assert look_at(tmp_path / name).form is form


def test_a_large_block_of_bzip2_is_looked_into(tmp_path: Path) -> None:
    import random  # noqa: PLC0415

    noise = random.Random(1).randbytes(2_000_000)
    for name, data, form in (("p", tar(noise=noise), P), ("noise.bz2", noise, F)):
        (tmp_path / name).write_bytes(bz2.compress(data))
        assert look_at(tmp_path / name).form is form


def test_a_program_with_an_archive_in_it_is_no_plain_file(tmp_path: Path) -> None:
    path = tmp_path / "app.pyz"
    path.write_bytes(b"#!/usr/bin/env python3\n" + ZIP)
    assert look_at(path).form is Form.FOREIGN


@pytest.mark.parametrize("start", [b"\xc7\x71", b"\x60\xea", b"ab-lh"])
def test_chance_is_no_archive(start: bytes, tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(start + b"by chance " * 100)
    assert look_at(path).form is Form.FILE
