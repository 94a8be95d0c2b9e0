"""A folder as a package: a tar that is the same for the same folder."""

import gzip
import hashlib
import stat
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from client.errors import UsageError

CHUNK = 1024 * 1024
# Names that are hardly ever meant to be deposited.
LEFT_OUT = (".git", ".hg", ".svn", "__pycache__", ".DS_Store")

Progress = Callable[[int], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """A file ready to be sent. ``md5`` and ``sha256`` are hexadecimal, ``size`` is in bytes."""

    path: Path
    name: str
    size: int
    md5: str
    sha256: str

    @property
    def media_type(self) -> str:
        """How SWORD servers call it: anything that is not a zip is sent as a tar."""
        return "application/zip" if self.name.lower().endswith(".zip") else "application/x-tar"


def open_package(path: Path, *, progress: Progress | None = None) -> Package:
    """Hash a file in one pass. Raises `UsageError` when it cannot be read or is empty."""
    md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                md5.update(chunk)
                sha256.update(chunk)
                size += len(chunk)
                if progress:
                    progress(len(chunk))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if not size:
        raise UsageError(f"{path} is empty.")
    return Package(path=path, name=path.name, size=size, md5=md5.hexdigest(), sha256=sha256.hexdigest())


@contextmanager
def packed(folder: Path, *, exclude: tuple[str, ...] = LEFT_OUT) -> Iterator[Path]:
    """A ``.tar.gz`` of what a folder holds, in a temporary folder that goes away again.

    The folder itself is not a level of the package, so that the deposit gets the identifier of the folder.
    Deterministic: names sorted, times and owners left out, so that packing again gives the same bytes and a
    broken upload can go on. Permissions keep what an identifier keeps: executable or not.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder.")
    base = folder.resolve().name or "package"
    with tempfile.TemporaryDirectory(prefix="deposit-") as temporary:
        target = Path(temporary) / f"{base}.tar.gz"
        with _tar_gz(target) as tar:
            _add_children(tar, folder, "", frozenset(exclude))
        yield target


@contextmanager
def _tar_gz(target: Path) -> Iterator[tarfile.TarFile]:
    """A new ``.tar.gz``, whose gzip header names neither file nor time: they would differ each time."""
    with (
        target.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=6, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        yield tar


def _add_children(tar: tarfile.TarFile, folder: Path, prefix: str, exclude: frozenset[str]) -> None:
    for child in sorted(folder.iterdir()):
        if child.name not in exclude:
            _add(tar, child, prefix + child.name, exclude)


def _add(tar: tarfile.TarFile, path: Path, name: str, exclude: frozenset[str]) -> None:
    found = path.lstat()
    member = tarfile.TarInfo(name)
    if stat.S_ISDIR(found.st_mode):
        member.type, member.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(member)
        _add_children(tar, path, f"{name}/", exclude)
    elif stat.S_ISLNK(found.st_mode):
        member.type, member.linkname = tarfile.SYMTYPE, str(path.readlink())
        tar.addfile(member)
    elif stat.S_ISREG(found.st_mode):
        member.size, member.mode = found.st_size, 0o755 if found.st_mode & 0o111 else 0o644
        with path.open("rb") as file:
            tar.addfile(member, file)
    else:
        raise UsageError(
            f"{path} is neither file, folder nor link; no package holds it.", "Leave it out with --exclude."
        )


# What the servers take as a package, by the end of its name.
ARCHIVE_NAMES = (
    ".zip",
    ".tar",
    ".tgz",
    ".tbz2",
    ".txz",
    ".tzst",
    ".tar.gz",
    ".tar.bz2",
    ".tar.xz",
    ".tar.zst",
    ".tar.lz",
    ".tar.lzma",
)


@contextmanager
def wrapped(file: Path) -> Iterator[Path]:
    """A package as it is; any other file inside a package of its own."""
    if file.name.lower().endswith(ARCHIVE_NAMES):
        yield file
        return
    with tempfile.TemporaryDirectory(prefix="deposit-") as temporary:
        target = Path(temporary) / f"{file.name}.tar.gz"
        with _tar_gz(target) as tar:
            _add(tar, file.resolve(), file.name, frozenset())
        yield target
