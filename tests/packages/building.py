"""Archives built byte by byte, so that every field can lie."""

import bz2
import gzip
import lzma
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import inflate64
import zstandard

TAR_END = bytes(1024)
POSIX = b"ustar\x0000"
GNU = b"ustar  \0"
V7 = bytes(8)


def octal(value: int, width: int) -> bytes:
    """A numeric tar field: zero-padded octal digits and a NUL."""
    return b"%0*o\0" % (width - 1, value)


def tar_header(
    name: bytes,
    size: int | bytes = 0,
    typeflag: bytes = b"0",
    *,
    mode: int | bytes = 0o644,
    link: bytes = b"",
    magic: bytes = POSIX,
    prefix: bytes = b"",
    checksum: bytes | None = None,
) -> bytes:
    """One 512-byte header block; ``size``, ``mode`` and ``checksum`` may be given as the field's raw bytes."""
    size_field = size if isinstance(size, bytes) else octal(size, 12)
    mode_field = mode if isinstance(mode, bytes) else octal(mode, 8)
    block = bytearray(512)
    for position, width, value in (
        (0, 100, name),
        (100, 8, mode_field),
        (108, 8, octal(1000, 8)),
        (116, 8, octal(1000, 8)),
        (124, 12, size_field),
        (136, 12, octal(1_600_000_000, 12)),
        (148, 8, b" " * 8),
        (156, 1, typeflag),
        (157, 100, link),
        (257, 8, magic),
        (345, 155, prefix),
    ):
        assert len(value) <= width
        block[position : position + len(value)] = value
    block[148:156] = checksum if checksum is not None else b"%06o\0 " % sum(block)
    return bytes(block)


def resealed(block: bytes, position: int, value: bytes) -> bytes:
    """The header with another value at a position, and the checksum that fits."""
    changed = block[:position] + value + block[position + len(value) :]
    total = sum(changed) - sum(changed[148:156]) + 8 * 0x20
    return changed[:148] + b"%06o\0 " % total + changed[156:]


def tar_entry(name: bytes, data: bytes = b"", typeflag: bytes = b"0", **fields: Any) -> bytes:
    """A header and its data, padded to whole blocks."""
    fields.setdefault("size", len(data))
    return tar_header(name, typeflag=typeflag, **fields) + padded(data)


def padded(data: bytes) -> bytes:
    """The data filled up with zeros to whole tar blocks."""
    return data + bytes(-len(data) % 512)


def pax_record(keyword: bytes, value: bytes) -> bytes:
    """``length keyword=value`` with the length that counts itself."""
    length = len(keyword) + len(value) + 3
    total = length + len(str(length))
    total = length + len(str(total))
    return b"%d %s=%s\n" % (total, keyword, value)


def pax(*records: tuple[bytes, bytes], typeflag: bytes = b"x", body: bytes | None = None) -> bytes:
    """A pax header with these records, or with a raw body."""
    return tar_entry(b"pax", b"".join(pax_record(*r) for r in records) if body is None else body, typeflag)


def long_name(name: bytes, typeflag: bytes = b"L") -> bytes:
    """A GNU header for a long name (L) or a long link target (K)."""
    return tar_entry(b"././@LongLink", name + b"\0", typeflag, magic=GNU)


def tar(*parts: bytes) -> bytes:
    """The parts and the end of the archive."""
    return b"".join(parts) + TAR_END


def zstd(data: bytes, level: int = 3, **options: Any) -> bytes:
    """One zstd frame with a checksum."""
    options.setdefault("write_checksum", True)
    return zstandard.ZstdCompressor(level=level, **options).compress(data)


COMPRESSIONS = {
    "gz": lambda data: gzip.compress(data, mtime=0),
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstd,
}


def deflate(data: bytes) -> bytes:
    """A bare deflate stream."""
    codec = zlib.compressobj(9, zlib.DEFLATED, -15)
    return codec.compress(data) + codec.flush()


def zip_lzma(data: bytes, dictionary: int = 1 << 20, end_marker: bool = True) -> bytes:
    """Data as zip method 14 holds it: a version, the length of the properties, the properties, the stream."""
    filters = [{"id": lzma.FILTER_LZMA1, "dict_size": dictionary}]
    raw = lzma.compress(data, format=lzma.FORMAT_RAW, filters=filters)
    return struct.pack("<BBHBI", 9, 20, 5, 93, dictionary) + raw


def deflate64(data: bytes) -> bytes:
    """A bare deflate64 stream."""
    codec = inflate64.Deflater()
    return bytes(codec.deflate(data) + codec.flush())


_METHODS: dict[int, Callable[[bytes], bytes]] = {
    8: deflate,
    9: deflate64,
    12: bz2.compress,
    14: zip_lzma,
    93: zstd,
    95: lzma.compress,
}


