"""A folder as a package: a tar that is the same for the same folder."""

import gzip
import hashlib
import stat
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from client.errors import UsageError
from client.recognition import Form, look_at, refuse_foreign

CHUNK = 1024 * 1024
# Names that are hardly ever meant to be deposited, and what they are.
VERSION_CONTROL = (".git", ".hg", ".svn", ".bzr", "_darcs", "CVS", ".jj")
CACHES = ("__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".tox", ".nox")
OF_THE_SYSTEM = (".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX")
LEFT_OUT = (*VERSION_CONTROL, *CACHES, *OF_THE_SYSTEM)

Progress = Callable[[int], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """A file ready to be sent. ``md5`` and ``sha256`` are hexadecimal, ``size`` is in bytes."""

    path: Path
    name: str
    size: int
    md5: str
    sha256: str
    is_zip: bool = False

    @property
    def media_type(self) -> str:
        """How SWORD servers call it, by its bytes: anything that is not a zip is sent as a tar."""
        return "application/zip" if self.is_zip else "application/x-tar"


def open_package(path: Path, *, progress: Progress | None = None) -> Package:
    """Hash a file in one pass. Raises `UsageError` when it cannot be read or is empty."""
    md5, sha256, size, is_zip = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0, False
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                is_zip = is_zip or (not size and chunk.startswith(b"PK"))
                md5.update(chunk)
                sha256.update(chunk)
                size += len(chunk)
                if progress:
                    progress(len(chunk))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if not size:
        raise UsageError(f"{path} is empty.")
    return Package(
        path=path,
        name=path.name,
        size=size,
        md5=md5.hexdigest(),
        sha256=sha256.hexdigest(),
        is_zip=is_zip,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What of some paths is packed. ``entries``: name in the package and where it lies, folders before what is in them.

    ``size`` is that of all files together, in bytes. ``left_out``: paths as people know them, each with the reason.
    """

    name: str
    entries: tuple[tuple[str, Path], ...]
    size: int
    files: int
    left_out: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        """What is packed, in words."""
        return f"{self.files} {'file' if self.files == 1 else 'files'}, {size_in_words(self.size)}"


def size_in_words(size: int) -> str:
    """A number of bytes as people read it."""
    amount = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024 or unit == "GiB":
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    raise AssertionError("unreachable")


def plan_of(
    folder: Path, *, exclude: tuple[str, ...] = LEFT_OUT, ignored: Callable[[str], bool] = lambda name: False
) -> Plan:
    """What of a folder is packed: all but the names in ``exclude`` and the paths that are ``ignored``.

    Raises `UsageError` for what no package holds.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder.")
    planning = _Planning(frozenset(exclude), ignored)
    planning.add_children(folder, "")
    base = folder.resolve().name or "package"
    return planning.plan(f"{base}.tar.gz")


def plan_of_files(paths: Sequence[Path]) -> Plan:
    """Several files as one package, side by side. Raises `UsageError` when two have one name."""
    planning = _Planning(frozenset(), lambda name: False)
    for path in sorted(paths, key=lambda path: path.name):
        if any(name == path.name for name, _ in planning.entries):
            raise UsageError(
                f"Two files are called {path.name}.", "Put them into folders, or deposit them one by one."
            )
        planning.add(path.resolve(), path.name)
    name = paths[0].name if len(paths) == 1 else "files"
    return planning.plan(f"{name}.tar.gz")


class _Planning:
    """A plan that is being made."""

    def __init__(self, exclude: frozenset[str], ignored: Callable[[str], bool]) -> None:
        self.entries: list[tuple[str, Path]] = []
        self._exclude, self._ignored = exclude, ignored
        self._left_out: list[tuple[str, str]] = []
        self._size = self._files = 0

    def plan(self, name: str) -> Plan:
        if not self.entries:
            raise UsageError("There is nothing to pack: the folder is empty, or all of it is left out.")
        return Plan(
            name=name,
            entries=tuple(self.entries),
            size=self._size,
            files=self._files,
            left_out=tuple(self._left_out),
        )

    def add_children(self, folder: Path, prefix: str) -> None:
        try:
            children = sorted(folder.iterdir())
        except OSError as error:
            raise UsageError(f"{folder} cannot be read: {error.strerror}") from error
        for child in children:
            name = prefix + child.name
            if child.name in self._exclude:
                self._left_out.append((name, _reason(child.name)))
            elif self._ignored(name):
                self._left_out.append((name, "named in .gitignore"))
            else:
                self.add(child, name)

    def add(self, path: Path, name: str) -> None:
        found = path.lstat()
        self.entries.append((name, path))
        if stat.S_ISDIR(found.st_mode):
            self.add_children(path, f"{name}/")
        elif stat.S_ISREG(found.st_mode):
            self._size += found.st_size
            self._files += 1
        elif stat.S_ISLNK(found.st_mode):
            self._files += 1
        else:
            raise UsageError(
                f"{path} is neither file, folder nor link; no package holds it.",
                "Leave it out with --exclude.",
            )


def _reason(name: str) -> str:
    for names, reason in (
        (VERSION_CONTROL, "version control"),
        (CACHES, "a cache"),
        (OF_THE_SYSTEM, "a file of the system"),
    ):
        if name in names:
            return reason
    return "as you said"


@contextmanager
def packed(folder: Path, *, exclude: tuple[str, ...] = LEFT_OUT) -> Iterator[Path]:
    """A ``.tar.gz`` of what a folder holds; see `made`."""
    with made(plan_of(folder, exclude=exclude)) as target:
        yield target


@contextmanager
def made(plan: Plan) -> Iterator[Path]:
    """The ``.tar.gz`` that was planned, in a temporary folder that goes away again.

    A folder itself is not a level of its package, so that the deposit gets the identifier of the folder.
    Deterministic: names sorted, times and owners left out, so that packing again gives the same bytes and a
    broken upload can go on. Permissions keep what an identifier keeps: executable or not.
    """
    with tempfile.TemporaryDirectory(prefix="deposit-") as temporary:
        target = Path(temporary) / plan.name
        with new_tar_gz(target) as tar:
            for name, path in plan.entries:
                _add(tar, path, name)
        yield target


@contextmanager
def new_tar_gz(target: Path) -> Iterator[tarfile.TarFile]:
    """A new ``.tar.gz``, whose gzip header names neither file nor time: they would differ each time."""
    with (
        target.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=6, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        yield tar


def _add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    found = path.lstat()
    member = tarfile.TarInfo(name)
    if stat.S_ISDIR(found.st_mode):
        member.type, member.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(member)
    elif stat.S_ISLNK(found.st_mode):
        member.type, member.linkname = tarfile.SYMTYPE, str(path.readlink())
        tar.addfile(member)
    else:
        member.size, member.mode = found.st_size, 0o755 if found.st_mode & 0o111 else 0o644
        try:
            with path.open("rb") as file:
                tar.addfile(member, file)
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error


@contextmanager
def wrapped(file: Path) -> Iterator[Path]:
    """A package as it is; any other file inside a package of its own.

    By its bytes, as the server decides. Raises `UsageError` for archives that servers do not take: an archive is never
    packed into another.
    """
    found = look_at(file)
    refuse_foreign(file, found)
    if found.form is Form.PACKAGE:
        yield file
        return
    with made(plan_of_files([file])) as target:
        yield target
