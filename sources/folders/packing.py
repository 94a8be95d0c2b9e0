"""Reading an entry of a folder as a package: a file as it is, a directory as a tar that is made on the way."""

import os
import stat
import tarfile
from pathlib import Path
from typing import IO, cast

from sources.places import Changed, Gone, NotTakeable, Sink

CHUNK = 1024 * 1024
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK


def refuse_link(subject: str) -> NotTakeable:
    """A symbolic link that leads out of the folder."""
    return NotTakeable(
        "source.link",
        subject,
        f"{subject} is a symbolic link that leads out of the folder. Put the file or folder itself in its place.",
    )


def refuse_permission(subject: str) -> NotTakeable:
    """Something that the service may not read."""
    return NotTakeable(
        "source.permission",
        subject,
        f"The service may not read {subject}. Give its group or everybody the right to read it, and ask for a retry.",
    )


def copy_file(path: Path, subject: str, version: str, sink: Sink) -> None:
    """Write a file to ``sink`` if it is of this version before and after. Raises `Gone`, `Changed`, `NotTakeable`."""
    from_handle = _open(path, subject)
    with os.fdopen(from_handle, "rb", buffering=0) as file:
        _require(os.fstat(file.fileno()), version)
        while chunk := file.read(CHUNK):
            sink.write(chunk)
        _require(os.fstat(file.fileno()), version)
    try:
        _require(path.lstat(), version)
    except FileNotFoundError:
        raise Gone(subject) from None


def _require(found: os.stat_result, version: str) -> None:
    if f"{found.st_mtime_ns:x}.{found.st_size:x}.{found.st_ino:x}" != version:
        raise Changed(version)


def _open(path: Path, subject: str, folder: int | None = None) -> int:
    try:
        return os.open(path, _READ, dir_fd=folder)
    except FileNotFoundError:
        raise Gone(subject) from None
    except PermissionError:
        raise refuse_permission(subject) from None


def content_of(path: Path, *, strip: bool) -> Path:
    """The directory whose content is the package: the only one inside, if that is asked for. Raises `NotTakeable`."""
    if not strip:
        return path
    inside = [entry for entry in path.iterdir() if not entry.name.startswith(".")]
    if len(inside) != 1 or not inside[0].is_dir() or inside[0].is_symlink():
        raise NotTakeable(
            "source.top-level",
            path.name,
            f"{path.name} holds {len(inside)} things, where one folder is expected, which is left away.",
        )
    return inside[0]


def write_tree(root: Path, sink: Sink, *, exclude_hidden: bool) -> None:
    """Write the content of a directory as a tar whose root is the directory's. Raises `Gone`, `NotTakeable`.

    The same tree gives the same bytes: names are sorted, times and owners are left out.
    """
    # tarfile needs no more of its target than write.
    with tarfile.open(
        fileobj=cast("IO[bytes]", sink), mode="w|", format=tarfile.PAX_FORMAT, bufsize=CHUNK
    ) as tar:
        try:
            for folder, names, files, handle in os.fwalk(root, onerror=_unlistable, follow_symlinks=False):
                inside = Path(folder).relative_to(root).as_posix().removeprefix(".")
                if exclude_hidden:
                    names[:] = [name for name in names if not name.startswith(".")]
                names.sort()
                kept = [name for name in files if not (exclude_hidden and name.startswith("."))]
                for name in sorted([*names, *kept]):
                    _add(tar, name, f"{inside}/{name}".lstrip("/"), handle)
        except FileNotFoundError as error:
            raise Gone(str(error.filename)) from error


def _unlistable(error: OSError) -> None:
    if isinstance(error, PermissionError):
        raise refuse_permission(str(error.filename))
    raise error


def _add(tar: tarfile.TarFile, name: str, inside: str, folder: int) -> None:
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    member = tarfile.TarInfo(inside)
    if stat.S_ISDIR(found.st_mode):
        member.type, member.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(member)
    elif stat.S_ISLNK(found.st_mode):
        member.type, member.linkname = tarfile.SYMTYPE, os.readlink(name, dir_fd=folder)
        if leads_out(inside, member.linkname):
            raise refuse_link(inside)
        tar.addfile(member)
    elif stat.S_ISREG(found.st_mode):
        member.mode = 0o755 if found.st_mode & 0o111 else 0o644
        with os.fdopen(_open(Path(name), inside, folder), "rb") as file:
            member.size = os.fstat(file.fileno()).st_size
            tar.addfile(member, file)
    else:
        raise NotTakeable("source.type", inside, f"{inside} is neither file nor folder. Remove it.")


def leads_out(inside: str, target: str) -> bool:
    """Whether a link at the path ``inside`` a tree leads out of it, by its words."""
    if target.startswith("/"):
        return True
    place = os.path.normpath(os.path.join(os.path.dirname(inside), target))  # noqa: PTH118, PTH120 (words, no files)
    return place == ".." or place.startswith("../")
