"""Data descriptors: what a zip archive that was written as a stream says of a member behind its data (APPNOTE 4.3.9).

Who reads the stream, too, finds the end of a compressed member by its own end mark. A *stored* member has none: such a
reader looks in the content for something that is like a descriptor, or like the header behind one. Content that holds
what it would take for the end makes two members of one, and is refused.
"""

import struct
from collections.abc import Iterator

from isal.isal_zlib import crc32

from packages.errors import PackageError
from packages.files import Window
from packages.zip_directory import Entry

DESCRIPTOR_FLAG = 0x0008
MARKER = b"PK\x07\x08"
_HEADERS = (b"PK\x03\x04", b"PK\x01\x02")
_LAYOUTS = {
    12: struct.Struct("<III"),
    16: struct.Struct("<III"),
    20: struct.Struct("<IQQ"),
    24: struct.Struct("<IQQ"),
}
_LONGEST = 24
_MAX32 = 0xFFFFFFFF


def end_of_entry(entry: Entry, window: Window, position: int, following: int) -> int:
    """Where the entry that has data up to ``position`` ends: behind its descriptor, if one fills the gap."""
    if not entry.flags & DESCRIPTOR_FLAG:
        return position
    length = following - position
    layout = _LAYOUTS.get(length)
    if layout is None:
        if length:
            return position
        raise _bad_descriptor(entry.name, "is missing")
    record = window.read(position, length)
    values = layout.unpack(record[-layout.size :])
    marked = not length % 8
    if values != (entry.crc, entry.compressed, entry.stated) or (marked and not record.startswith(MARKER)):
        raise _bad_descriptor(entry.name, "differs from the central directory")
    return following


def left_to_descriptor(stated: tuple[int, int, int], true: tuple[int, int, int]) -> bool:
    """Whether the local header leaves to the descriptor what it does not state (CRC, compressed size, size)."""
    return all(value in (0, _MAX32, expected) for value, expected in zip(stated, true, strict=True))


def without_false_end(blocks: Iterator[bytes], name: bytes) -> Iterator[bytes]:
    """The content of a stored member with a descriptor, as it comes, unless a reader of the stream would end it early.

    Raises PackageError at the first place that is like a descriptor of what came before it.
    """
    kept, start, checksum = b"", 0, 0
    for block in blocks:
        data = kept + block
        found = data.find(b"PK")
        while 0 <= found <= len(data) - _LONGEST:
            _refuse_end(data, found, start, checksum, name)
            found = data.find(b"PK", found + 2)
        # What is kept is long enough for the longest descriptor before a header, and for one that begins in it.
        passed = max(0, len(data) - 2 * _LONGEST)
        checksum = crc32(data[:passed], checksum)
        start += passed
        kept = data[passed:]
        yield block
    found = kept.find(b"PK")
    while found >= 0:
        _refuse_end(kept, found, start, checksum, name)
        found = kept.find(b"PK", found + 2)


def _refuse_end(data: bytes, position: int, start: int, checksum: int, name: bytes) -> None:
    """``data`` begins ``start`` bytes into the content; what came before it has this ``checksum``."""
    mark = data[position : position + 4]
    if mark == MARKER:
        rest = data[position + 4 : position + _LONGEST]
        like = rest[:4] == crc32(data[:position], checksum).to_bytes(4, "little")
        like = like or _states(rest[4:], start + position)
    elif mark in _HEADERS:
        like = any(
            _states(data[position - length + 4 : position], start + position - length)
            for length in (12, 20)
            if position >= length
        )
    else:
        return
    if like:
        raise _bad_descriptor(
            name,
            "may be taken for one inside of its content, so that two programs would unpack two different things",
        )


def _states(sizes: bytes, length: int) -> bool:
    """Whether the sizes of a descriptor are ``length``, in either width."""
    return sizes[:4] == (length & _MAX32).to_bytes(4, "little") or sizes[:8] == length.to_bytes(8, "little")


def _bad_descriptor(name: bytes, what: str) -> PackageError:
    return PackageError(
        "package.zip.descriptor",
        name,
        f"The data descriptor of this zip member {what}. Make the package again.",
    )
