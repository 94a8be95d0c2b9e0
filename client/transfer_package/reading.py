"""The contents of a zip file or folder on this computer, for `deposit package validate`."""

import hashlib
import stat
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from client.transfer_package.checksum_files import wanted_digests
from client.transfer_package.contents import MAX_SMALL_FILE, Contents, Finding, is_read

_CHUNK = 1024 * 1024
_METHODS = {
    zipfile.ZIP_STORED: "",
    zipfile.ZIP_DEFLATED: "",
    9: "Deflate64, as Windows Explorer writes for large files",
    zipfile.ZIP_BZIP2: "bzip2",
    zipfile.ZIP_LZMA: "LZMA",
    93: "Zstandard",
    95: "XZ",
    98: "PPMd",
}

Open = Callable[[str], IO[bytes]]


class UnreadableError(Exception):
    """A package that cannot be opened at all. ``finding`` says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


@contextmanager
def opened(path: Path) -> Iterator[Contents]:
    """What a zip file or folder holds. Raises `UnreadableError`; `OSError` when the disk does not let us."""
    if path.is_dir():
        yield _contents(*_in_folder(path), lambda name: (path / name).open("rb"))
        return
    try:
        with zipfile.ZipFile(path) as package:
            files, folders = _in_zip(package)
            yield _contents(files, folders, lambda name: package.open(name))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise UnreadableError(
            _unreadable("package.format", "", f"The file is no whole zip file: {error}.")
        ) from error


def _unreadable(code: str, subject: str, message: str) -> Finding:
    return Finding(code=code, subject=subject, message=message)


def _in_folder(root: Path) -> tuple[dict[str, int], frozenset[str]]:
    files, folders = {}, set()
    for path in sorted(root.rglob("*")):
        name, mode = path.relative_to(root).as_posix(), path.lstat().st_mode
        if stat.S_ISDIR(mode):
            folders.add(name)
        elif stat.S_ISREG(mode):
            files[name] = path.stat().st_size
        else:
            message = f"{name} is neither file nor folder. Remove it, or put the file itself in its place."
            raise UnreadableError(_unreadable("package.member.type", name, message))
    return files, frozenset(folders)


def _in_zip(package: zipfile.ZipFile) -> tuple[dict[str, int], frozenset[str]]:
    files: dict[str, int] = {}
    folders = set()
    for info in package.infolist():
        if info.is_dir():
            folders.add(info.filename.rstrip("/"))
            continue
        _require_readable(info)
        if info.filename in files:
            message = f"{info.filename} is there twice. Compress the files anew."
            raise UnreadableError(_unreadable("package.member.duplicate", info.filename, message))
        files[info.filename] = info.file_size
    return files, frozenset(folders)


def _require_readable(info: zipfile.ZipInfo) -> None:
    if info.flag_bits & 1:
        message = f"{info.filename} is encrypted. Compress the files without a password."
        raise UnreadableError(_unreadable("package.encrypted", info.filename, message))
    name = _METHODS.get(info.compress_type, f"method {info.compress_type}")
    if name:
        message = (
            f"{info.filename} is compressed with {name}. "
            "Compress the files with Deflate, as `deposit package build` does."
        )
        raise UnreadableError(_unreadable("package.method", info.filename, message))


def _contents(files: Mapping[str, int], folders: frozenset[str], open_: Open) -> Contents:
    small = {}
    for path, size in files.items():
        if is_read(path) and size <= MAX_SMALL_FILE:
            with open_(path) as file:
                small[path] = file.read(MAX_SMALL_FILE)
    contents = Contents(files=files, folders=folders, small=small)
    digests: dict[tuple[str, str], str] = {}
    for path, algorithms in wanted_digests(contents).items():
        hashes = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
        with open_(path) as file:
            while chunk := file.read(_CHUNK):
                for each in hashes.values():
                    each.update(chunk)
        digests |= {(name, path): each.hexdigest() for name, each in hashes.items()}
    return Contents(files=files, folders=folders, small=small, digests=digests)
