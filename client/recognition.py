"""What a file is, by its bytes: a package to be sent as it is, an archive that servers do not take, or any other file.

Its name is of no account. Only the beginning is looked at, and for archives that extract themselves the end.
"""

import bz2
import importlib
import lzma
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from client.errors import UsageError

BLOCK = 512
# As much as is read to see what is inside of a compression: a block of bzip2 has 900 kB; and as much as comes out.
_HEAD = 1024 * 1024
_INSIDE = 64 * 1024
_ZEROS_AT_MOST = 64 * 1024
# The end of a zip archive: its record, and the longest comment.
_ZIP_END = 22 + 65_535


class Form(StrEnum):
    """What becomes of a file."""

    PACKAGE = "package"
    """It is sent as it is."""
    FOREIGN = "foreign"
    """It is an archive that deposit servers do not take; it is not sent, and never packed into another."""
    FILE = "file"
    """It is any other file, and is packed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What a file is; ``name`` in words, with an article, and ``advice`` for what is not taken."""

    form: Form
    name: str
    advice: str = ""


def look_at(path: Path) -> Found:
    """What the file at ``path`` is. Raises `UsageError` when it cannot be read."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
            size = path.stat().st_size
            file.seek(max(0, size - _ZIP_END))
            tail = file.read()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if not head:
        return Found(form=Form.FILE, name="an empty file")
    return _plain(head, size, tail) or _compressed(head) or Found(form=Form.FILE, name="a file")


def refuse_foreign(path: Path, found: Found) -> None:
    """Raise `UsageError` for an archive that servers do not take."""
    if found.form is Form.FOREIGN:
        raise UsageError(
            f"{path} is {found.name}, which deposit servers do not take.",
            f"{found.advice} If it is meant as the one file that it is, put it into a folder and deposit that.",
        )


def _plain(head: bytes, size: int, tail: bytes) -> Found | None:
    """What is recognised without decompressing."""
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return Found(form=Form.PACKAGE, name="a zip archive")
    if head.startswith((b"PK\x07\x08", b"PK00PK")):
        return _foreign(
            "one part of a zip archive in several files", "Join it first (zip -s 0 IN --out OUT)."
        )
    if is_tar(head) or (size <= _ZEROS_AT_MOST and len(head) >= BLOCK and not head.strip(b"\0")):
        return Found(form=Form.PACKAGE, name="a tar archive")
    for position, magic, name in _ARCHIVES:
        if head.startswith(magic, position):
            return _foreign(name, _UNPACK)
    for magic, name, program in _COMPRESSIONS:
        if head.startswith(magic):
            return _foreign(
                f"compressed with {name}", f"Decompress it ({program}) and deposit what comes out."
            )
    if _is_old_archive(head):
        return _foreign("an archive of an old form (cpio, ARJ, LHA or ACE)", _UNPACK)
    if head.startswith((b"#!", b"MZ", b"\x7fELF")) and _ends_as_zip(tail):
        return _foreign("a program with a zip archive in it", _UNPACK)
    return None


def _foreign(name: str, advice: str) -> Found:
    return Found(form=Form.FOREIGN, name=name, advice=advice)


_UNPACK = "Unpack it and deposit the folder: deposit upload FOLDER."


def is_tar(head: bytes) -> bool:
    """Whether the first block is the header of a tar archive: the sum of its bytes is what it says (POSIX ustar)."""
    if len(head) < BLOCK:
        return False
    block = head[:BLOCK]
    digits = block[148:156].strip(b" \0")
    if not digits or digits.strip(b"01234567"):
        return False
    blanked = block[:148] + b" " * 8 + block[156:]
    signed = sum(byte - 256 if byte > 127 else byte for byte in blanked)
    return int(digits, 8) in (sum(blanked), signed)


def _ends_as_zip(tail: bytes) -> bool:
    place = tail.rfind(b"PK\x05\x06")
    return place >= 0 and len(tail) - place == 22 + int.from_bytes(tail[place + 20 : place + 22], "little")


def _is_old_archive(head: bytes) -> bool:
    """Archives of few magic bytes: more of their header has to fit, for other files begin so by chance."""
    if head.startswith((b"\xc7\x71", b"\x71\xc7")):
        order = "little" if head.startswith(b"\xc7") else "big"
        length = int.from_bytes(head[20:22], "little" if order == "little" else "big")
        return 1 < length < 4096 and head[26 + length - 1 : 26 + length] == b"\0"
    if head.startswith(b"\x60\xea"):
        return 30 <= int.from_bytes(head[2:4], "little") <= 2600 and head[10:11] == b"\x02"
    if head[2:5] in (b"-lh", b"-lz"):
        return head[6:7] == b"-"
    return head.startswith(b"**ACE**", 7)


_ARCHIVES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (0, b"Rar!\x1a\x07", "a RAR archive"),
    (0, b"RE~^", "a RAR archive of the oldest form"),
    (0, b"MSCF\0\0\0\0", "a Windows cabinet"),
    (0, b"MSWIM\0\0\0", "a Windows image (.wim)"),
    (0, b"xar!", "a xar archive (.xar, .pkg)"),
    (0, b"070701", "a cpio archive"),
    (0, b"070702", "a cpio archive"),
    (0, b"070707", "a cpio archive"),
    (0, b"!<arch>\ndebian-binary", "a Debian binary package"),
    (0, b"!<arch>\n", "an ar archive"),
    (0, b"\xed\xab\xee\xdb", "an RPM package"),
    (0, b"hsqs", "a SquashFS image"),
    (0, b"StuffIt", "a StuffIt archive"),
    (0, b"SIT!", "a StuffIt archive"),
    (20, b"\xdc\xa7\xc4\xfd", "a zoo archive"),
    (0, b"# v2 git bundle", "a Git bundle"),
    (0, b"# v3 git bundle", "a Git bundle"),
)
_COMPRESSIONS: tuple[tuple[bytes, str, str], ...] = (
    (b"\x1f\x9d", "compress (.Z)", "uncompress"),
    (b"\x1f\xa0", "compress -H", "a program of its time"),
    (b"\x1f\x1e", "pack (.z)", "gzip -d"),
    (b"\x04\x22\x4d\x18", "lz4", "lz4 -d"),
    (b"\x02\x21\x4c\x18", "lz4", "lz4 -d"),
    (b"\x89LZO\0\r\n\x1a\n", "lzop", "lzop -d"),
    (b"LRZI", "lrzip", "lrzip -d"),
    (b"LZIP\0", "lzip in its version 0", "lzip -d of before 2009"),
    (b"\xff\x06\0\0sNaPpY", "snappy", "snzip -d"),
)


# --- Compressions --------------------------------------------------------------------------------------
def _compressed(head: bytes) -> Found | None:
    """What a compressed file is, by what is in it; None for what is no compression that is known here."""
    for name, starts, expand in _CODECS:
        if not starts(head):
            continue
        inside = expand(head)
        if inside is None or (not inside and len(head) == _HEAD):
            # It is damaged, or cannot be looked into here: the server says what is wrong.
            return Found(form=Form.PACKAGE, name=f"compressed with {name}")
        return _by_what_is_inside(name, inside)
    return None


def _by_what_is_inside(name: str, inside: bytes) -> Found:
    if is_tar(inside) or (len(inside) >= BLOCK and not inside[:BLOCK].strip(b"\0")):
        return Found(form=Form.PACKAGE, name=f"a tar archive, compressed with {name}")
    if not inside:
        return Found(form=Form.FILE, name=f"nothing, compressed with {name}")
    deeper = _plain(inside, len(inside), b"") or _compressed(inside)
    if deeper and deeper.form is not Form.FILE:
        return _foreign(
            f"{deeper.name}, compressed with {name}", "Decompress it once and deposit what comes out."
        )
    return Found(form=Form.FILE, name=f"a file, compressed with {name}")


Expand = Callable[[bytes], bytes | None]


def _gunzip(head: bytes) -> bytes | None:
    try:
        return zlib.decompressobj(wbits=31).decompress(head, _INSIDE)
    except zlib.error:
        return None


def _with(decoder: Callable[[], Any], *wrong: type[Exception]) -> Expand:
    def expand(head: bytes) -> bytes | None:
        try:
            made: bytes = decoder().decompress(head, _INSIDE)
        except wrong:
            return None
        return made

    return expand


def _unlzip(head: bytes) -> bytes | None:
    """The beginning of an lzip member: LZMA with its parameters in a header of six bytes."""
    coded = head[5]
    size = 1 << (coded & 31)
    size -= (size >> 4) * (coded >> 5)
    filters = [{"id": lzma.FILTER_LZMA1, "dict_size": max(size, 4096), "lc": 3, "lp": 0, "pb": 2}]
    try:
        return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters).decompress(head[6:], _INSIDE)
    except lzma.LZMAError:
        return None


def _unzstd(head: bytes) -> bytes | None:
    """With whatever library is there: Python 3.14's own, or ``zstandard``. Without one, None."""
    for module, name in (("compression.zstd", "ZstdDecompressor"), ("zstandard", "ZstdDecompressor")):
        try:
            library = importlib.import_module(module)
        except ImportError:
            continue
        decoder = getattr(library, name)()
        try:
            if module == "zstandard":
                made: bytes = decoder.stream_reader(head, read_across_frames=True).read(_INSIDE)
            else:
                made = decoder.decompress(head, _INSIDE)
            return made
        except Exception:  # noqa: BLE001  each library has errors of its own
            return None
    return None


