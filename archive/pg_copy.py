"""Rows on their way into PostgreSQL in COPY's binary form."""

import struct
from collections.abc import Iterable, Iterator

_START = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"
_LENGTH = struct.Struct("!i")
_SMALL = struct.Struct("!ih")
_INTEGER = struct.Struct("!ii")
_BIG = struct.Struct("!iq")
# One dimension, no NULL bit map, elements of type bytea (OID 17); then the number of elements, counted from 1.
_ARRAY = struct.Struct("!iiiiii")
_EMPTY_ARRAY = struct.pack("!iiii", 12, 0, 0, 17)
_BLOCK = 256 * 1024

# length, offset, stored, pack, position, branching, kind, SHA-1 and SHA-256 of a content, each after its own length;
# ten fields, the last one NULL.
_CONTENT = struct.Struct("!hiqiqiqiqiiiiihi20si32si")

NULL = _LENGTH.pack(-1)


def content_row(place: tuple[int, int, int, int, int], kind: int, sha1_git: bytes, sha256: bytes) -> bytes:
    """The row of a content; ``place`` is length, offset, stored, pack, position."""
    length, offset, stored, pack, position = place
    return _CONTENT.pack(
        *(10, 8, length, 8, offset, 8, stored, 8, pack, 4, position, 4, 0),
        *(2, kind, 20, sha1_git, 32, sha256, -1),
    )


def smallint(value: int) -> bytes:
    """A field of type smallint."""
    return _SMALL.pack(2, value)


def integer(value: int) -> bytes:
    """A field of type integer."""
    return _INTEGER.pack(4, value)


def bigint(value: int) -> bytes:
    """A field of type bigint."""
    return _BIG.pack(8, value)


def bytea(value: bytes) -> bytes:
    """A field of type bytea."""
    return _LENGTH.pack(len(value)) + value


def identifier_array(*packed: bytes | bytearray) -> Iterator[bytes]:
    """A field of type bytea[], in pieces, from values of 20 bytes each, given one after the other."""
    count = sum(map(len, packed)) // 20
    if not count:
        yield _EMPTY_ARRAY
        return
    yield _ARRAY.pack(20 + 24 * count, 1, 0, 17, count, 1)
    for values in packed:
        for start in range(0, len(values), 20 * 4096):
            piece = values[start : start + 20 * 4096]
            yield b"".join([b"\0\0\0\x14" + piece[at : at + 20] for at in range(0, len(piece), 20)])


class RowFile:
    """What ``copy_expert`` reads: rows, or pieces of rows, as a file.

    psycopg2 hides what goes wrong in it, so that is kept.
    """

    def __init__(self, rows: Iterable[bytes]) -> None:
        self._blocks = self._stream(rows)
        self.error: Exception | None = None

    @staticmethod
    def _stream(rows: Iterable[bytes]) -> Iterator[bytes]:
        parts, held = [_START], 0
        for line in rows:
            parts.append(line)
            held += len(line)
            if held >= _BLOCK:
                yield b"".join(parts)
                parts, held = [], 0
        yield b"".join([*parts, _END])

    def read(self, size: int = -1) -> bytes:
        """The next block; psycopg2 asks for small sizes and takes more."""
        try:
            return next(self._blocks, b"")
        except Exception as error:
            self.error = error
            raise
