"""Copying frames from one pack into another as they are, and proving on the way that the source is what its name says.

Frames stand alone, so that nothing is decompressed but what must change.
"""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import zstandard

from archive.errors import Damaged
from archive.packs import LARGE, PackReader, PackWriter, Row
from archive.packs.reader import PackFile
from archive.packs.scanner import members

_STEP = 4 * 1024**2


class Unmergeable(Exception):
    """A pack that cannot be merged as it is; it stays alone."""


# --- All frames of a small pack ------------------------------------------------------------------------
class Piece(NamedTuple):
    """What a small pack holds: its frames but the first one, index and end, where they began, and what is in them.

    ``large`` are the names of members that other members are links to; they must differ in one pack.
    """

    frames: bytes
    start: int
    rows: list[Row]
    large: frozenset[str]


class _InMemory:
    """A pack that was read as a whole."""

    def __init__(self, name: str, data: bytes) -> None:
        self.name = name
        self.size = len(data)
        self._data = data

    def read(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]

    def close(self) -> None:
        """Nothing is open."""


def piece_of(file: PackFile) -> Piece:
    """Read a small pack as a whole. Raises Damaged, Unreadable, Unmergeable."""
    data = file.read(0, file.size)
    if hashlib.sha256(data).hexdigest() != file.name:
        raise Damaged(f"Pack {file.name}: its bytes are not what its name says.")
    reader = PackReader(_InMemory(file.name, data))
    rows = list(reader.rows())
    if not rows:
        return Piece(b"", 0, [], frozenset())
    start = min(row.offset for row in rows)
    end = min(offset for offset, _ in reader.indexes())
    if any(row.offset + row.stored > end for row in rows):
        raise Unmergeable(f"Pack {file.name} has an index between its frames.")
    return Piece(data[start:end], start, rows, frozenset(_large_names(reader, rows)))


def _large_names(reader: PackReader, rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        if row.length > LARGE:
            first = next(reader.stream(row._replace(position=0), 0, 512))
            yield from (header.name for _, header in members(first))


# --- All but some objects ------------------------------------------------------------------------------
def copy_without(reader: PackReader, gone: frozenset[str], writer: PackWriter) -> None:
    """Copy a pack without the members of these names.

    Frames that hold none of them are copied as they are. Raises Damaged, also when all frames were sound and the pack
    as a whole is not what its name says, and Unreadable; the new pack must then be given up.
    """
    source = _Source(reader.file)
    after_gone = False
    for (offset, stored), group in groupby(reader.rows(), key=lambda row: (row.offset, row.stored)):
        rows = list(group)
        _put_links(_links(source.take(offset - source.at), gone), writer)
        whole = all(row.name not in gone for row in rows)
        if rows[0].length > LARGE:
            if whole:
                _copy_frames(source, stored, rows, writer)
            else:
                source.skip(stored)
        elif whole and not after_gone:
            _copy_frames(source, stored, rows, writer)
        else:
            _copy_members(reader, source.take(stored), rows, gone, writer)
        # The link to it begins the next frame.
        after_gone = rows[0].length > LARGE and not whole
    _put_links(_links(source.take(reader.file.size - source.at), gone), writer)
    source.require_sound()


class _Source:
    """A pack read from its beginning to its end, hashed as a whole."""

    def __init__(self, file: PackFile) -> None:
        self.at = 0
        self._file = file
        self._digest = hashlib.sha256()

    def chunks(self, length: int) -> Iterator[bytes]:
        """The next bytes, in chunks."""
        end = self.at + length
        while self.at < end:
            chunk = self._file.read(self.at, min(_STEP, end - self.at))
            if not chunk:
                raise Damaged(f"Pack {self._file.name} ends at byte {self.at}.")
            self._digest.update(chunk)
            self.at += len(chunk)
            yield chunk

    def take(self, length: int) -> bytes:
        """The next bytes at once."""
        if length < 0:
            raise Damaged(f"Pack {self._file.name}: its index is not in the order of its frames.")
        return b"".join(self.chunks(length))

    def skip(self, length: int) -> None:
        """Pass over the next bytes."""
        for _ in self.chunks(length):
            pass

    def require_sound(self) -> None:
        """Raises Damaged when what was read is not what the name says."""
        if self._digest.hexdigest() != self._file.name:
            raise Damaged(f"Pack {self._file.name}: its bytes are not what its name says.")


def _copy_frames(source: _Source, stored: int, rows: list[Row], writer: PackWriter) -> None:
    offset = writer.append_frames(source.chunks(stored))
    writer.list_rows(row._replace(offset=offset) for row in rows)


def _copy_members(
    reader: PackReader, frame: bytes, rows: list[Row], gone: frozenset[str], writer: PackWriter
) -> None:
    """Write a shared frame anew, without some of its members."""
    data = reader.decompressed(frame, rows[0].offset)
    by_position = {row.position: row for row in rows}
    parts: list[bytes] = []
    kept: list[Row] = []
    filled = 0
    for at, header in members(data):
        if header.name in gone:
            continue
        length = 0 if header.link else header.length + -header.length % 512
        parts.append(data[at : at + 512 + length])
        if row := by_position.get(at + 512):
            kept.append(row._replace(position=filled + 512))
        filled += 512 + length
    if parts:
        offset, stored = writer.append_frame(b"".join(parts))
        writer.list_rows(row._replace(offset=offset, stored=stored) for row in kept)


def _links(between: bytes, gone: frozenset[str]) -> Iterator[bytes]:
    """Headers of links in frames that hold nothing else, among the pack's head, index and end."""
    while between[:4] == zstandard.FRAME_HEADER:
        decompressor = zstandard.ZstdDecompressor().decompressobj()
        try:
            data = decompressor.decompress(between)
        except zstandard.ZstdError as error:
            raise Damaged(f"A frame between others is damaged: {error}.") from error
        between = decompressor.unused_data
        for at, header in members(data):
            if header.link and header.name not in gone:
                yield data[at : at + 512]


def _put_links(links: Iterator[bytes], writer: PackWriter) -> None:
    headers = b"".join(links)
    if headers:
        writer.append_frame(headers)