def _is_lzma(head: bytes) -> bool:
    """LZMA's old container has no magic: a usual dictionary and a possible length, as xz asks."""
    if len(head) < 13 or head[0] != 0x5D:
        return False
    dictionary, size = int.from_bytes(head[1:5], "little"), int.from_bytes(head[5:13], "little")
    lowest = dictionary & -dictionary
    usual = dictionary >= 4096 and dictionary in (lowest, 3 * lowest)
    return (usual or dictionary == 0xFFFFFFFF) and (size < 1 << 38 or size == 0xFFFFFFFFFFFFFFFF)


def _starts(*magics: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(magics)


_CODECS: tuple[tuple[str, Callable[[bytes], bool], Expand], ...] = (
    ("gzip", _starts(b"\x1f\x8b"), _gunzip),
    ("bzip2", _starts(*(b"BZh%d" % level for level in range(1, 10))), _with(bz2.BZ2Decompressor, OSError)),
    ("xz", _starts(b"\xfd7zXZ\0"), _with(lzma.LZMADecompressor, lzma.LZMAError)),
    (
        "zstd",
        _starts(b"\x28\xb5\x2f\xfd", *(bytes((n, 0x2A, 0x4D, 0x18)) for n in range(0x50, 0x60))),
        _unzstd,
    ),
    ("lzip", _starts(b"LZIP\x01"), _unlzip),
    ("lzma", _is_lzma, _with(lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE), lzma.LZMAError)),
)
