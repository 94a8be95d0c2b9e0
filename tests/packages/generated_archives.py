"""Archives made at random of the features that programs write, and what common programs unpack of them."""

import gzip
import os
import random
import shutil
import stat
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

from packages import Kind, PackageError, open_package
from tests.packages.building import (
    GNU,
    POSIX,
    V7,
    ZipEntry,
    long_name,
    pax,
    tar_entry,
    unicode_path,
    zip64_field,
    zip_archive,
)
from tests.packages.tar_tool_cases import sparse_gnu, sparse_new

Tree = dict[bytes, tuple[str, bytes]]
"""Path -> what it is (``file``, ``run``, ``link``, ``folder``) and its content or target."""

_NAMES = (b"a", b"b", b"c.txt", b"d/a", b"d/b", b"d/e/f", b"./a", b"d//a", b"n" * 120, b"d/" + b"m" * 150)
_ODD_NAMES = (b"A", b"caf\xc3\xa9", b"caf\xe9", b"back\\slash", b"d\\b", b" ", b"-x", b"x:y", b"a/")
_CONTENTS = (b"", b"x", b"hello\n", b"y" * 600, b"PK\x03\x04", b"\0" * 512)


def generated_tar(chance: random.Random) -> bytes:
    """A tar archive, plain or in gzip."""
    form = chance.choice((POSIX, POSIX, GNU, V7))
    parts = [_tar_member(chance, form) for _ in range(chance.randrange(1, 6))]
    if chance.random() < 0.1:
        parts.insert(0, pax((b"comment", b"0" * 40), typeflag=b"g"))
    end = chance.choice((bytes(1024), bytes(1024), bytes(1024), bytes(512), bytes(10240), b""))
    data = b"".join(parts) + end
    return gzip.compress(data, mtime=0) if chance.random() < 0.4 else data


def _tar_member(chance: random.Random, form: bytes) -> bytes:
    name = chance.choice(_NAMES if chance.random() < 0.8 else _ODD_NAMES)
    content = chance.choice(_CONTENTS)
    before = b""
    short = name
    if len(name) > 100 or chance.random() < 0.1:
        before = long_name(name) if form == GNU else pax((b"path", name))
        short = name[:100]
    mode = chance.choice((0o644, 0o644, 0o755, 0o600, 0o4711))
    kind = chance.choice("ffffffddlhhs")
    link = chance.choice((b"a", b"b", b"d/a", b"d", b"nowhere"))
    if kind == "d":
        return before + tar_entry(short[:99].rstrip(b"/") + b"/", typeflag=b"5", mode=0o755, magic=form)
    if kind == "l":
        return before + tar_entry(short, typeflag=b"2", link=link, magic=form)
    if kind == "h":
        return before + tar_entry(short, typeflag=b"1", link=link, magic=form, mode=mode)
    if kind == "s" and form != V7:
        return sparse_gnu() if form == GNU else sparse_new()
    typeflag = b"\0" if form == V7 else chance.choice((b"0", b"0", b"0", b"7", b"\0"))
    return before + tar_entry(short, content, typeflag, magic=form, mode=mode)


def generated_zip(chance: random.Random) -> bytes:
    """A zip archive."""
    entries = [_zip_entry(chance) for _ in range(chance.randrange(1, 6))]
    return zip_archive(
        *entries,
        comment=chance.choice((b"", b"", b"", b"a comment")),
        zip64=chance.choice((None, None, None, {}, {"disks": 0})),
        reverse=chance.random() < 0.1,
    )


def _zip_entry(chance: random.Random) -> ZipEntry:
    name = chance.choice(_NAMES if chance.random() < 0.75 else _ODD_NAMES)
    content = chance.choice(_CONTENTS)
    host = chance.choice((3, 3, 3, 0, 19))
    attributes = chance.choice((0o100644, 0o100755, 0o100600, 0, 0o104755)) << 16
    flags = 0x800 if chance.random() < 0.2 and name.isascii() else 0
    kind = chance.choice("ffffffdl")
    if kind == "d":
        return ZipEntry(name=name.rstrip(b"/") + b"/", data=b"", host=host, attributes=0o40755 << 16 | 0x10)
    if kind == "l":
        return ZipEntry(name=name, data=chance.choice((b"a", b"d/a", b"nowhere")), attributes=0o120777 << 16)
    method = chance.choice((0, 8, 8, 8, 9, 12))
    descriptor = chance.choice((None, None, None, b"<IIII", b"<III", b"<IIQQ"))
    extra = b""
    if chance.random() < 0.1:
        extra = unicode_path(name, name) if _is_utf8(name) else b""
    entry = ZipEntry(
        name=name,
        data=content,
        method=method,
        host=host,
        attributes=attributes,
        flags=flags,
        descriptor=descriptor,
        extra=extra,
    )
    if chance.random() < 0.05:
        large = {"size": 0xFFFFFFFF, "extra": extra + zip64_field(len(content))}
        entry.central = large
    if chance.random() < 0.03:
        entry.central = {"crc": zlib.crc32(b"other")}
    return entry


