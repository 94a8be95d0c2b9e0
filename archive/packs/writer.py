"""Writing one pack, strictly forward (but for taking back a large object that turned out to be known)."""

import hashlib
import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import zstandard

from archive.identifiers import SWHID, ObjectType
from archive.packs import layout
from archive.packs.layout import Row, index_line

# zstd's level, chosen together with the size of frames: docs/explanation/archive-internals.md.
LEVEL = 1
# Writing back early keeps the one fsync at the end short.
_WRITE_BACK = 32 * 1024**2

_ABOUT = (
    "A tar of archived objects, compressed with zstd. Each member is named by its SWHID (ISO/IEC 18670): check one "
    "with `git hash-object -t blob` (cnt), `tree` (dir), `tag` (rel), `snapshot` (snp) or `raw_extrinsic_metadata` "
    "(emd). index/* lists members with SHA-256 and place."
)


class _Mark(NamedTuple):
    """A state of the pack to go back to."""

    offset: int
    digest: "hashlib._Hash"


class PackWriter:
    """Appends objects to a new pack at ``path``. Not safe for use by two threads at once."""

    def __init__(self, path: Path, *, level: int = LEVEL) -> None:
        self.path = path
        self.id = uuid4()
        self._file = path.open("xb", buffering=0)
        self._compressor = zstandard.ZstdCompressor(level=level, write_checksum=True)
        self._digest = hashlib.sha256()
        self.offset = 0
        self._written_back = 0
        self._parts: list[bytes] = []
        self._filled = 0
        self._waiting: list[tuple[str, bytes | None, int, int]] = []
        self._lines: list[str] = []
        self._indexes: list[tuple[int, int]] = []
        self._group: object = None
        self._large = 0
        self._large_name = b""
        self._mark: _Mark | None = None
        self._frames: list[tuple[int, int]] = []
        self._member(b"pack.json", self._head())
        self._flush()

    def _head(self) -> bytes:
        created = datetime.now(UTC).isoformat(timespec="microseconds")
        head = {"format": layout.FORMAT, "id": str(self.id), "created": created, "about": _ABOUT}
        return json.dumps(head, indent=1).encode() + b"\n"

    # --- Bytes -----------------------------------------------------------------------------------------
    def _append(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]
        self._digest.update(data)
        self.offset += len(data)
        if self.offset - self._written_back >= _WRITE_BACK:
            os.fdatasync(self._file.fileno())
            self._written_back = self.offset

    def _flush(self) -> None:
        """Write what waits as one frame; only now are the places of its members known."""
        if not self._parts:
            return
        offset = self.offset
        self._append(self._compressor.compress(b"".join(self._parts)))
        stored = self.offset - offset
        self._list(
            [
                index_line(name, sha256, length, offset, stored, position)
                for name, sha256, length, position in self._waiting
            ]
        )
        self._parts, self._waiting, self._filled = [], [], 0

    def _member(self, name: bytes, data: bytes) -> int:
        """Put a member into the open frame; returns where in the frame its bytes begin."""
        pad = layout.padding(len(data))
        position = self._filled + layout.BLOCK
        self._parts += (layout.tar_header(name, len(data)), data, pad)
        self._filled = position + len(data) + len(pad)
        return position

    def _list(self, lines: list[str]) -> None:
        self._lines += lines
        while len(self._lines) >= layout.INDEX_LINES:
            self._write_index()

    def _write_index(self) -> None:
        """Write the lines so far as an index member in a frame of its own."""
        data = "".join(self._lines[: layout.INDEX_LINES]).encode()
        del self._lines[: layout.INDEX_LINES]
        header = layout.tar_header(b"index/%06d.tsv" % len(self._indexes), len(data))
        offset = self.offset
        self._append(self._compressor.compress(header + data + layout.padding(len(data))))
        self._indexes.append((offset, self.offset - offset))

    # --- Objects ---------------------------------------------------------------------------------------
    def put(self, swhid: SWHID, data: bytes, sha256: bytes | None = None) -> None:
        """Append an object that is in memory; ``sha256`` for contents."""
        if len(data) > layout.LARGE:
            self.begin_large(swhid.type, len(data))
            self.write_large(data)
            self.end_large(swhid, len(data), sha256)
            return
        self._put(str(swhid), data, sha256, swhid.type is ObjectType.CONTENT)

    def put_visit(self, name: str, document: bytes) -> None:
        """Append the record of a visit, a JSON document."""
        self._put(name, document, None, False)

    def _put(self, name: str, data: bytes, sha256: bytes | None, group: bool) -> None:
        # Contents and the objects above them do not share frames: a rebuilt index reads only the latter.
        if group != self._group or self._filled + len(data) > 2 * layout.SHARED_FRAME:
            self._flush()
            self._group = group
        position = self._member(name.encode(), data)
        self._waiting.append((name, sha256, len(data), position))
        if self._filled >= layout.SHARED_FRAME:
            self._flush()

    def begin_large(self, kind: ObjectType, length: int) -> None:
        """Begin an object whose identifier is known only at its end."""
        self._flush()
        # Unlike any in another pack, so that the two can be merged.
        self._large_name = b"large/%s-%06d.%s" % (
            self.id.hex.encode(),
            self._large,
            kind.value.encode(),
        )
        self._mark = _Mark(self.offset, self._digest.copy())
        self._frames = []
        self._parts = [layout.tar_header(self._large_name, length)]
        self._filled = layout.BLOCK

    def write_large(self, chunk: bytes) -> None:
        """Append to the object that was begun."""
        at = 0
        while at < len(chunk):
            part = chunk[at : at + layout.LARGE_FRAME - self._filled]
            self._parts.append(part)
            self._filled += len(part)
            at += len(part)
            if self._filled == layout.LARGE_FRAME:
                self._large_frame()

    def _large_frame(self) -> None:
        before = self.offset
        self._append(self._compressor.compress(b"".join(self._parts)))
        self._frames.append((self.offset - before, self._filled))
        self._parts, self._filled = [], 0

    def end_large(self, swhid: SWHID, length: int, sha256: bytes | None = None) -> None:
        """End the object that was begun, and give it its name: a hard link to the member that holds its bytes."""
        assert self._mark is not None
        self.write_large(layout.padding(length))
        if self._parts:
            self._large_frame()
        self._append(layout.seek_table(self._frames))
        offset = self._mark.offset
        place = offset, self.offset - offset, layout.BLOCK
        self._list([index_line(str(swhid), sha256, length, *place)])
        self._parts = [layout.tar_header(str(swhid).encode(), 0, link=self._large_name)]
        self._filled = layout.BLOCK
        self._group = None
        self._large += 1
        self._mark = None

    def drop_large(self) -> None:
        """Take back the object that was begun: the archive has it already."""
        assert self._mark is not None
        self._parts, self._filled = [], 0
        self.offset, self._digest = self._mark
        self._written_back = min(self._written_back, self.offset)
        self._file.truncate(self.offset)
        self._file.seek(self.offset)
        self._mark = None

    # --- Frames of other packs -------------------------------------------------------------------------
    def append_frames(self, chunks: Iterable[bytes]) -> int:
        """Append whole frames as they are; returns where they begin. What is in them is listed by the caller."""
        self._flush()
        offset = self.offset
        for chunk in chunks:
            self._append(chunk)
        return offset

    def append_frame(self, members: bytes) -> tuple[int, int]:
        """Append members, headers and padding included, as one frame; returns where it begins, and its length."""
        self._flush()
        offset = self.offset
        self._append(self._compressor.compress(members))
        return offset, self.offset - offset

    def list_rows(self, rows: Iterable[Row], *, at_the_end: bool = False) -> None:
        """List what is in appended frames; with ``at_the_end``, in index members that come after all frames."""
        lines = [index_line(*row) for row in rows]
        if at_the_end:
            self._lines += lines
        else:
            self._list(lines)

    # --- The end ---------------------------------------------------------------------------------------
    def finish(self) -> str:
        """Write index and footer, sync the file and close it; returns the pack's name, the SHA-256 of its bytes."""
        self._flush()
        while self._lines:
            self._write_index()
        self._append(self._compressor.compress(layout.END_OF_TAR))
        self._append(layout.footer(self._indexes))
        os.fsync(self._file.fileno())
        self._file.close()
        return self._digest.hexdigest()

    def close(self) -> None:
        """Close the file without finishing the pack."""
        self._file.close()
