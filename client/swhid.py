"""Software Heritage identifiers (ISO/IEC 18670) of files and directories, computed offline.

The same as ``git`` computes for blobs and trees, with two differences that the standard makes: empty folders
count, and permissions are folder, executable, plain file or symbolic link.
"""

import hashlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path

CHUNK = 1024 * 1024


def swhid_of(path: str | os.PathLike[str], *, exclude: Iterable[str] = ()) -> str:
    """The SWHID of a file (``swh:1:cnt:``) or folder (``swh:1:dir:``); a symbolic link is what it says.

    ``exclude``: names that are left out wherever they stand. Raises OSError for what cannot be read, and
    ValueError for what no identifier exists for, such as a device.
    """
    target = Path(path)
    mode, digest = _entry(os.fsencode(target), target.lstat(), {os.fsencode(name) for name in exclude})
    return f"swh:1:{'dir' if mode == b'40000' else 'cnt'}:{digest.hex()}"


def _entry(path: bytes, found: os.stat_result, exclude: set[bytes]) -> tuple[bytes, bytes]:
    """Mode as git writes it, and digest."""
    if stat.S_ISDIR(found.st_mode):
        return b"40000", _directory(path, exclude)
    if stat.S_ISLNK(found.st_mode):
        return b"120000", _object(b"blob", os.readlink(path))  # noqa: PTH115  bytes
    if stat.S_ISREG(found.st_mode):
        return (b"100755" if found.st_mode & 0o111 else b"100644"), _file(path, found.st_size)
    raise ValueError(f"{os.fsdecode(path)} is neither file, folder nor link; no package can hold it.")


def _directory(path: bytes, exclude: set[bytes]) -> bytes:
    lines = []
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.name in exclude:
                continue
            mode, digest = _entry(entry.path, entry.stat(follow_symlinks=False), exclude)
            # git sorts a folder as if its name ended with a slash.
            order = entry.name + (b"/" if mode == b"40000" else b"")
            lines.append((order, mode + b" " + entry.name + b"\0" + digest))
    return _object(b"tree", b"".join(line for _, line in sorted(lines)))


def _file(path: bytes, size: int) -> bytes:
    digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    with open(path, "rb") as file:  # noqa: PTH123  a path of bytes
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            size -= len(chunk)
    if size:
        raise ValueError(f"{os.fsdecode(path)} changed while it was read.")
    return digest.digest()


def _object(kind: bytes, content: bytes) -> bytes:
    header = kind + b" %d\0" % len(content)
    return hashlib.sha1(header + content, usedforsecurity=False).digest()
