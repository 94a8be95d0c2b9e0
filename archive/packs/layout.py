"""The pack format, version 1: a tar in many small zstd frames, so that any frame can be read alone.

Decompressed as a whole (``zstd -d``) a pack is a plain POSIX tar. Read by offset it is a random-access store. The
constants here are part of the format; ``docs/reference/pack-format.md`` is its description.
"""

import re
import struct
from typing import NamedTuple
from zlib import adler32

from archive.errors import Damaged
from archive.identifiers import SWHID

FORMAT = "deposit-pack-1"

BLOCK = 512
# An object of more bytes than this has an extent of its own: several frames and a seek table.
LARGE = 1024**2
# Frames of an extent of its own hold this many bytes of the tar each, the last one fewer.
LARGE_FRAME = 1024**2
# Smaller objects share a frame until it holds this many bytes; not part of the format, any size can be read.
SHARED_FRAME = 512 * 1024
# No frame unpacks to more than this; a damaged header may claim anything.
LARGEST_FRAME = 64 * 1024**2
# Lines of one index member.
INDEX_LINES = 32_768

END_OF_TAR = bytes(2 * BLOCK)

# The seek table at the end of a large extent is the one of zstd's own "seekable format" (contrib/seekable_format).
SEEK_MAGIC = 0x184D2A5E
SEEK_ENTRY = struct.Struct("<II")
SEEK_FOOTER = struct.Struct("<IBI")
SEEKABLE = 0x8F92EAB1

# The footer is a zstd skippable frame too: where the index members are, how many there are, a magic number.
SKIPPABLE = struct.Struct("<II")
FOOTER_MAGIC = 0x184D2A5D
FOOTER_ENTRY = struct.Struct("<QQ")
FOOTER_END = struct.Struct("<I8s")
FOOTER_SIGNATURE = b"dpstpack"


# A content and its SHA-256, or anything else and "-"; four numbers that fit into the database's columns.
_LINE = re.compile(
    r"(?:(swh:1:cnt:[0-9a-f]{40})\t([0-9a-f]{64})|(swh:1:(?:dir|rel|snp|emd):[0-9a-f]{40}|visit/[!-~]{1,100})\t-)"
    r"\t([0-9]{1,18})\t([0-9]{1,18})\t([0-9]{1,18})\t([0-9]{1,9})"
)


class Row(NamedTuple):
    """One line of a pack's index: a member and where it is.

    ``name`` is a SWHID or ``visit/…``; ``offset`` and ``stored`` give the extent in the pack (one frame, or several
    for a large object); ``position`` is where the object's bytes begin once the extent is decompressed.
    """

    name: str
    sha256: bytes | None
    length: int
    offset: int
    stored: int
    position: int

    @classmethod
    def parse(cls, line: str) -> "Row":
        """Read a line of an index member. Raises Damaged when it is not one."""
        match = _LINE.fullmatch(line)
        if match is None:
            raise Damaged(f"A line of a pack's index is broken: {line[:120]!r}.")
        content, digest, other, length, offset, stored, position = match.groups()
        sha256 = bytes.fromhex(digest) if digest else None
        return cls(content or other, sha256, int(length), int(offset), int(stored), int(position))

    @property
    def swhid(self) -> SWHID:
        """The identifier of the object; raises InvalidIdentifier for a visit."""
        return SWHID.parse(self.name)


def index_line(name: str, sha256: bytes | None, length: int, offset: int, stored: int, position: int) -> str:
    """A row as a line of the index member: fields separated by tabs."""
    digest = "-" if sha256 is None else sha256.hex()
    return f"{name}\t{digest}\t{length}\t{offset}\t{stored}\t{position}\n"


def _size_field(length: int) -> bytes:
    if length < 8**11:
        return b"%011o\0" % length
    # GNU tar's and star's base-256 form, which every current tar reads.
    return b"\x80" + length.to_bytes(11, "big")


_FIXED = b"0000444\0" + b"0000000\0" * 2
_MTIME = b"00000000000\0"
_MAGIC = b"ustar\0" + b"00"
_CONSTANT = sum(_FIXED) + sum(_MTIME) + sum(_MAGIC) + 8 * 0x20


_ZEROES = bytes(BLOCK - 100 - len(_FIXED) - 12 - len(_MTIME) - 8 - 1 - 100 - len(_MAGIC))
_FILE_TAIL = b"0" + bytes(100) + _MAGIC + _ZEROES


def tar_header(name: bytes, length: int, *, link: bytes = b"") -> bytes:
    """The 512 bytes before a member: a file of this length, or a hard link to an earlier member."""
    tail = b"1" + link.ljust(100, b"\0") + _MAGIC + _ZEROES if link else _FILE_TAIL
    variable = name + _size_field(length) + link
    # Adler-32 keeps the plain sum of up to 256 bytes in its lower half, at the speed of C.
    checksum = _CONSTANT + (adler32(variable, 0) & 0xFFFF) + tail[0]
    start = name.ljust(100, b"\0") + _FIXED + variable[len(name) : len(name) + 12]
    return start + _MTIME + b"%06o\0 " % checksum + tail


def padding(length: int) -> bytes:
    """What fills a member up to a whole block."""
    return bytes(-length % BLOCK)


def seek_table(frames: list[tuple[int, int]]) -> bytes:
    """The skippable frame after a large object: (compressed, decompressed) sizes of its frames."""
    entries = b"".join(SEEK_ENTRY.pack(*frame) for frame in frames)
    footer = SEEK_FOOTER.pack(len(frames), 0, SEEKABLE)
    return SKIPPABLE.pack(SEEK_MAGIC, len(entries) + len(footer)) + entries + footer


def footer(indexes: list[tuple[int, int]]) -> bytes:
    """The end of a pack: (offset, stored) of each index member's frame."""
    entries = b"".join(FOOTER_ENTRY.pack(*extent) for extent in indexes)
    end = FOOTER_END.pack(len(indexes), FOOTER_SIGNATURE)
    return SKIPPABLE.pack(FOOTER_MAGIC, len(entries) + len(end)) + entries + end
