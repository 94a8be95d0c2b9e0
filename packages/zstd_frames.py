"""A zstd decoder that hands out one block at a time and knows where a frame ends (RFC 8878, section 3).

The library's own incremental decoder returns all that its input expands to (a block of 4 bytes may give 128 KiB) and
does not tell a cut frame from a whole one. Walking the frame here solves both: it is fed one block at a time.
"""

import zstandard

_MAGIC = b"\x28\xb5\x2f\xfd"
_START = 8  # a magic and the length of a skippable frame; no other frame is shorter
_RLE = 1
_RESERVED = 3


class ZstdDecoder:
    """Decodes one frame, or passes over one skippable frame, with the interface of ``bz2.BZ2Decompressor``."""

    def __init__(self, window: int) -> None:
        self._decoder = zstandard.ZstdDecompressor(max_window_size=window).decompressobj()
        self._pending = b""
        self._started = False
        self._checksum_length = 0
        self._skip = 0
        self.is_proof = True
        """Whether a checksum proves what was decoded; a skipped frame holds nothing to prove."""
        self.eof = False
        self.needs_input = True
        self.unused_data = b""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Some decoded bytes: at most 128 KiB more than ``max_length``."""
        pending = self._pending + data if self._pending else data
        position = produced = 0
        output = []
        self.needs_input = False
        while not self.eof and produced < max_length:
            end = self._piece_end(pending, position)
            if end < 0:
                self.needs_input = True
                break
            if not self._skip:
                output.append(self._decoder.decompress(pending[position:end]))
                produced += len(output[-1])
            position = end
        self._pending = pending[position:]
        if self.eof:
            self.unused_data, self._pending = self._pending, b""
        return b"".join(output)

    def _piece_end(self, data: bytes, position: int) -> int:
        """Where the next header, block or skipped stretch ends; -1 if it is not all here yet."""
        if self._skip:
            return self._skipped(data, position)
        if not self._started:
            return self._header_end(data, position)
        return self._block_end(data, position)

    def _header_end(self, data: bytes, position: int) -> int:
        if len(data) - position < _START:
            return -1
        if data[position : position + 4] != _MAGIC:
            self._skip = 8 + int.from_bytes(data[position + 4 : position + 8], "little")
            return self._skipped(data, position)
        descriptor = data[position + 4]
        single_segment = bool(descriptor & 0x20)
        content_size = (1 if single_segment else 0, 2, 4, 8)[descriptor >> 6]
        dictionary_id = (0, 1, 2, 4)[descriptor & 3]
        end = position + 5 + (not single_segment) + dictionary_id + content_size
        if end > len(data):
            return -1
        self._started = True
        self._checksum_length = 4 if descriptor & 4 else 0
        self.is_proof = bool(self._checksum_length)
        return end

    def _block_end(self, data: bytes, position: int) -> int:
        if len(data) - position < 3:
            return -1
        header = int.from_bytes(data[position : position + 3], "little")
        kind, size = header >> 1 & 3, header >> 3
        if kind == _RESERVED:
            raise zstandard.ZstdError("reserved block type")
        end = position + 3 + (1 if kind == _RLE else size)
        last = bool(header & 1)
        if last:
            end += self._checksum_length
        if end > len(data):
            return -1
        self.eof = last
        return end

    def _skipped(self, data: bytes, position: int) -> int:
        """Never leaves ``_skip`` at 0: the last byte of the frame is counted by ``eof``."""
        step = min(self._skip, len(data) - position)
        if step == self._skip:
            self.eof = True
        else:
            self._skip -= step
        return position + step if step else -1
