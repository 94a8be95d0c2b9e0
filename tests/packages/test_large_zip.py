"""A zip archive beyond 4 GiB without zip64, as the Finder writes it: positions are cut to 32 bits."""

import zlib
from pathlib import Path

import pytest

from packages import PackageError, open_package
from packages.limits import GIB
from tests.packages.building import ZipEntry, zip_end

MEMBERS = 5
ZEROS = zlib.crc32(bytes(GIB))


def write(path: Path, *, off_by: int = 0) -> None:
    """Five stored members of 1 GiB of zeros each, as holes of the file."""
    entries = b""
    with path.open("wb") as file:
        for number in range(MEMBERS):
            lies = {"size": GIB, "compressed": GIB, "crc": ZEROS}
            member = ZipEntry(name=b"%d" % number, data=b"", local=lies, central=lies)
            entries += member.central_part(file.tell() & 0xFFFFFFFF)
            file.write(member.local_part())
            file.seek(GIB, 1)
        start = file.tell()
        file.write(entries + zip_end(MEMBERS, len(entries), (start + off_by) & 0xFFFFFFFF))


def test_positions_that_are_cut_are_read(tmp_path: Path) -> None:
    write(tmp_path / "package")
    with open_package(tmp_path / "package") as package:
        assert [(member.path, member.size) for member in package] == [
            (b"%d" % n, GIB) for n in range(MEMBERS)
        ]


def test_a_position_that_is_wrong_and_not_cut_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "package", off_by=1)
    with pytest.raises(PackageError, match=r"package\.zip\.end"):
        open_package(tmp_path / "package")