def _is_utf8(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def ours(package: Path) -> Tree | str:
    """The tree that our reader sees, or the code of its refusal."""
    tree: Tree = {}
    try:
        with open_package(package) as opened:
            for member in opened:
                _imply(tree, member.path)
                if member.kind is Kind.FILE:
                    tree[member.path] = "run" if member.executable else "file", b"".join(member.chunks())
                elif member.kind is Kind.DIRECTORY:
                    tree[member.path] = "folder", b""
                elif member.kind is Kind.SYMLINK:
                    tree[member.path] = "link", member.target or b""
                else:
                    tree[member.path] = tree[member.target or b""]
    except PackageError as error:
        return error.code
    return tree


def _imply(tree: Tree, path: bytes) -> None:
    while path := path.rpartition(b"/")[0]:
        tree.setdefault(path, ("folder", b""))


PYTHON = (
    "import sys,tarfile,zipfile,os\n"
    "p=sys.argv[1]\n"
    "if zipfile.is_zipfile(p) and open(p,'rb').read(2)==b'PK':\n"
    "    z=zipfile.ZipFile(p); sys.exit(1) if z.testzip() else z.extractall('.')\n"
    "else:\n"
    "    tarfile.open(p, errors='surrogateescape', encoding='utf-8', errorlevel=2).extractall('.', filter='tar')\n"
)
UNPACKERS: dict[str, Callable[[Path], list[str]]] = {
    "tar": lambda package: ["tar", "-xpf", str(package)],
    "bsdtar": lambda package: ["bsdtar", "-xpPf", str(package)],
    "busybox tar": lambda package: ["busybox", "tar", "-xpf", str(package)],
    "unzip": lambda package: ["unzip", "-qq", "-o", str(package)],
    "7z": lambda package: ["7z", "x", "-bd", "-y", "-snl", str(package)],
    "python": lambda package: [sys.executable, "-c", PYTHON, str(package)],
}
OF_TAR, OF_ZIP = ("tar", "bsdtar", "busybox tar", "python"), ("unzip", "bsdtar", "7z", "python")


def theirs(program: str, package: Path, folder: Path) -> Tree | None:
    """The tree that a program unpacks; None where it complains or is not installed."""
    command = UNPACKERS[program](package)
    if not shutil.which(command[0]):
        return None
    folder.mkdir()
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    return None if done.returncode else _on_disk(folder)


def _on_disk(root: Path) -> Tree:
    tree: Tree = {}
    for place in root.rglob("*"):
        status = place.lstat()
        path = os.fsencode(place.relative_to(root))
        if stat.S_ISLNK(status.st_mode):
            tree[path] = "link", os.fsencode(place.readlink())
        elif stat.S_ISDIR(status.st_mode):
            tree[path] = "folder", b""
        else:
            tree[path] = "run" if status.st_mode & 0o100 else "file", place.read_bytes()
    return tree


def as_seen_by(form: str, program: str, tree: Tree) -> Tree:
    """The tree without what a program never keeps: Python's zipfile knows no links and no permissions."""
    if (form, program) != ("zip", "python"):
        return tree
    return {
        path: (kind.replace("link", "file").replace("run", "file"), data)
        for path, (kind, data) in tree.items()
    }


KNOWN_DIFFERENCES: dict[str, str] = {
    "BusyBox tar": "knows no sparse files of pax, and unpacks their pieces",
    "Python `zipfile`": "knows no links and no permissions, drops the drive of a name, and reads names without the "
    "UTF-8 flag as code page 437",
    "unzip": "reads names without the UTF-8 flag as code page 437",
    "bsdtar": "takes backslashes in zip for slashes, and sees nothing behind a zip64 locator that counts no disks "
    "(OneDrive)",
}
"""What we accept and one program unpacks otherwise than the others."""
REFUSED_ALL_THE_SAME = {
    "package.member.duplicate": "all keep the last; what the others held would be lost without a word",
    "package.truncated": "a plain tar archive without its end mark: nothing says that it is whole",
    "package.member.size": "a zip directory with content of its own, which all programs drop",
    "package.member.parent": "all replace one member by another of the same name",
    "package.zip.type": "a link by its mode and a folder by its name, of which all make a folder",
    "package.tar.ambiguous": "hard links with other permissions than their file, where by chance the last has the same",
    "package.member.below-link": "all follow the link, or replace it",
}
"""What all programs unpack alike, and is refused: why."""


def known_difference(form: str, program: str, ours: Tree, theirs: Tree) -> bool:
    """Whether a program is known to see such a tree otherwise (`KNOWN_DIFFERENCES`)."""
    different = {path for path in ours.keys() | theirs.keys() if ours.get(path) != theirs.get(path)}
    different = {path for path in different if not any(other.startswith(path + b"/") for other in different)}
    if (form, program) == ("tar", "busybox tar"):
        return all(path == b"s" or path.startswith(b"GNUSparseFile.") for path in different)
    if form == "zip" and program in ("python", "unzip"):
        return all(not path.isascii() or path[1:2] == b":" or path == b"y" for path in different)
    if (form, program) == ("zip", "bsdtar"):
        return not theirs or all(b"\\" in path or path.replace(b"/", b"\\") in ours for path in different)
    return False
