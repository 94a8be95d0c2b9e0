"""The directory that a package, a plan or a commit makes: its SWHID, computed offline (ISO/IEC 18670).

Packages are read with Python's own modules, as far as those see what servers see; of the rest it is said that only the
server can tell.
"""

import contextlib
import hashlib
import itertools
import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from client.errors import UsageError
from client.packing import Plan
from client.recognition import Form, is_tar, look_at, refuse_foreign

CHUNK = 1024 * 1024
# A package whose description is looked for here has at most so many bytes, and members.
_LARGE = 256 * 1024 * 1024
_MANY = 50_000
FOLDER, FILE, RUN, LINK = b"40000", b"100644", b"100755", b"120000"


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a package: path without ``./`` and trailing slash, mode as git writes it, identifier, beginning."""

    path: bytes
    mode: bytes
    digest: bytes
    size: int
    start: bytes


class Tree:
    """A directory that is put together member by member."""

    def __init__(self) -> None:
        self._entries: dict[bytes, tuple[bytes, bytes] | Tree] = {}

    def add(self, path: bytes, mode: bytes, digest: bytes) -> None:
        """Add a file, link or folder; folders above it are made. Raises `UsageError` for what is a file already."""
        *above, name = path.split(b"/")
        tree = self
        for part in above:
            tree = tree._below(part, path)
        if mode == FOLDER:
            tree._below(name, path)
        elif isinstance(tree._entries.get(name), Tree):
            raise _odd(path)
        else:
            tree._entries[name] = mode, digest

    def _below(self, name: bytes, path: bytes) -> "Tree":
        found = self._entries.setdefault(name, Tree())
        if not isinstance(found, Tree):
            raise _odd(path)
        return found

    def digest(self) -> bytes:
        """The identifier that git gives it, 20 bytes."""
        lines = []
        for name, found in self._entries.items():
            mode, digest = (FOLDER, found.digest()) if isinstance(found, Tree) else found
            order = name + (b"/" if mode == FOLDER else b"")
            lines.append((order, mode + b" " + name + b"\0" + digest))
        return git_object(b"tree", b"".join(line for _, line in sorted(lines)))

    def swhid(self) -> str:
        """``swh:1:dir:…``."""
        return f"swh:1:dir:{self.digest().hex()}"


def _odd(path: bytes) -> UsageError:
    return UsageError(
        f"{os.fsdecode(path)!r} is a file and a folder in the package.",
        "Only the server can tell what becomes of it: deposit check.",
    )


def git_object(kind: bytes, content: bytes) -> bytes:
    """The SHA-1 of an object of git."""
    return hashlib.sha1(kind + b" %d\0" % len(content) + content, usedforsecurity=False).digest()


def tree_of(members: Iterator[Member]) -> Tree:
    """The directory that members make."""
    tree = Tree()
    for member in members:
        tree.add(member.path, member.mode, member.digest)
    return tree


def tree_of_plan(plan: Plan) -> Tree:
    """The directory that a planned package will make. Raises `UsageError` for what cannot be read."""
    tree = Tree()
    for name, path in plan.entries:
        found = path.lstat()
        if stat.S_ISDIR(found.st_mode):
            tree.add(os.fsencode(name), FOLDER, b"")
        elif stat.S_ISLNK(found.st_mode):
            tree.add(os.fsencode(name), LINK, git_object(b"blob", os.fsencode(path.readlink())))
        else:
            try:
                with path.open("rb") as file:
                    digest = _blob(file, found.st_size)[0]
            except OSError as error:
                raise UsageError(f"{path} cannot be read: {error.strerror}") from error
            tree.add(os.fsencode(name), RUN if found.st_mode & 0o111 else FILE, digest)
    return tree


def _blob(file: IO[bytes], size: int) -> tuple[bytes, bytes]:
    """Identifier and beginning of a content of ``size`` bytes."""
    digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    start = b""
    while chunk := file.read(CHUNK):
        start = start or chunk[:4096]
        digest.update(chunk)
    return digest.digest(), start


def members_of(package: Path) -> Iterator[Member]:
    """The members of a zip or tar archive. Raises `UsageError` for what cannot be read here."""
    refuse_foreign(package, look_at(package))
    try:
        if _head(package).startswith(b"PK"):
            yield from _of_zip(package)
        else:
            yield from _of_tar(package)
    except (
        tarfile.TarError,
        zipfile.BadZipFile,
        EOFError,
        lzma.LZMAError,
        OSError,
        NotImplementedError,
    ) as error:
        raise UsageError(
            f"{package} cannot be read here: {error}",
            "The server reads more, and says what is wrong: deposit check.",
        ) from error


def _head(package: Path) -> bytes:
    with package.open("rb") as file:
        return file.read(512)


def small_files(package: Path, wanted: Callable[[str], bool], largest: int) -> dict[str, bytes]:
    """The wanted files of an archive at most two folders deep, and the names of all others; {} where it is unreadable.

    Large packages and those of very many members are left to the
    server, which reads all of them anyway.
    """
    if package.stat().st_size > _LARGE or not is_package(package):
        return {}
    try:
        entries = _zip_files(package) if _head(package).startswith(b"PK") else _tar_files(package)
        return {
            name: read()
            if size <= largest and wanted(name.rpartition("/")[2]) and name.count("/") < 3
            else b""
            for name, size, read in itertools.islice(entries, _MANY)
        }
    except (
        tarfile.TarError,
        zipfile.BadZipFile,
        EOFError,
        lzma.LZMAError,
        zlib.error,
        OSError,
        RuntimeError,
    ):
        return {}


def _tar_files(package: Path) -> Iterator[tuple[str, int, Callable[[], bytes]]]:
    with contextlib.ExitStack() as files, _opened_tar(package, files) as tar:
        for info in tar:
            if not info.isdir():
                file = tar.extractfile(info) if info.isreg() else None
                size = info.size if file else 0
                yield _clean(os.fsencode(info.name)).decode("latin-1"), size, partial(_whole, file, size)


def _zip_files(package: Path) -> Iterator[tuple[str, int, Callable[[], bytes]]]:
    with zipfile.ZipFile(package) as archive:
        for info in archive.infolist():
            if not info.is_dir():
                name = _clean(info.filename.replace("\\", "/").encode("utf-8", "surrogateescape"))
                yield name.decode("latin-1"), info.file_size, partial(_of_member, archive, info)


def _whole(file: IO[bytes] | None, size: int) -> bytes:
    return file.read(size) if file else b""


def _of_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with archive.open(info) as file:
        return file.read(info.file_size)


def _clean(path: bytes) -> bytes:
    return b"/".join(part for part in path.split(b"/") if part not in (b"", b"."))


def _of_tar(package: Path) -> Iterator[Member]:
    with contextlib.ExitStack() as files, _opened_tar(package, files) as tar:
        known: dict[bytes, Member] = {}
        for info in tar:
            member = _tar_member(tar, info, known)
            if member.path:
                known[member.path] = member
                yield member


def _opened_tar(package: Path, files: contextlib.ExitStack) -> tarfile.TarFile:
    """With the decompressors that Python has; lzip and zstd are none of them everywhere."""
    head = _head(package)
    names = {"encoding": "utf-8", "errors": "surrogateescape"}
    if is_tar(head) or head.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ")):
        return tarfile.open(package, "r|*", **names)  # type: ignore[call-overload,no-any-return]
    if head.startswith(b"\x5d"):
        raw = files.enter_context(contextlib.closing(lzma.LZMAFile(package, format=lzma.FORMAT_ALONE)))  # noqa: SIM115
        return tarfile.open(fileobj=raw, mode="r|", **names)  # type: ignore[call-overload,no-any-return]
    raise tarfile.ReadError("Python has no decompressor for it")


def _tar_member(tar: tarfile.TarFile, info: tarfile.TarInfo, known: dict[bytes, Member]) -> Member:
    path = _clean(os.fsencode(info.name))
    if info.isdir():
        return Member(path, FOLDER, b"", 0, b"")
    if info.issym():
        target = os.fsencode(info.linkname)
        return Member(path, LINK, git_object(b"blob", target), 0, target)
    if info.islnk():
        earlier = known.get(_clean(os.fsencode(info.linkname)))
        if earlier is None:
            raise tarfile.ReadError(f"{info.name} is a link to what is not in the package")
        return Member(path, earlier.mode, earlier.digest, earlier.size, earlier.start)
    file = tar.extractfile(info) if info.isreg() else None
    if file is None:
        raise tarfile.ReadError(f"{info.name} is neither file, folder nor link")
    digest, start = _blob(file, info.size)
    return Member(path, RUN if info.mode & 0o100 else FILE, digest, info.size, start)


def _of_zip(package: Path) -> Iterator[Member]:
    with zipfile.ZipFile(package) as archive:
        for info in archive.infolist():
            member = _zip_member(archive, info)
            if member.path:
                yield member


def _zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    name = info.orig_filename.encode("utf-8" if info.flag_bits & 0x800 else "cp437")
    path, mode = _clean(name), info.external_attr >> 16 if info.create_system == 3 else 0
    if (b"\\" in name and info.create_system == 0) or (b"up" in info.extra and not name.isascii()):
        raise zipfile.BadZipFile("its names can be read in more than one way")
    if name.endswith(b"/") or stat.S_ISDIR(mode):
        return Member(path, FOLDER, b"", 0, b"")
    with archive.open(info) as file:
        if stat.S_ISLNK(mode):
            where = file.read()
            return Member(path, LINK, git_object(b"blob", where), 0, where)
        digest, start = _blob(file, info.file_size)
    return Member(path, RUN if mode & 0o100 else FILE, digest, info.file_size, start)


def is_package(path: Path) -> bool:
    """Whether a file is a package by its bytes."""
    return path.is_file() and look_at(path).form is Form.PACKAGE
