"""Reading one pack: its index, single objects, ranges of large ones."""

import bisect
from collections.abc import Iterator
from itertools import accumulate
from typing import Protocol

import zstandard

from archive.errors import Damaged
from archive.packs import layout
from archive.packs.layout import Row


class PackFile(Protocol):
    """An open pack, read by ranges."""

    @property
    def name(self) -> str:
        """The pack's name: the SHA-256 of its bytes, in hex."""
        ...

    @property
    def size(self) -> int:
        """Bytes in the pack."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """The bytes of a range; fewer when the pack ends before. Raises Unreadable."""
        ...

    def close(self) -> None:
        """Free what reading needs."""
        ...


class PackReader:
    """One pack. Every method raises Damaged when bytes are not as they were written, Unreadable when they
    could not be read.
    """

    def __init__(self, file: PackFile) -> None:
        self.file = file
        self._decompressor = zstandard.ZstdDecompressor()

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def _damaged(self, offset: int, length: int, what: str) -> Damaged:
        return Damaged(f"Pack {self.file.name}: bytes {offset} to {offset + length} are damaged: {what}.")

    def _range(self, offset: int, length: int) -> bytes:
        data = self.file.read(offset, length)
        if len(data) != length:
            raise self._damaged(offset, length, f"only {len(data)} of them are there")
        return data

    def frame(self, offset: int, stored: int) -> bytes:
        """One frame, decompressed; its checksum has been verified."""
        return self.decompressed(self._range(offset, stored), offset)

    def decompressed(self, data: bytes, offset: int) -> bytes:
        """A frame that was read from here, decompressed; its checksum has been verified."""
        stored = len(data)
        try:
            if not 0 <= zstandard.frame_content_size(data) <= layout.LARGEST_FRAME:
                raise self._damaged(offset, stored, "the frame's header claims an impossible size")
            return self._decompressor.decompress(data)
        except zstandard.ZstdError as error:
            raise self._damaged(offset, stored, str(error)) from error

    # --- The index -------------------------------------------------------------------------------------
    def indexes(self) -> list[tuple[int, int]]:
        """(offset, stored) of the frames that hold the index. Raises Damaged when the pack has no sound footer."""
        end = layout.FOOTER_END
        tail = self.file.read(max(0, self.file.size - 4096), 4096)
        count, signature = end.unpack(tail[-end.size :]) if len(tail) >= end.size else (0, b"")
        if signature != layout.FOOTER_SIGNATURE:
            raise self._damaged(self.file.size, 0, "the footer is missing, the pack is cut short")
        length = count * layout.FOOTER_ENTRY.size
        if length > self.file.size - end.size:
            raise self._damaged(self.file.size - end.size, end.size, "the footer's count is impossible")
        entries = self._range(self.file.size - end.size - length, length)
        return [(offset, stored) for offset, stored in layout.FOOTER_ENTRY.iter_unpack(entries)]

    def rows(self) -> Iterator[Row]:
        """Every line of the index, in the order in which it was written."""
        for offset, stored in self.indexes():
            member = self.frame(offset, stored)
            # A byte that is no ASCII makes a line that is none.
            text = member[layout.BLOCK :].rstrip(b"\0").decode("ascii", "replace")
            yield from map(Row.parse, text.splitlines())

    # --- Objects ---------------------------------------------------------------------------------------
    def read(self, row: Row) -> bytes:
        """The bytes of an object of at most LARGE bytes, or of a larger one that fits into memory."""
        if row.length > layout.LARGE:
            return b"".join(self.stream(row, 0, row.length))
        return self.slice(self.frame(row.offset, row.stored), row)

    def slice(self, frame: bytes, row: Row) -> bytes:
        """An object's bytes out of its decompressed frame."""
        data = frame[row.position : row.position + row.length]
        if len(data) != row.length:
            raise self._damaged(row.offset, row.stored, f"{row.name} is not in its frame")
        return data

    def stream(self, row: Row, start: int, stop: int) -> Iterator[bytes]:
        """Bytes ``start`` to ``stop`` of a large object; only the frames that hold them are read."""
        frames = self._seek_table(row)
        stored = list(accumulate((frame[0] for frame in frames), initial=row.offset))
        ends = list(accumulate((frame[1] for frame in frames), initial=0))
        at, stop = start + row.position, stop + row.position
        number = bisect.bisect_right(ends, at) - 1
        while at < stop:
            if number >= len(frames):
                raise self._damaged(row.offset, row.stored, f"{row.name} is longer than its frames")
            data = self.frame(stored[number], frames[number][0])
            yield data[at - ends[number] : stop - ends[number]]
            number += 1
            at = ends[number]

    def _seek_table(self, row: Row) -> list[tuple[int, int]]:
        end = layout.SEEK_FOOTER
        tail_length = min(row.stored, 64 * 1024)
        tail = self._range(row.offset + row.stored - tail_length, tail_length)
        count, _, magic = end.unpack(tail[-end.size :])
        length = count * layout.SEEK_ENTRY.size
        if magic != layout.SEEKABLE or length + end.size > row.stored:
            raise self._damaged(row.offset, row.stored, f"the seek table of {row.name} is missing")
        if length + end.size > tail_length:
            tail = self._range(row.offset + row.stored - end.size - length, length + end.size)
        entries = tail[len(tail) - end.size - length : len(tail) - end.size]
        return [(stored, size) for stored, size in layout.SEEK_ENTRY.iter_unpack(entries)]