@dataclass(kw_only=True)
class ZipEntry:
    """One member; ``local`` and ``central`` override fields of the two headers by name."""

    name: bytes = b"a.txt"
    data: bytes = b"hello\n"
    raw: bytes | None = None
    method: int = 0
    flags: int = 0
    host: int = 3
    attributes: int = 0o100644 << 16
    extra: bytes = b""
    comment: bytes = b""
    descriptor: bytes | None = None
    """A format of struct ("<IIII" with the marker) or the raw bytes of a data descriptor."""
    after: bytes = b""
    local: dict[str, Any] = field(default_factory=dict)
    central: dict[str, Any] = field(default_factory=dict)

    def stored(self) -> bytes:
        """The data as it lies in the file."""
        if self.raw is not None:
            return self.raw
        return _METHODS.get(self.method, bytes)(self.data)

    def fields(self) -> dict[str, Any]:
        """What both headers state when neither lies."""
        return {
            "flags": self.flags | (8 if self.descriptor is not None else 0),
            "method": self.method,
            "crc": zlib.crc32(self.data),
            "compressed": len(self.stored()),
            "size": len(self.data),
            "name": self.name,
            "extra": self.extra,
            "disk": 0,
        }

    def local_part(self) -> bytes:
        """Local header, data, descriptor."""
        f = self.fields()
        if self.descriptor is not None:
            f.update(crc=0, compressed=0, size=0)
        f.update(self.local)
        header = struct.pack(
            "<4sHHHHHIIIHH",
            f.get("magic", b"PK\x03\x04"),
            20,
            f["flags"],
            f["method"],
            0,
            0x21,
            f["crc"],
            f["compressed"],
            f["size"],
            len(f["name"]),
            len(f["extra"]),
        )
        names: bytes = f["name"] + f["extra"]
        return header + names + self.stored() + self.descriptor_part() + self.after

    def descriptor_part(self) -> bytes:
        """The data descriptor: with a marker if the format has room for it."""
        if self.descriptor is None or not self.descriptor.startswith(b"<"):
            return self.descriptor or b""
        values = (zlib.crc32(self.data), len(self.stored()), len(self.data))
        layout = self.descriptor.decode()
        return struct.pack(layout, *((0x08074B50, *values) if len(layout) == 5 else values))

    def central_part(self, offset: int) -> bytes:
        """The entry in the central directory."""
        f = self.fields() | {"offset": offset} | self.central
        header = struct.pack(
            "<4sBBHHHHHIIIHHHHHII",
            f.get("magic", b"PK\x01\x02"),
            30,
            self.host,
            20,
            f["flags"],
            f["method"],
            0,
            0x21,
            f["crc"],
            f["compressed"],
            f["size"],
            len(f["name"]),
            len(f["extra"]),
            len(self.comment),
            f["disk"],
            0,
            self.attributes,
            f["offset"],
        )
        names: bytes = f["name"] + f["extra"]
        return header + names + self.comment


def zip64_end(entries: int, size: int, start: int, at: int, /, **lies: int) -> bytes:
    """A zip64 end record and its locator."""
    record = struct.pack(
        "<4sQHHIIQQQQ",
        b"PK\x06\x06",
        lies.get("length", 44),
        45,
        45,
        0,
        0,
        lies.get("here", entries),
        lies.get("entries", entries),
        lies.get("size", size),
        lies.get("start", start),
    )
    return record + struct.pack("<4sIQI", b"PK\x06\x07", 0, lies.get("at", at), lies.get("disks", 1))


def zip_end(entries: int, size: int, start: int, comment: bytes = b"", /, **lies: int) -> bytes:
    """An end record."""
    return (
        struct.pack(
            "<4sHHHHIIH",
            b"PK\x05\x06",
            lies.get("disk", 0),
            0,
            lies.get("here", entries),
            lies.get("entries", entries),
            lies.get("size", size),
            lies.get("start", start),
            lies.get("comment", len(comment)),
        )
        + comment
    )


def zip_archive(
    *members: ZipEntry,
    comment: bytes = b"",
    zip64: dict[str, int] | None = None,
    end: dict[str, int] | None = None,
    before_directory: bytes = b"",
    after_directory: bytes = b"",
    reverse: bool = False,
) -> bytes:
    """An archive of these members; ``zip64`` and ``end`` override fields of the end records."""
    body = b""
    entries = []
    for member in members:
        entries.append(member.central_part(len(body)))
        body += member.local_part()
    body += before_directory
    directory = b"".join(reversed(entries) if reverse else entries)
    start, size = len(body), len(directory)
    body += directory + after_directory
    if zip64 is not None:
        body += zip64_end(len(members), size, start, len(body), **zip64)
    return body + zip_end(len(members), size, start, comment, **(end or {}))


def extra_field(kind: int, body: bytes) -> bytes:
    """One extra field of a zip header."""
    return struct.pack("<HH", kind, len(body)) + body


def zip64_field(*values: int) -> bytes:
    """A zip64 extra field with 8-byte values."""
    return extra_field(1, struct.pack(f"<{len(values)}Q", *values))


def unicode_path(name: bytes, header_name: bytes, version: int = 1, crc: int | None = None) -> bytes:
    """An Info-ZIP Unicode path field."""
    checksum = zlib.crc32(header_name) if crc is None else crc
    return extra_field(0x7075, struct.pack("<BI", version, checksum) + name)
