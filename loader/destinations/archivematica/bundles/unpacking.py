"""Members of packages onto a disk: only files and folders, each hashed as it is written.

Names come from our own package reader, which has refused whatever could leave the folder. No link is ever made on
disk, so none can be followed: a hard link becomes a copy of its file, a symbolic link is left out and told.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from packages import Kind, Limits, Member, open_package

CHUNK = 1024 * 1024


@dataclass(slots=True)
class Unpacked:
    """What lies in a folder. ``digests``: path -> SHA-256 in hexadecimal. ``left_out``: paths that were not written."""

    folder: Path
    digests: dict[bytes, str] = field(default_factory=dict)
    left_out: list[bytes] = field(default_factory=list)
    size: int = 0

    def file(self, path: bytes) -> Path:
        """Where a path lies on disk."""
        return self.folder / os.fsdecode(path)


def unpack(
    into: Unpacked,
    package: Path,
    limits: Limits,
    *,
    skip: Callable[[bytes], bool],
    alive: Callable[[], None],
) -> None:
    """Write the members of a package; those of a later package replace those of an earlier one.

    ``skip`` says of a file's path that it is left out. ``alive`` is called as the work moves on, and stops it by
    raising. Raises `PackageError`, `OSError`.
    """
    with open_package(package, limits=limits, ahead=True) as members:
        for member in members:
            alive()
            _write(into, member, skip, alive)


def _write(into: Unpacked, member: Member, skip: Callable[[bytes], bool], alive: Callable[[], None]) -> None:
    if member.kind is Kind.DIRECTORY:
        if not skip(member.path):
            _folder(into, member.path)
    elif member.kind is Kind.SYMLINK or skip(member.path):
        into.left_out.append(member.path)
    elif member.kind is Kind.FILE:
        write_file(into, member.path, member.chunks(), executable=member.executable, alive=alive)
    elif member.target in into.digests:
        source = into.file(member.target)
        write_file(into, member.path, chunks_of(source), executable=os.access(source, os.X_OK), alive=alive)
    else:
        into.left_out.append(member.path)


def write_file(
    into: Unpacked,
    path: bytes,
    chunks: Iterable[bytes],
    *,
    executable: bool = False,
    alive: Callable[[], None],
) -> None:
    """Write one file and note its digest; a file or folder of an earlier package gives way."""
    _folder(into, path.rpartition(b"/")[0])
    target = into.file(path)
    if target.is_dir():
        _forget(into, path)
        shutil.rmtree(target)
    target.unlink(missing_ok=True)
    digest = hashlib.sha256()
    with target.open("xb", buffering=0) as file:
        for chunk in chunks:
            alive()
            digest.update(chunk)
            view = memoryview(chunk)
            while view:
                view = view[file.write(view) :]
            into.size += len(chunk)
    if executable:
        target.chmod(target.stat().st_mode | 0o111)
    into.digests[path] = digest.hexdigest()


def chunks_of(path: Path) -> Iterator[bytes]:
    """The bytes of a file, in pieces."""
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _folder(into: Unpacked, path: bytes) -> None:
    """Make a folder and those above it; a file of an earlier package that has such a name gives way."""
    target = into.folder
    so_far = b""
    for name in path.split(b"/") if path else ():
        so_far = so_far + b"/" + name if so_far else name
        target = target / os.fsdecode(name)
        if target.is_file():
            target.unlink()
            into.digests.pop(so_far, None)
        target.mkdir(exist_ok=True)


def _forget(into: Unpacked, folder: bytes) -> None:
    for path in [path for path in into.digests if path.startswith(folder + b"/")]:
        del into.digests[path]
