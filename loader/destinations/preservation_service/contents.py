"""The files of a SIP: archives unpacked, each file judged, hashed and described."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from loader.destinations.preservation_service.workdir import WorkDir
from packages import Kind, Limits, PackageError, open_package
from packages.formats.preservable import (
    ARCHIVES,
    Judged,
    NotPreservable,
    check_extension,
    check_name,
    extension,
    judge,
)

# What an attachment may unpack to: far beyond a museum's zip files, far below a disk.
# Attachments are pictures and documents; what expands to two hundred times its size is none.
ZIP_LIMITS = Limits(members=100_000, total=200 * 1024**3, path=1000, depth=20, ratio_floor=100 * 1024**2)
METADATA = frozenset({"mets.xml", "signature.sig"})
_CHUNK = 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class SipFile:
    """A file as METS tells of it. ``path`` is below ``sip/``; ``sha256`` is hexadecimal, ``size`` in bytes."""

    path: str
    size: int
    sha256: str
    modified: datetime
    judged: Judged


def unpack_archives(work: WorkDir, alive: Callable[[], None] = lambda: None) -> dict[str, datetime]:
    """Replace each zip file among the attachments by a folder of its name; return all that ever were, and when.

    May be run again at any point: an archive is removed only when its folder is whole. Raises NotPreservable.
    """
    for half in sorted(work.attachments.glob("*/*.extract")):
        _finish_or_remove(work, half)
    for path in sorted(work.attachments.glob("*/*")):
        if path.is_file() and extension(path.name) in ARCHIVES:
            _unpack(work, path, alive)
    return {path: when for path, when in work.extracted().items() if (work.sip / path).is_dir()}


def check_extensions(work: WorkDir) -> None:
    """Refuse files by their names, before any is looked into: that is the reason counted. Raises NotPreservable."""
    for folder in (work.reports, work.attachments):
        if folder.is_dir():
            for file in _walk(folder):
                check_extension(file.relative_to(work.sip).as_posix())


def read_files(work: WorkDir, alive: Callable[[], None] = lambda: None) -> Iterator[SipFile]:
    """All files of the SIP in the order of their paths, without its own metadata. Raises NotPreservable, OSError."""
    for file in _walk(work.sip):
        path = file.relative_to(work.sip).as_posix()
        if path in METADATA:
            continue
        alive()
        judged = judge(file, path)
        sha256, size = _digest(file, alive)
        modified = datetime.fromtimestamp(int(file.stat().st_mtime), UTC)
        told = f"{path} {judged.format.mime} {judged.format.version} {judged.format.puid}"
        work.log("import-object", told)
        if judged.image:
            work.log("create-mix", f"{path} {judged.image.width} x {judged.image.height}")
        yield SipFile(path=path, size=size, sha256=sha256, modified=modified, judged=judged)


def _walk(folder: Path) -> Iterator[Path]:
    """All files below a folder, each folder's together, by name; only names of the folders at hand are held."""
    with os.scandir(folder) as entries:
        found = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
    for name, is_folder in found:
        if is_folder:
            yield from _walk(folder / name)
        else:
            yield folder / name


def _digest(file: Path, alive: Callable[[], None]) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            alive()
    return digest.hexdigest(), size


def _finish_or_remove(work: WorkDir, half: Path) -> None:
    """What an attempt left that was interrupted: the archive is gone only when the folder was whole."""
    whole = half.with_suffix("")
    if whole.exists():
        shutil.rmtree(half)
    else:
        half.rename(whole)


def _unpack(work: WorkDir, archive: Path, alive: Callable[[], None]) -> None:
    half = archive.with_name(archive.name + ".extract")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir()
    name = archive.relative_to(work.sip).as_posix()
    try:
        count = _extract(archive, half, alive)
    except PackageError as error:
        raise NotPreservable(
            "Unsupported file format: zip", f"{name} cannot be unpacked: {error}", "museum.format"
        ) from None
    work.note_extracted(name, datetime.now(UTC).replace(microsecond=0))
    work.log("extract-archive", f"{name}: {count} files")
    archive.unlink()
    half.rename(archive)


def _extract(archive: Path, folder: Path, alive: Callable[[], None]) -> int:
    count = 0
    with open_package(archive, ZIP_LIMITS) as package:
        for member in package:
            alive()
            path = member.path.decode("utf-8", "replace")
            check_name(path)
            if member.kind is Kind.DIRECTORY:
                (folder / path).mkdir(parents=True, exist_ok=True)
                continue
            if member.kind is not Kind.FILE:
                raise NotPreservable(
                    "Unsupported file format: zip", f"{archive.name} holds a link: {path}", "museum.format"
                )
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                for chunk in member.chunks():
                    alive()
                    file.write(chunk)
            count += 1
    return count
