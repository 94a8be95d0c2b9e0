"""Atom Multipart (SWORD 2 section 6.3.2, 6.5.3, 6.7.3) and form-data bodies, as a stream.

Clients send one archive and one Atom entry. Parts are told apart by their media type alone: swh-deposit's clients
name them freely, SWORD 2 clients send a nameless Entry Part.
"""

import base64
import binascii
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser

from deposit.refusals import Kind, Refusal
from deposit.sword.headers import MediaType, bad_request, parse_media_type

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
class _State:
    headers: PartHeaders = field(default_factory=dict)
    name: bytes = b""
    value: bytes = b""
    decoder: _Decoder | None = None


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
    chunks: Iterator[bytes], media_type: MediaType, open_part: Callable[[MediaType, PartHeaders], Sink]
) -> None:
    """Parse a multipart body; ``open_part`` is asked for a sink when a part's headers are complete.

    Raises `Refusal` for a body that is not multipart or ends early; whatever ``open_part`` and its sinks raise
    passes through.
    """
    state = _State()

    def part_begin() -> None:
        state.headers = {}

    def header_field(data: bytes, start: int, end: int) -> None:
        state.name += data[start:end]

    def header_value(data: bytes, start: int, end: int) -> None:
        state.value += data[start:end]

    def header_end() -> None:
        state.headers[state.name.decode("latin-1").strip().lower()] = state.value.decode("latin-1").strip()
        state.name = state.value = b""

    def headers_finished() -> None:
        kind = parse_media_type(state.headers.get("content-type"))
        sink = open_part(kind or MediaType(type="text/plain", parameters={}), state.headers)
        state.decoder = _Decoder(state.headers.get("content-transfer-encoding", ""), sink)

    def part_data(data: bytes, start: int, end: int) -> None:
        assert state.decoder is not None
        state.decoder.write(data[start:end])

    def part_end() -> None:
        assert state.decoder is not None
        state.decoder.close()

    ended = []
    parser = MultipartParser(
        boundary_of(media_type),
        {
            "on_part_begin": part_begin,
            "on_part_data": part_data,
            "on_part_end": part_end,
            "on_header_field": header_field,
            "on_header_value": header_value,
            "on_header_end": header_end,
            "on_headers_finished": headers_finished,
            "on_end": lambda: ended.append(True),
        },
        max_header_count=16,
        max_header_size=8192,
    )
    try:
        for chunk in chunks:
            parser.write(chunk)
        parser.finalize()
    except MultipartParseError as error:
        raise malformed() from error
    if not ended:
        raise malformed()


def malformed() -> Refusal:
    """The body is not what its Content-Type says."""
    return Refusal(
        Kind.BAD_REQUEST,
        "multipart.malformed",
        "The multipart body is malformed.",
        "Check that the boundary in the Content-Type header is the one in the body, and that the body ends with it.",
    )
