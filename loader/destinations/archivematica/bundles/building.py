"""Putting a bundle together: unpack, take the package's own form into account, describe, write checksums.

The work is done in a folder of another name beside the target, which gets its name when it is whole: whoever finds
a bundle finds all of it. Built again, it replaces what an attempt before left.
"""

import errno
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from loader.destinations.archivematica.bundles.bags import unbag
from loader.destinations.archivematica.bundles.checksums import write_checksums
from loader.destinations.archivematica.bundles.describing import metadata_csv
from loader.destinations.archivematica.bundles.forms import (
    CHECKSUM_FILE,
    METADATA,
    OBJECTS,
    SUBMISSION_DOCUMENTATION,
    TRANSFER_FORM,
    Form,
    TransferType,
    is_hidden,
    is_junk,
)
from loader.destinations.archivematica.bundles.unpacking import Unpacked, chunks_of, unpack, write_file
from packages import Limits
from packages.errors import printable

_TOLD = 100


class Unsuitable(Exception):
    """A deposit of which no bundle of the wanted form can be made; ``str()`` says why, for an operator."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One package. ``name``: what the client called it. ``is_content``: it is one file, not an archive of files."""

    path: Path
    name: str
    is_content: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Contents:
    """What a deposit brings. ``documents``: name -> bytes, for ``submissionDocumentation``; ``terms``: Dublin Core."""

    packages: Sequence[Source]
    limits: Limits = field(default_factory=Limits)
    documents: Mapping[str, bytes] = field(default_factory=dict)
    terms: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Built:
    """A bundle: how many files of the deposit it has, their bytes, and the paths of those that it does not have."""

    files: int
    bytes: int
    left_out: tuple[str, ...] = ()
    left_out_count: int = 0


def build(target: Path, contents: Contents, form: Form, *, alive: Callable[[], None]) -> Built:
    """Make the bundle at ``target``, which need not exist. Raises `Unsuitable`, `PackageError`, `OSError`."""
    partial = target.with_name(f".{target.name}.partial")
    remove(partial)
    try:
        if form.type.is_one_file:
            built = _one_file(partial, contents)
        else:
            partial.mkdir(parents=True)
            built = _folder(partial, contents, form, alive)
        remove(target)
        partial.rename(target)
    except BaseException as error:
        remove(partial)
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
            raise Unsuitable(
                "A path of the deposit is too long for the disk of the transfer source."
            ) from error
        raise
    return built


def remove(path: Path) -> None:
    """Remove a bundle, or what an attempt left of one; nothing there is well too."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _one_file(partial: Path, contents: Contents) -> Built:
    if len(contents.packages) != 1 or contents.packages[0].is_content:
        raise Unsuitable("Transfers of this type are one archive file; the deposit is not one package.")
    partial.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(contents.packages[0].path, partial)
    return Built(files=1, bytes=partial.stat().st_size)


def _folder(partial: Path, contents: Contents, form: Form, alive: Callable[[], None]) -> Built:
    as_is = form.type is not TransferType.STANDARD
    root = partial if as_is else partial / "objects"
    root.mkdir(exist_ok=True)
    unpacked = Unpacked(root)
    hidden = is_hidden if form.exclude_hidden_files else _nothing
    for package in contents.packages:
        if package.is_content:
            name = safe_name(package.name).encode()
            write_file(unpacked, name, chunks_of(package.path), alive=alive)
        else:
            unpack(unpacked, package.path, contents.limits, skip=hidden if as_is else is_junk, alive=alive)
    if form.strip_top_level_dir:
        _strip(unpacked)
    if not as_is:
        unpacked = _arrange(partial, unpacked, contents, form)
    if not unpacked.digests:
        raise Unsuitable("Nothing is left of the deposit to be preserved once hidden files are left out.")
    told = sorted(set(unpacked.left_out))
    return Built(
        files=len(unpacked.digests),
        bytes=unpacked.size,
        left_out=tuple(map(printable, told[:_TOLD])),
        left_out_count=len(told),
    )


def _nothing(path: bytes) -> bool:
    return False


def safe_name(name: str) -> str:
    """A client's file name as one that lies in this folder and that Archivematica does not take for junk."""
    base = name.replace("\\", "/").rpartition("/")[2].strip()
    clean = "".join(c if c.isprintable() else "_" for c in base).lstrip(".").rstrip("~")
    return clean.encode()[-200:].decode(errors="ignore") or "package"


