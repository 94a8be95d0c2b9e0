"""A directory as a zip: streamed in bounded memory, the same bytes every time (APPNOTE 6.3.9).

Names are raw bytes, marked as UTF-8 where they are; executables and symbolic links have their Unix modes. Contents of
at most 1 MiB have complete headers; larger ones, whose checksum is known at their end, a data descriptor.
"""

import struct
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from typing import IO, NamedTuple

from isal import isal_zlib

from archive.objects import DIRECTORY, EXECUTABLE, FILE, REVISION, SYMLINK
from archive.packs import LARGE
from archive.places import Place, missing
from archive.reading import Packs
from archive.storage import Storage
from archive.traversal import Found, walk_over

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_DESCRIPTOR = struct.Struct("<4sIQQ")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR64 = struct.Struct("<4sIQI")
_END = struct.Struct("<4s4H2IH")

_STORED, _DEFLATED = 0, 8
_DESCRIBED, _UTF8 = 0x08, 0x800
# 1 January 1980, the first day that zip knows.
_DATE, _TIME = 0x21, 0
_UNIX, _VERSION = 3 << 8, 45
_LIMIT = 0xFFFFFFFF
_MODES = {
    FILE: 0o100644,
    EXECUTABLE: 0o100755,
    SYMLINK: 0o120777,
    DIRECTORY: 0o040755,
    REVISION: 0o040755,
}
_LEVEL = 2


class _Entry(NamedTuple):
    """What the central directory says of a member."""

    name: bytes
    flags: int
    method: int
    crc: int
    stored: int
    length: int
    mode: int
    offset: int

    def local(self) -> bytes:
        """The header before the member."""
        if self.flags & _DESCRIBED:
            extra = struct.pack("<HHQQ", 1, 16, 0, 0)
            sizes = (0, _LIMIT, _LIMIT)
        else:
            extra = b""
            sizes = (self.crc, self.stored, self.length)
        fixed = _LOCAL.pack(
            b"PK\3\4", _VERSION, self.flags, self.method, _TIME, _DATE, *sizes, len(self.name), len(extra)
        )
        return fixed + self.name + extra

    def central(self) -> bytes:
        """The member's line in the central directory."""
        values = [value for value in (self.length, self.stored, self.offset) if value >= _LIMIT]
        extra = struct.pack(f"<HH{len(values)}Q", 1, 8 * len(values), *values) if values else b""
        folder = 0x10 if self.mode & 0o170000 == 0o040000 else 0
        fixed = _CENTRAL.pack(
            b"PK\1\2",
            _UNIX | _VERSION,
            _VERSION,
            self.flags,
            self.method,
            _TIME,
            _DATE,
            self.crc,
            min(self.stored, _LIMIT),
            min(self.length, _LIMIT),
            len(self.name),
            len(extra),
            0,
            0,
            0,
            self.mode << 16 | folder,
            min(self.offset, _LIMIT),
        )
        return fixed + self.name + extra


class _Zip:
    """Counts bytes and collects the central directory, on disk when it is long."""

    def __init__(self, directory: IO[bytes]) -> None:
        self.offset = 0
        self._directory = directory
        self._members = 0

    def spend(self, data: bytes) -> bytes:
        self.offset += len(data)
        return data

    def note(self, entry: _Entry) -> None:
        self._directory.write(entry.central())
        self._members += 1

    def end(self) -> Iterator[bytes]:
        start, length = self.offset, self._directory.tell()
        self._directory.seek(0)
        while block := self._directory.read(256 * 1024):
            yield block
        if self._members > 0xFFFF or start + length >= _LIMIT:
            count = self._members
            fields = (44, _UNIX | _VERSION, _VERSION, 0, 0, count, count, length, start)
            yield _END64.pack(b"PK\6\6", *fields)
            yield _LOCATOR64.pack(b"PK\6\7", 0, start + length, 1)
        count = min(self._members, 0xFFFF)
        yield _END.pack(b"PK\5\6", 0, 0, count, count, min(length, _LIMIT), min(start, _LIMIT), 0)


def stream_zip(
    directory: bytes, storage: Storage | None = None, *, prefix: bytes = b"", below: Sequence[bytes] = ()
) -> Iterator[bytes]:
    """The zip of a directory (its identifier, 20 bytes), in chunks; ``prefix`` goes before every name.

    ``below``: other directories over which it is laid (`walk_over`).

    Raises NotFound, Damaged, Unreadable; in the middle of a stream too, which then has no central directory.
    """
    with Packs(storage) as packs, tempfile.SpooledTemporaryFile(8 * 1024**2) as central:
        out = _Zip(central)
        for found in walk_over([directory, *below], packs):
            yield from _member(out, found, prefix + found.path, packs)
        yield from out.end()


def _member(out: _Zip, found: Found, name: bytes, packs: Packs) -> Iterator[bytes]:
    mode = _MODES[found.mode]
    if found.mode in (DIRECTORY, REVISION):
        yield from _small(out, name + b"/", mode, b"")
        return
    if found.place is None:
        raise missing(found.swhid)
    if found.place.row.length <= LARGE:
        yield from _small(out, name, mode, packs.read(found.place.pack, found.place.row))
    else:
        yield from _large(out, name, mode, packs, found.place)


def _flags(name: bytes) -> int:
    try:
        return 0 if name.isascii() or not name.decode() else _UTF8
    except UnicodeDecodeError:
        return 0


def _small(out: _Zip, name: bytes, mode: int, data: bytes) -> Iterator[bytes]:
    deflater = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, -15)
    deflated = deflater.compress(data) + deflater.flush()
    method, body = (_DEFLATED, deflated) if len(deflated) < len(data) else (_STORED, data)
    entry = _Entry(name, _flags(name), method, zlib.crc32(data), len(body), len(data), mode, out.offset)
    out.note(entry)
    yield out.spend(entry.local() + body)


def _large(out: _Zip, name: bytes, mode: int, packs: Packs, place: Place) -> Iterator[bytes]:
    entry = _Entry(name, _flags(name) | _DESCRIBED, _DEFLATED, 0, _LIMIT, place.row.length, mode, out.offset)
    yield out.spend(entry.local())
    start, crc = out.offset, 0
    deflater = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, -15)
    for chunk in packs.stream(place.pack, place.row, 0, place.row.length):
        crc = zlib.crc32(chunk, crc)
        yield out.spend(deflater.compress(chunk))
    yield out.spend(deflater.flush())
    entry = entry._replace(crc=crc, stored=out.offset - start)
    out.note(entry)
    yield out.spend(_DESCRIPTOR.pack(b"PK\7\x08", crc, entry.stored, entry.length))
