"""Decompression with bounded memory, checked to the last byte.

Every decoder here has the interface of ``bz2.BZ2Decompressor``: ``decompress(data, max_length)``, ``eof``,
``needs_input``, ``unused_data``. Input is fed and output is taken in small blocks, so that no input can make a decoder
produce more than a block at a time.
"""

import bz2
import lzma
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, cast

import zstandard
from isal import igzip_lib

from packages.errors import PackageError
from packages.limits import Limits
from packages.lzip import MAGIC as LZIP_MAGIC
from packages.lzip import LzipDecoder
from packages.refusals import bad_checksum, too_much_memory, trailing, truncated, wrong_length
from packages.zstd_frames import ZstdDecoder

BLOCK = 256 * 1024
"""Bytes taken from a decoder at a time."""
_FREE_STREAMS = 1024
_BYTES_PER_STREAM = 512
_GZIP_RESERVED = b"\x20"
"""Flags from here on are reserved (RFC 1952 2.3.1.2: a reader must refuse them); isal reads over them."""
_IsalError = cast(type[Exception], igzip_lib.IsalError)  # the stub declares an instance
_ISAL_BAD_CHECKSUM = "Error -6"


class Decoder(Protocol):
    """What ``bz2``, ``lzma`` and ``isal`` agree on."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Codec:
    """One compression format as it is used around a tar archive."""

    name: str
    magics: tuple[bytes, ...]
    decoder: Callable[[Limits], Decoder]
    is_proof: Callable[[Decoder], bool] = lambda decoder: True
    """Whether the end of a stream proves its content: it has a checksum."""
    padding: str = ""
    """Where zeros are legal after a stream: "end" (before the end of the file), "between" (in fours), ""."""

    likeness: Callable[[bytes], bool] | None = None
    """What is asked beside the magic, of the first 13 bytes or more."""
    is_single: bool = False
    """Whether a stream cannot be followed by another."""

    def starts(self, data: bytes) -> bool:
        """Whether the data begins as a stream of this format does."""
        return data.startswith(self.magics) and (self.likeness is None or self.likeness(data))


def gzip_decoder(limits: Limits) -> Decoder:
    """A gzip stream with its header, CRC and length (RFC 1952)."""
    return cast(Decoder, igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP, hist_bits=15))


def deflate_decoder(limits: Limits) -> Decoder:
    """A bare deflate stream (RFC 1951)."""
    return cast(Decoder, igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_DEFLATE, hist_bits=15))


def bzip2_decoder(limits: Limits) -> Decoder:
    """A bzip2 stream; its memory is bounded by the format (4 MB)."""
    return bz2.BZ2Decompressor()


def xz_decoder(limits: Limits) -> Decoder:
    """An xz stream whose decoder may take ``limits.memory``."""
    return lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=limits.memory)


def lzma_decoder(limits: Limits) -> Decoder:
    """A stream with the 13-byte header of the LZMA SDK."""
    return lzma.LZMADecompressor(format=lzma.FORMAT_ALONE, memlimit=limits.memory)


def lzip_decoder(limits: Limits) -> Decoder:
    """An lzip member whose decoder may take ``limits.memory``."""
    return LzipDecoder(limits.memory)


def _is_lzma(data: bytes) -> bool:
    """LZMA's old container has no magic; xz's own criteria: a usual dictionary, and a length that is possible."""
    if len(data) < 13:
        return False
    dictionary = int.from_bytes(data[1:5], "little")
    size = int.from_bytes(data[5:13], "little")
    lowest = dictionary & -dictionary
    usual = dictionary >= 4096 and dictionary in (lowest, 3 * lowest)
    return (usual or dictionary == 0xFFFFFFFF) and (size < 1 << 38 or size == 0xFFFFFFFFFFFFFFFF)


def zstd_decoder(limits: Limits) -> Decoder:
    """A zstd frame (RFC 8878) whose window is at most ``limits.memory``."""
    return ZstdDecoder(limits.memory)


GZIP = Codec("gz", (b"\x1f\x8b",), gzip_decoder, padding="end")
_BZIP2_BLOCKS = (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90")  # a block, or the end of an empty stream
BZIP2 = Codec(
    "bz2", tuple(b"BZh%d%s" % (n, mark) for n in range(1, 10) for mark in _BZIP2_BLOCKS), bzip2_decoder
)
XZ = Codec(
    "xz",
    (b"\xfd7zXZ\x00",),
    xz_decoder,
    lambda decoder: cast(lzma.LZMADecompressor, decoder).check != lzma.CHECK_NONE,
    padding="between",
)
ZSTD = Codec(
    "zst",
    (b"\x28\xb5\x2f\xfd", *(bytes((n, 0x2A, 0x4D, 0x18)) for n in range(0x50, 0x60))),
    zstd_decoder,
    lambda decoder: cast(ZstdDecoder, decoder).is_proof,
)
LZIP = Codec("lz", (LZIP_MAGIC,), lzip_decoder)
LZMA = Codec("lzma", (b"\x5d",), lzma_decoder, lambda decoder: False, likeness=_is_lzma, is_single=True)
CODECS = (GZIP, BZIP2, XZ, ZSTD, LZIP, LZMA)
MAGIC_LENGTH = 10


def decode(decoder: Decoder, data: bytes, max_length: int, subject: bytes = b"") -> bytes:
    """One call of a decoder; whatever the codec's library says about bad data becomes a PackageError."""
    try:
        return decoder.decompress(data, max_length)
    except _IsalError as error:
        if str(error).startswith(_ISAL_BAD_CHECKSUM):
            raise bad_checksum(subject) from None
        raise _undecodable(subject) from None
    except lzma.LZMAError as error:
        if "Memory usage limit" in str(error):
            raise too_much_memory(subject) from None
        raise _undecodable(subject) from None
    except zstandard.ZstdError as error:
        if "requires too much memory" in str(error):
            raise too_much_memory(subject) from None
        if "checksum" in str(error):
            raise bad_checksum(subject) from None
        raise _undecodable(subject) from None
    except (OSError, EOFError, ValueError, struct.error, MemoryError):
        # None of these decoders touches a file: an OSError here is bz2's way to say "invalid data".
        raise _undecodable(subject) from None