def _strip(unpacked: Unpacked) -> None:
    """Lift what lies in the one top folder; where the top holds anything else, all stays as it is."""
    tops = list(unpacked.folder.iterdir())
    if len(tops) != 1 or not tops[0].is_dir():
        return
    top = tops[0]
    lifted = unpacked.folder.with_name(f"{unpacked.folder.name}.lifted")
    top.rename(lifted)
    for path in lifted.iterdir():
        path.rename(unpacked.folder / path.name)
    lifted.rmdir()
    prefix = os.fsencode(top.name) + b"/"
    unpacked.digests = {path.removeprefix(prefix): digest for path, digest in unpacked.digests.items()}


def _arrange(partial: Path, unpacked: Unpacked, contents: Contents, form: Form) -> Unpacked:
    """Give the transfer its ``objects/`` and ``metadata/``; returns what lies below ``objects/``."""
    metadata = partial / "metadata"
    metadata.mkdir()
    algorithm = "sha256"
    digests: dict[bytes, str] | None = None
    if form.unbag and _find_bag(unpacked):
        algorithm, digests = unbag(unpacked, metadata)
    elif _is_transfer(unpacked):
        unpacked = _unwrap(partial, unpacked, metadata)
    _describe(metadata, contents)
    write_checksums(metadata, algorithm, unpacked.digests if digests is None else digests)
    return unpacked


def _find_bag(unpacked: Unpacked) -> bool:
    """Whether there is a bag; one that lies in a folder of its own, as bags are packed, is lifted to the top."""
    if b"bagit.txt" not in unpacked.digests:
        tops = {path.partition(b"/")[0] for path in unpacked.digests}
        if len(tops) == 1 and tops.pop() + b"/bagit.txt" in unpacked.digests:
            _strip(unpacked)
    return b"bagit.txt" in unpacked.digests


def _is_transfer(unpacked: Unpacked) -> bool:
    """Whether the package came in the form of a transfer itself."""
    tops = {os.fsencode(path.name) for path in unpacked.folder.iterdir()}
    return tops <= TRANSFER_FORM and OBJECTS in tops and unpacked.file(OBJECTS).is_dir()


def _unwrap(partial: Path, unpacked: Unpacked, metadata: Path) -> Unpacked:
    """Take a transfer out of its own ``objects/``.

    Its checksum files are left out, for ours cover every file and theirs need not (they stand in the submission
    documentation), and so is a processing configuration: which one is used the pipeline says, not the depositor.
    """
    outer = partial / ".package"
    unpacked.folder.rename(outer)
    (outer / "objects").rename(partial / "objects")
    inner = Unpacked(partial / "objects", left_out=unpacked.left_out)
    for path, digest in unpacked.digests.items():
        top, _, rest = path.partition(b"/")
        if top == OBJECTS:
            inner.digests[rest] = digest
            inner.size += inner.file(rest).stat().st_size
        elif top == METADATA:
            _keep_metadata(outer / os.fsdecode(path), metadata, rest)
        else:
            inner.left_out.append(path)
    shutil.rmtree(outer)
    return inner


def _keep_metadata(file: Path, metadata: Path, path: bytes) -> None:
    """Move a file of the package's ``metadata/``; nothing there may stand where our own files will."""
    first, _, rest = path.partition(b"/")
    if CHECKSUM_FILE.fullmatch(first) or (first == SUBMISSION_DOCUMENTATION and not rest):
        path = SUBMISSION_DOCUMENTATION + b"/depositor-" + path
    target = metadata / os.fsdecode(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    file.rename(target)


def _describe(metadata: Path, contents: Contents) -> None:
    """``metadata.csv``, unless the package brought its own, and the documents that came with the deposit."""
    table = metadata_csv(contents.terms)
    if table and not (metadata / "metadata.csv").exists():
        (metadata / "metadata.csv").write_bytes(table)
    folder = metadata / os.fsdecode(SUBMISSION_DOCUMENTATION)
    folder.mkdir(exist_ok=True)
    for name, data in contents.documents.items():
        _unused(folder / safe_name(name)).write_bytes(data)


def _unused(path: Path) -> Path:
    number = 0
    candidate = path
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return candidate
