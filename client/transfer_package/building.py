"""Making a transfer package from a folder."""

import csv
import io
import os
import stat
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from client.errors import UsageError
from client.transfer_package.contents import is_litter
from client.transfer_package.layout import METADATA, RIGHTS
from client.transfer_package.options import ACCESSION

_CHUNK = 1024 * 1024
# What the zip format can date; the times of the files are no part of a package.
_DATE = (1980, 1, 1, 0, 0, 0)


def metadata_csv(values: Mapping[str, str]) -> bytes:
    """A metadata.csv with these columns, for the whole package."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["filename", *values])
    writer.writerow(["objects/", *values.values()])
    return text.getvalue().encode()


def identifying_values(identifier: str, columns: tuple[str, ...]) -> dict[str, str]:
    """The identifier by column: as it is for one, cut at the last slashes for several. Raises `UsageError`."""
    columns = columns or ("dc.identifier",)
    values = identifier.rsplit("/", len(columns) - 1)
    if len(values) != len(columns) or not all(value.strip() for value in values):
        example = "/".join(["LE01", "7"]) if columns == ACCESSION else "/".join("abc"[: len(columns)])
        raise UsageError(
            f"{identifier!r} does not give a value for each of {', '.join(columns)}.",
            f"Write them with slashes between, such as {example}.",
        )
    return dict(zip(columns, (value.strip() for value in values), strict=True))


def build(folder: Path, target: Path, *, metadata: bytes, rights: bytes | None = None) -> None:
    """Write the content of ``folder`` and its metadata as a zip file; nothing is left behind when it fails.

    The same folder gives the same bytes. Raises `UsageError` for what no package holds.
    """
    own = {METADATA: metadata} | ({RIGHTS: rights} if rights is not None else {})
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as raw, zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as package:
            for path, inside in _files(folder, leave_out={target.resolve(), temporary.resolve()}):
                if inside not in own:
                    _add(package, path, inside)
            for inside, data in own.items():
                package.writestr(_entry(inside, 0o644), data)
        os.chmod(temporary, 0o666 & ~_umask())  # noqa: PTH101  (mkstemp makes it private)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _files(folder: Path, *, leave_out: set[Path]) -> Iterator[tuple[Path, str]]:
    for path in sorted(folder.rglob("*")):
        name, mode = path.relative_to(folder).as_posix(), path.lstat().st_mode
        if is_litter(name) or stat.S_ISDIR(mode) or path.resolve() in leave_out:
            continue
        if not stat.S_ISREG(mode):
            raise UsageError(f"{path} is neither file nor folder.", "Put the file itself in its place.")
        yield path, name


def _entry(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _DATE)
    info.external_attr = (stat.S_IFREG | mode) << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def _add(package: zipfile.ZipFile, path: Path, name: str) -> None:
    found = path.stat()
    info = _entry(name, 0o755 if found.st_mode & 0o111 else 0o644)
    info.file_size = found.st_size  # decides whether the entry needs zip64
    with path.open("rb") as source, package.open(info, "w") as target:
        while chunk := source.read(_CHUNK):
            target.write(chunk)