class Streams:
    """The content of one or more streams of ``codec``, one after the other: an iterable of blocks of some 256 KiB."""

    def __init__(self, blocks: Iterator[bytes], codec: Codec, limits: Limits) -> None:
        self._blocks = blocks
        self._codec = codec
        self._limits = limits
        self.are_proven = True
        """Whether every stream so far had a checksum that holds."""

    def __iter__(self) -> Iterator[bytes]:
        blocks, codec = self._blocks, self._codec
        rest = next(blocks, b"")
        streams = produced = 0
        while rest:
            if (streams and codec.is_single) or not codec.starts(rest):
                raise trailing()
            if codec is GZIP and rest[3:4] >= _GZIP_RESERVED:
                raise _undecodable(b"")
            decoder = codec.decoder(self._limits)
            for block in _expand_one(blocks, rest, decoder):
                produced += len(block)
                yield block
            self.are_proven = self.are_proven and codec.is_proof(decoder)
            streams += 1
            if streams > _FREE_STREAMS and produced < streams * _BYTES_PER_STREAM:
                raise _too_many_streams(streams)
            rest = _next_start(decoder.unused_data, blocks, codec)


def _too_many_streams(streams: int) -> PackageError:
    return PackageError(
        "package.limit.streams",
        "",
        f"The package is made of more than {streams} compressed streams that are almost empty. "
        "Compress it again in one piece.",
    )


def _expand_one(blocks: Iterator[bytes], data: bytes, decoder: Decoder) -> Iterator[bytes]:
    while True:
        output = decode(decoder, data, BLOCK)
        if output:
            yield output
        if decoder.eof:
            return
        data = b""
        if decoder.needs_input:
            data = next(blocks, b"")
            if not data:
                raise truncated()


def _next_start(rest: bytes, blocks: Iterator[bytes], codec: Codec) -> bytes:
    """The beginning of the next stream (enough of it to tell its magic), or b"" at the end of the file."""
    zeros = 0
    while True:
        if codec.padding:
            stripped = rest.lstrip(b"\0")
            zeros += len(rest) - len(stripped)
            rest = stripped
        if len(rest) >= MAGIC_LENGTH:
            break
        more = next(blocks, None)
        if more is None:
            break
        rest += more
    legal = (
        not zeros or (codec.padding == "between" and zeros % 4 == 0) or (codec.padding == "end" and not rest)
    )
    if not legal:
        raise trailing()
    return rest


def expand_exactly(blocks: Iterable[bytes], decoder: Decoder, size: int, subject: bytes) -> Iterator[bytes]:
    """The content of one stream that fills ``blocks`` exactly and expands to ``size`` bytes exactly."""
    left = size
    over = False
    for block in blocks:
        if over:
            raise wrong_length(subject)
        data, hungry = block, False
        while not (over or hungry):
            output = decode(decoder, data, min(BLOCK, left + 1), subject)
            left -= len(output)
            if left < 0:
                raise wrong_length(subject)
            if output:
                yield output
            data, over, hungry = b"", decoder.eof, decoder.needs_input
    if left or not ended(decoder):
        raise wrong_length(subject)


def ended(decoder: Decoder) -> bool:
    """Whether the stream is over and used all of its input."""
    return decoder.eof and not decoder.unused_data


def _undecodable(subject: bytes) -> PackageError:
    return PackageError(
        "package.corrupt",
        subject,
        "The compressed data cannot be decoded: the package was damaged. Make it again and send it anew.",
    )
