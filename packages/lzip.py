"""A decoder of lzip members (the lzip manual, chapter "File format"): LZMA with a header, a checksum and lengths."""

import lzma
import struct
from zlib import crc32

from packages.refusals import bad_checksum, too_much_memory

MAGIC = b"LZIP\x01"
_HEADER = 6
_TRAILER = struct.Struct("<IQQ")
_LEAST_BITS, _MOST_BITS = 12, 29
_OVERHEAD = 1 << 20  # the decoder's own tables, with room to spare


class LzipDecoder:
    """Decodes one member, with the interface of ``bz2.BZ2Decompressor``; what is wrong is a ValueError or LZMAError."""

    def __init__(self, memory: int) -> None:
        self._memory = memory
        self._inner: lzma.LZMADecompressor | None = None
        self._start = b""
        self._trailer = b""
        self._checksum = self._produced = self._fed = 0
        self.eof = False
        self.needs_input = True
        self.unused_data = b""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """At most ``max_length`` decoded bytes."""
        if self._inner is None:
            self._start += data
            if len(self._start) < _HEADER:
                return b""
            self._inner = self._opened(self._start[:_HEADER])
            data = self._start[_HEADER:]
        if self._inner.eof:
            self._finish(data)
            return b""
        output = self._inner.decompress(data, max_length)
        self._fed += len(data)
        self._checksum = crc32(output, self._checksum)
        self._produced += len(output)
        self.needs_input = self._inner.needs_input
        if self._inner.eof:
            self._fed -= len(self._inner.unused_data)
            self._finish(self._inner.unused_data)
        return output

    def _opened(self, header: bytes) -> lzma.LZMADecompressor:
        bits, sixteenths = header[5] & 0x1F, header[5] >> 5
        if not header.startswith(MAGIC) or not _LEAST_BITS <= bits <= _MOST_BITS:
            raise ValueError("no lzip header of version 1")
        size = (1 << bits) - sixteenths * (1 << bits) // 16
        if size < 1 << _LEAST_BITS:
            raise ValueError("a dictionary that is too small")
        if size + _OVERHEAD > self._memory:
            raise too_much_memory(b"")
        filters = [{"id": lzma.FILTER_LZMA1, "dict_size": size, "lc": 3, "lp": 0, "pb": 2}]
        return lzma.LZMADecompressor(format=lzma.FORMAT_RAW, filters=filters)

    def _finish(self, data: bytes) -> None:
        """Take the trailer (checksum, length of the content, length of the member) and see that it is true."""
        self._trailer += data
        self.needs_input = len(self._trailer) < _TRAILER.size
        if self.needs_input:
            return
        checksum, size, member = _TRAILER.unpack_from(self._trailer)
        if checksum != self._checksum:
            raise bad_checksum(b"")
        if (size, member) != (self._produced, _HEADER + self._fed + _TRAILER.size):
            raise ValueError("another length than the trailer states")
        self.eof = True
        self.unused_data = self._trailer[_TRAILER.size :]
