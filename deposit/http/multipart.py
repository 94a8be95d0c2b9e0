"""Atom Multipart (SWORD 2 section 6.3.2, 6.5.3, 6.7.3) and form-data bodies, as a stream.

Clients send one archive and one Atom entry. Parts are told apart by their media type alone: swh-deposit's clients
name them freely, SWORD 2 clients send a nameless Entry Part.
"""

import base64
import binascii
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser

from deposit.http.header_limits import has_many_parameters, too_long
from deposit.http.headers import MediaType, bad_request, parse_media_type
from deposit.http.multipart_lines import MultipartLines, malformed
from deposit.refusals import Kind, Refusal

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

# A part's headers, lower-cased names to values as they came.
PartHeaders = dict[str, str]
# What takes the bytes of one part.
Sink = Callable[[bytes], None]


class _Decoder:
    """Undoes a part's Content-Transfer-Encoding as the bytes pass by."""

    def __init__(self, encoding: str, sink: Sink) -> None:
        self._base64 = encoding.strip().lower() == "base64"
        self._sink = sink
        self._rest = b""

    def write(self, data: bytes) -> None:
        if not self._base64:
            self._sink(data)
            return
        text = self._rest + data.translate(None, b" \t\r\n")
        whole = len(text) - len(text) % 4
        self._rest = text[whole:]
        self._decode(text[:whole])

    def close(self) -> None:
        if self._rest:
            self._decode(self._rest)

    def _decode(self, text: bytes) -> None:
        try:
            self._sink(base64.b64decode(text, validate=True))
        except binascii.Error as error:
            raise bad_request("multipart.base64", "A base64 part of the multipart body is broken.") from error


@dataclass(slots=True)
class _Reader:
    """The parser's callbacks, and what they remember between them."""

    open_part: Callable[[MediaType, PartHeaders], Sink]
    most: int
    parts: int = 0
    headers: PartHeaders = field(default_factory=dict)
    name: bytes = b""
    value: bytes = b""
    decoder: _Decoder | None = None
    ended: bool = False
    # Whether the part that is being read may hold any bytes.
    opaque: bool = True

    def callbacks(self) -> "MultipartCallbacks":
        """What the parser calls as it meets headers, data and ends."""
        return {
            "on_part_begin": self._part_begin,
            "on_part_data": self._data,
            "on_part_end": self._part_end,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_end": self._end,
        }

    def _part_begin(self) -> None:
        self.headers.clear()
        self.parts += 1
        if self.parts > self.most:
            raise Refusal(
                Kind.CONTENT,
                "multipart.parts",
                f"The multipart body has more than {self.most} parts.",
                "Put everything into one zip or tar file, and send that and what describes it.",
            )

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self.name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self.value += data[start:end]

    def _header_end(self) -> None:
        name, value = self.name.decode("latin-1").strip().lower(), self.value.decode("latin-1").strip()
        if has_many_parameters(value):
            raise too_long(name)
        self.headers[name] = value
        self.name = self.value = b""

    def _headers_finished(self) -> None:
        kind = parse_media_type(self.headers.get("content-type")) or MediaType(
            type="text/plain", parameters={}
        )
        encoding = self.headers.get("content-transfer-encoding", "").strip().lower()
        self.opaque = (
            encoding != "base64" and not kind.type.startswith("text/") and not kind.type.endswith("xml")
        )
        sink = self.open_part(kind, dict(self.headers))
        self.decoder = _Decoder(self.headers.get("content-transfer-encoding", ""), sink)

    def _data(self, data: bytes, start: int, end: int) -> None:
        assert self.decoder is not None
        self.decoder.write(data[start:end])

    def _part_end(self) -> None:
        assert self.decoder is not None
        self.decoder.close()

    def _end(self) -> None:
        self.ended = True


def boundary_of(media_type: MediaType) -> bytes:
    """The boundary parameter of a multipart type; raises `Refusal` when there is none."""
    boundary = media_type.parameters.get("boundary", "")
    if not boundary or len(boundary) > 200 or not boundary.isascii():
        raise bad_request(
            "multipart.boundary",
            "The multipart body has no usable boundary.",
            "Give it in the Content-Type header: multipart/form-data; boundary=...",
        )
    return boundary.encode("ascii")


def read_parts(
    chunks: Iterator[bytes],
    media_type: MediaType,
    open_part: Callable[[MediaType, PartHeaders], Sink],
    *,
    most: int,
) -> None:
    """Parse a multipart body; ``open_part`` is asked for a sink when a part's headers are complete.

    Raises `Refusal` for a body that is not multipart or ends early, and as soon as more than ``most`` parts begin;
    whatever ``open_part`` and its sinks raise
    passes through.
    """
    reader, boundary = _Reader(open_part, most), boundary_of(media_type)
    parser = MultipartParser(boundary, reader.callbacks(), max_header_count=16, max_header_size=8192)
    lines = MultipartLines(boundary, parser.write, lambda: reader.opaque)
    try:
        for chunk in chunks:
            lines.feed(chunk)
        lines.finish()
        parser.finalize()
    except MultipartParseError as error:
        raise malformed(f"{error}.") from error
    if not reader.ended:
        raise malformed()
