"""What the archive programs of today write, in their usual options, is read as they unpack it themselves."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from packages import Kind, PackageError, open_package
from tests.packages.trees import directory_id, unpacked_id

TAR_COMMANDS = {
    "GNU tar, sparse": ("tar", "tar -S --format=gnu -cf {package} tree"),
    "GNU tar, sparse, 0.0": ("tar", "tar -S --format=posix --sparse-version=0.0 -cf {package} tree"),
    "GNU tar, sparse, 0.1": ("tar", "tar -S --format=posix --sparse-version=0.1 -cf {package} tree"),
    "GNU tar, sparse, 1.0": ("tar", "tar -S --format=posix --sparse-version=1.0 -czf {package} tree"),
    "GNU tar, a file named twice": ("tar", "tar -cf {package} tree/a.txt tree/a.txt tree"),
    "GNU tar, appended": ("tar", "tar -cf {package} tree/a.txt && tar -rf {package} tree"),
    "bsdtar, sparse unasked": ("bsdtar", "bsdtar -czf {package} tree"),
    "bsdtar, ustar": ("bsdtar", "bsdtar --format=ustar --no-read-sparse -cf {package} tree"),
    "bsdtar, gnutar": ("bsdtar", "bsdtar --format=gnutar -cf {package} tree"),
    "bsdtar, appended": ("bsdtar", "bsdtar -cf {package} tree/a.txt && bsdtar -rf {package} tree"),
    "BusyBox tar": ("busybox", "busybox tar -cf {package} tree"),
    "BusyBox tar, gzip": ("busybox", "busybox tar -czf {package} tree"),
    "lzip": ("lzip", "tar -cf - tree | lzip > {package}"),
    "xz --format=lzma": ("xz", "tar -cf - tree | xz --format=lzma > {package}"),
    "xz -9e --format=lzma": ("xz", "tar -cf - tree | xz -9e --format=lzma > {package}"),
    "7-Zip, tar": ("7z", "7z a -bd -snl -ttar {package}.tar tree >/dev/null && mv {package}.tar {package}"),
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Files with holes, links of all sorts, and a long path to each."""
    root = tmp_path / "tree"
    deep = root / ("d" * 90) / ("e" * 90)
    deep.mkdir(parents=True)
    (root / "a.txt").write_bytes(b"hello\n")
    (root / "run").write_bytes(b"#!/bin/sh\n")
    (root / "run").chmod(0o755)
    for place in (root / "holes", deep / "holes"):
        with place.open("wb") as file:
            for number in range(40):
                file.seek(number * 65536)
                file.write(b"piece %d" % number)
            file.truncate(5_000_000)
    with (root / "one hole").open("wb") as file:
        file.truncate(1_000_000)
    (root / "link").symlink_to("a.txt")
    os.link(root / "link", root / "other link", follow_symlinks=False)
    os.link(root / "a.txt", root / "hard")
    os.link(root / "a.txt", deep / "hard")
    return root


@pytest.mark.parametrize(("program", "command"), TAR_COMMANDS.values(), ids=TAR_COMMANDS)
def test_tar_archives_are_read_as_they_unpack(program: str, command: str, tree: Path, tmp_path: Path) -> None:
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")
    package, unpacked = tmp_path / "package", tmp_path / "unpacked"
    unpacked.mkdir()

    subprocess.run(["/bin/sh", "-c", command.format(package=package)], check=True, cwd=tmp_path)
    told = ["--lzma"] if "lzma" in command else []  # it has no magic that tar knows
    subprocess.run(["tar", *told, "-xf", str(package), "-C", str(unpacked)], check=True)

    assert directory_id(package) == unpacked_id(unpacked)
    assert unpacked_id(unpacked / "tree") == unpacked_id(tree)


FOREIGN_COMMANDS = {
    "7-Zip": ("7z", "7z a -bd {package}.7z tree >/dev/null && mv {package}.7z {package}", "7-Zip archive"),
    "compress": ("compress", "tar -cf - tree | compress > {package}", "compress (.Z)"),
    "cpio": ("bsdtar", "bsdtar --format=newc -cf {package} tree", "cpio archive"),
    "xar": ("bsdtar", "bsdtar --format=xar -cf {package} tree", "xar archive"),
    "lz4": ("lz4", "tar -cf - tree | lz4 -q > {package}", "compressed with lz4"),
}


@pytest.mark.parametrize(("program", "command", "name"), FOREIGN_COMMANDS.values(), ids=FOREIGN_COMMANDS)
def test_other_formats_are_called_by_their_names(
    program: str, command: str, name: str, tree: Path, tmp_path: Path
) -> None:
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")
    package = tmp_path / "package"
    subprocess.run(["/bin/sh", "-c", command.format(package=package)], check=True, cwd=tmp_path)

    with pytest.raises(PackageError) as refused:
        open_package(package)

    assert name in refused.value.message


def test_an_appended_archive_warns(tree: Path, tmp_path: Path) -> None:
    package = tmp_path / "package"
    for option in ("-cf", "-rf"):
        subprocess.run(["tar", option, str(package), "-C", str(tmp_path), "tree"], check=True)

    with open_package(package) as opened:
        seen = [member.path for member in opened if member.kind is not Kind.DIRECTORY]

    assert len(seen) == len(set(seen))
    assert [(warning.code, warning.message[-21:]) for warning in opened.warnings] == [
        ("package.warning.repeated", "This concerns 8 more.")
    ]


ZIP_COMMANDS = {
    "Info-ZIP to a pipe": ("zip", "zip -qry - tree | cat > {package}"),
    "Info-ZIP, stored to a pipe": ("zip", "zip -qry0 - tree | cat > {package}"),
    "7-Zip": ("7z", "7z a -bd -snl -tzip {package}.zip tree >/dev/null && mv {package}.zip {package}"),
    "7-Zip, Deflate64": (
        "7z",
        "7z a -bd -tzip -mm=Deflate64 {package}.zip tree >/dev/null && mv {package}.zip {package}",
    ),
    "7-Zip, BZip2": (
        "7z",
        "7z a -bd -tzip -mm=BZip2 {package}.zip tree >/dev/null && mv {package}.zip {package}",
    ),
    "7-Zip, LZMA": (
        "7z",
        "7z a -bd -tzip -mm=LZMA {package}.zip tree >/dev/null && mv {package}.zip {package}",
    ),
    "bsdtar": ("bsdtar", "bsdtar --format=zip -cf {package} tree"),
    "bsdtar, stored to a pipe": (
        "bsdtar",
        "bsdtar --format=zip --options=compression=store -cf - tree | cat > {package}",
    ),
    "Python": ("python3", "python3 -m zipfile -c {package} tree"),
}


@pytest.mark.parametrize(("program", "command"), ZIP_COMMANDS.values(), ids=ZIP_COMMANDS)
def test_zip_archives_are_read_as_they_unpack(program: str, command: str, tree: Path, tmp_path: Path) -> None:
    unpack = "unzip -qq {0} -d {1}" if "Deflate64" in command else "bsdtar -xf {0} -C {1}"
    for needed in (program, unpack.split()[0]):
        if not shutil.which(needed):
            pytest.skip(f"{needed} is not installed")
    package, unpacked = tmp_path / "package", tmp_path / "unpacked"
    unpacked.mkdir()

    subprocess.run(["/bin/sh", "-c", command.format(package=package)], check=True, cwd=tmp_path)
    subprocess.run(unpack.format(package, unpacked).split(), check=True)

    assert directory_id(package) == unpacked_id(unpacked)
