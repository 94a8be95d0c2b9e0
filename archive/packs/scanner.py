"""Reading a pack from its first byte to its last, without its index, past whatever is damaged.

Every object that comes out has been hashed again and is what its name says; every byte that is not part of a sound
frame is told as a gap. This is how a torn pack is salvaged and how a pack is audited to the bottom.
"""

import hashlib
from collections.abc import Generator, Iterator
from typing import NamedTuple

import zstandard

from archive.identifiers import SWHID, ObjectType, object_header
from archive.packs import layout
from archive.packs.layout import Row
from archive.packs.reader import PackFile

_MAGIC = b"\x28\xb5\x2f\xfd"
_SKIPPABLE = b"\x2a\x4d\x18"
_STEP = 1024**2


class Gap(NamedTuple):
    """Bytes of a pack that are not what was written."""

    offset: int
    length: int
    reason: str


class Frame(NamedTuple):
    """A sound frame; ``data`` is None for zstd's skippable ones (seek tables, the footer)."""

    offset: int
    stored: int
    data: bytes | None


class _Broken(Exception):
    """No sound frame begins here."""


def frames(file: PackFile) -> Iterator[Frame | Gap]:
    """The frames of a pack in order, and the gaps between them. Raises Unreadable."""
    at = 0
    while at < file.size:
        try:
            frame = _frame(file, at)
        except _Broken as error:
            next_at = _next_frame(file, at + 1)
            yield Gap(at, next_at - at, str(error))
            at = next_at
            continue
        yield frame
        at += frame.stored


def _frame(file: PackFile, at: int) -> Frame:
    head = file.read(at, 18)
    if head[1:4] == _SKIPPABLE and 0x50 <= head[0] <= 0x5F and len(head) >= 8:
        stored = 8 + int.from_bytes(head[4:8], "little")
        if at + stored > file.size:
            raise _Broken("the pack ends in the middle of a frame")
        return Frame(at, stored, None)
    if head[:4] != _MAGIC:
        raise _Broken("no frame begins here")
    try:
        size = zstandard.frame_content_size(head)
        if not 0 <= size <= layout.LARGEST_FRAME:
            raise _Broken("a frame's header is damaged")
        return _decompress(file, at)
    except zstandard.ZstdError as error:
        raise _Broken(str(error)) from error


def _decompress(file: PackFile, at: int) -> Frame:
    decompressor = zstandard.ZstdDecompressor().decompressobj()
    parts: list[bytes] = []
    offset = at
    while not decompressor.eof:
        chunk = file.read(offset, min(_STEP, file.size - offset))
        if not chunk:
            raise _Broken("the pack ends in the middle of a frame")
        parts.append(decompressor.decompress(chunk))
        offset += len(chunk)
    return Frame(at, offset - len(decompressor.unused_data) - at, b"".join(parts))


def _next_frame(file: PackFile, at: int) -> int:
    """Where the next sound frame begins; the end of the pack if there is none."""
    while at < file.size:
        block = file.read(at, _STEP + 3)
        places = [block.find(_MAGIC), *(block.find(bytes([low]) + _SKIPPABLE) for low in (0x5D, 0x5E))]
        found = min((place for place in places if place >= 0), default=-1)
        if found < 0:
            at += max(1, min(_STEP, len(block)))
            continue
        try:
            _frame(file, at + found)
        except _Broken:
            at += found + 1
        else:
            return at + found
    return file.size


class Header(NamedTuple):
    """What a tar header says; ``link``: it names a member that came before."""

    name: str
    length: int
    link: bool


def read_header(block: bytes) -> Header | None:
    """A tar header of ours; None for zeroes or anything else."""
    if len(block) < layout.BLOCK or block[257:262] != b"ustar":
        return None
    expected = int(block[148:154], 8)
    if sum(block) - sum(block[148:156]) + 8 * 0x20 != expected:
        return None
    size = block[124:136]
    length = int.from_bytes(size[1:], "big") if size[0] & 0x80 else int(size[:11], 8)
    return Header(block[:100].rstrip(b"\0").decode("ascii", "replace"), length, block[156:157] == b"1")


class _Large:
    """An object of several frames whose last ones are still to come."""

    def __init__(self, offset: int, name: str, length: int) -> None:
        self.offset = offset
        self.kind = ObjectType(name.rpartition(".")[2])
        self.length = length
        self.left = length
        self._sha1 = hashlib.sha1(object_header(self.kind, length), usedforsecurity=False)
        self._sha256 = hashlib.sha256()

    def update(self, data: bytes) -> None:
        data = data[: self.left]
        self._sha1.update(data)
        self._sha256.update(data)
        self.left -= len(data)

    def row(self, end: int) -> Row:
        swhid = SWHID(self.kind, self._sha1.digest())
        sha256 = self._sha256.digest() if self.kind is ObjectType.CONTENT else None
        return Row(str(swhid), sha256, self.length, self.offset, end - self.offset, layout.BLOCK)


def members(frame: bytes) -> Iterator[tuple[int, Header]]:
    """The members that are whole in a decompressed frame: where each one's header begins, and what it says."""
    at = 0
    while (header := read_header(frame[at : at + layout.BLOCK])) is not None:
        yield at, header
        at += layout.BLOCK + (0 if header.link else header.length + -header.length % layout.BLOCK)


def salvage(file: PackFile) -> Iterator[Row | Gap]:
    """Every object of a pack that is whole, hashed again, and every gap. Raises Unreadable."""
    large: _Large | None = None
    for frame in frames(file):
        if isinstance(frame, Gap):
            large = None
            yield frame
        elif frame.data is None:
            if large is not None and not large.left:
                yield large.row(frame.offset + frame.stored)
            large = None
        elif large is not None and large.left:
            large.update(frame.data)
        else:
            large = yield from _members(frame.offset, frame.stored, frame.data)


def _members(offset: int, stored: int, data: bytes) -> Generator[Row | Gap, None, _Large | None]:
    """The members in a shared frame; returns the large object that begins here, if one does."""
    at = 0
    while (header := read_header(data[at : at + layout.BLOCK])) is not None:
        position = at + layout.BLOCK
        if header.name.startswith("large/") and not header.link:
            large = _Large(offset, header.name, header.length)
            large.update(data[position:])
            return large
        if header.name.startswith(("swh:", "visit/")) and not header.link:
            yield _check(Row(header.name, None, header.length, offset, stored, position), data)
        at = position + header.length + -header.length % layout.BLOCK
    return None


def _check(row: Row, data: bytes) -> Row | Gap:
    """The row with its SHA-256, if the bytes are what its name says."""
    body = data[row.position : row.position + row.length]
    if row.name.startswith("visit/"):
        return row
    swhid = row.swhid
    sha1 = hashlib.sha1(object_header(swhid.type, len(body)) + body, usedforsecurity=False)
    if sha1.digest() != swhid.hash:
        return Gap(row.offset, row.stored, f"{row.name} does not have the bytes of its name")
    if swhid.type is ObjectType.CONTENT:
        return row._replace(sha256=hashlib.sha256(body).digest())
    return row
