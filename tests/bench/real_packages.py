"""Real packages: each must be accepted, and its identifier be that of the tree that tar or unzip makes of it.

    python -m tests.bench.real_packages FOLDER

Prints a line per package: the identifier by our reader, by ``git write-tree`` of the unpacked tree (git keeps no empty
directories; where there are some, by swh.model instead), members, bytes, and how long reading took. Ends with 1
when one is refused or differs.
"""

import hashlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from archive.identifiers import ObjectType, object_header
from archive.tree import Tree
from packages import Kind, Package, PackageError, open_package
from tests.packages.trees import unpacked_id


class Row(NamedTuple):
    """One line of the table; identifiers in hexadecimal."""

    name: str
    ours: str
    theirs: str
    oracle: str
    members: int
    size: int
    seconds: float


def content_id(size: int, chunks: list[bytes]) -> bytes:
    """Git's identifier of a blob."""
    digest = hashlib.sha1(object_header(ObjectType.CONTENT, size), usedforsecurity=False)
    for chunk in chunks:
        digest.update(chunk)
    return digest.digest()


def tree_of(package: Package) -> tuple[str, int]:
    """The identifier of the root directory, and the number of members."""
    tree, count = Tree(), 0
    for member in package:
        count += 1
        if member.kind is Kind.DIRECTORY:
            tree.add_directory(member.path)
        elif member.kind is Kind.HARDLINK:
            tree.add_hardlink(member.path, member.target or b"")
        elif member.kind is Kind.SYMLINK:
            target = member.target or b""
            tree.add_symlink(member.path, content_id(len(target), [target]))
        else:
            identifier = content_id(member.size, list(member.chunks()))
            tree.add_file(member.path, identifier, executable=member.executable)
    *_, (root, _) = tree.directories()
    tree.close()
    return root.hex(), count


def unpacked(path: Path, folder: Path) -> tuple[str, str]:
    """The identifier of what the common tools make of a package, and who computed it."""
    program = ["unzip", "-q", str(path), "-d"] if path.suffix == ".zip" else ["tar", "-xf", str(path), "-C"]
    subprocess.run([*program, str(folder)], check=True)
    if any(each.is_dir() and not each.is_symlink() and not any(each.iterdir()) for each in folder.rglob("*")):
        return unpacked_id(folder).rpartition(":")[2], "swh.model"
    with tempfile.TemporaryDirectory() as repository:
        git = ["git", f"--git-dir={repository}", f"--work-tree={folder}", "-c", "core.autocrlf=false"]
        subprocess.run([*git, "init", "-q"], check=True)
        # Attributes in the tree must not change what is hashed; they win over all others only from this file.
        Path(repository, "info", "attributes").write_text("* -text -filter -ident -working-tree-encoding\n")
        subprocess.run([*git, "add", "-A", "-f", "."], check=True, capture_output=True)
        written = subprocess.run([*git, "write-tree"], check=True, capture_output=True, text=True)
    return written.stdout.strip(), "git"


def compare(path: Path) -> Row:
    """Read one package by both roads."""
    began = time.perf_counter()
    try:
        with open_package(path) as package:
            ours, members = tree_of(package)
    except PackageError as error:
        ours, members = str(error), 0
    seconds = time.perf_counter() - began
    with tempfile.TemporaryDirectory() as folder:
        theirs, oracle = unpacked(path, Path(folder))
    return Row(path.name, ours, theirs, oracle, members, path.stat().st_size, seconds)


def main() -> int:
    """Compare all files of the folder."""
    wrong = 0
    paths = sorted(Path(sys.argv[1]).iterdir())
    for row in map(compare, paths):
        wrong += row.ours != row.theirs
        verdict = row.ours[:12] if row.ours == row.theirs else f"{row.ours} != {row.theirs}"
        size = f"{row.size:>11,} bytes"
        print(f"{row.name:45} {row.members:>7} members {size} {row.seconds:6.2f} s  {row.oracle:9} {verdict}")
    print(f"{len(paths)} packages, {wrong} refused or with another identifier")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
