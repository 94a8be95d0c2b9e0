"""Deflate64, zip's method 9: what Windows Explorer writes for files beyond 2 GiB, and 7-Zip and WinZip when told to.

The library hands out all that its input expands to, and does not say where in its input the stream ended. So it is fed
in small pieces (one of them makes 15 MB at the most), and byte by byte near the end of the member.
"""

import inflate64

_STEP = 512


class Deflate64Decoder:
    """Decodes one stream of ``length`` bytes, with the interface of ``bz2.BZ2Decompressor``."""

    def __init__(self, length: int) -> None:
        self._decoder = inflate64.Inflater()
        self._left = length
        self._pending = b""
        self._output = b""
        self._position = 0
        self.eof = False
        self.needs_input = True
        self.unused_data = b""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """At most ``max_length`` decoded bytes. Raises ValueError for what cannot be decoded."""
        self._pending += data
        while self._position == len(self._output) and self._pending and not self._decoder.eof:
            self._advance()
        output = self._output[self._position : self._position + max_length]
        self._position += len(output)
        is_handed_out = self._position == len(self._output)
        self.eof = self._decoder.eof and is_handed_out
        self.needs_input = is_handed_out and not self._pending
        if self.eof:
            self.unused_data = self._pending
        return output

    def _advance(self) -> None:
        step = 1 if self._left <= _STEP else _STEP
        piece, self._pending = self._pending[:step], self._pending[step:]
        self._left -= len(piece)
        self._output, self._position = self._decoder.inflate(piece), 0
        if self._decoder.eof and self._left > 0:
            raise ValueError("the stream ends before the member")
