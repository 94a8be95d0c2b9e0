"""What becomes of an original whose storage is proven: it is deleted, or moved and never written over another."""

import errno
import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path

from sources.folders.scanning import stamp_of, version_of
from sources.places import Changed, Gone

_CHUNK = 1024 * 1024


def require_same(path: Path, version: str) -> None:
    """Raises `Gone` or `Changed` unless the entry is the very one that was stored."""
    stamp = stamp_of(path)
    if stamp is None:
        raise Gone(path.name)
    if version_of(path, stamp)[0] != version:
        raise Changed(path.name)


def delete(path: Path, version: str, mark: str) -> None:
    """Remove the entry. A directory is first renamed to a hidden name, so that no half of it is taken for a whole."""
    leaving = path.with_name(f".{path.name}.{mark}.leaving")
    if stamp_of(leaving) is None:
        require_same(path, version)
        if not path.is_dir():
            path.unlink()
            return
        path.rename(leaving)
    shutil.rmtree(leaving)


def move(path: Path, version: str, folder: Path, mark: str) -> str:
    """Move the entry into ``folder``, under its name or, if that is taken, one with ``mark``; answer with the name.

    Twice is no error, also after a crash in between.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for target in (folder / path.name, folder / f"{path.name}.{mark}"):
        if _is_there(target):
            if not _is_same(path, target):
                continue
            _remove(path)
            return target.name
        require_same(path, version)
        try:
            _move(path, target, mark)
        except FileExistsError:
            continue
        return target.name
    raise FileExistsError(errno.EEXIST, "is there already, under both names", str(folder / path.name))


def _is_there(path: Path) -> bool:
    return stamp_of(path) is not None


def _is_same(path: Path, target: Path) -> bool:
    """Whether a move was broken off after its target was whole: the original is there too, and the same."""
    if not _is_there(path) or path.is_dir() or target.is_dir():
        return False
    return path.samefile(target) or _digest(path) == _digest(target)


def _move(path: Path, target: Path, mark: str) -> None:
    """Raises `FileExistsError` when somebody else was faster at ``target``."""
    try:
        if path.is_dir():
            os.rename(path, target)  # noqa: PTH104  (refuses a folder that is not empty)
        else:
            os.link(path, target)
            path.unlink()
    except OSError as error:
        if error.errno == errno.ENOTEMPTY:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from error
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP):
            raise
        _copy_then_remove(path, target, mark)
    _sync(target.parent)


def _copy_then_remove(path: Path, target: Path, mark: str) -> None:
    """Across devices: copy under a hidden name, compare, give the copy its name, remove the original."""
    copy = target.with_name(f".{path.name}.{mark}.part")
    _remove(copy)
    if path.is_dir():
        shutil.copytree(path, copy, symlinks=True)
        if _tree_digests(path) != _tree_digests(copy):
            raise OSError(errno.EIO, "the copy differs from the original", str(copy))
        os.rename(copy, target)  # noqa: PTH104
    else:
        shutil.copy2(path, copy)
        with copy.open("rb") as file:
            os.fsync(file.fileno())
        if _digest(path) != _digest(copy):
            raise OSError(errno.EIO, "the copy differs from the original", str(copy))
        try:
            os.link(copy, target)
        finally:
            copy.unlink()
    _sync(target.parent)
    _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        with suppress(FileNotFoundError):
            path.unlink()


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _tree_digests(root: Path) -> dict[str, str]:
    found = {}
    for path in root.rglob("*"):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        else:
            found[name] = _digest(path) if path.is_file() else ""
    return found


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
