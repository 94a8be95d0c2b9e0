"""Compressed tar archives, hostile and merely odd, and files that are no packages."""

import bz2
import gzip
import lzma
import random
import struct
import zlib
from collections.abc import Callable

from isal import isal_zlib

from packages import Limits
from packages.limits import MIB
from tests.packages.building import ZipEntry, long_name, pax, tar, tar_entry, zip_archive, zstd
from tests.packages.cases import ACCEPTED, case

FILE = tar_entry(b"a.txt", b"hello\n")
NOISE = random.Random(1).randbytes(200_000)
PLAIN = tar(FILE, tar_entry(b"noise.bin", NOISE))
MEMBERS = (b"a.txt", b"noise.bin")
GZ = gzip.compress(PLAIN, mtime=0)
BZ2 = bz2.compress(PLAIN)
XZ = lzma.compress(PLAIN)
ZST = zstd(PLAIN)


def flipped(data: bytes, position: int) -> bytes:
    """The data with one bit changed."""
    position %= len(data)
    return data[:position] + bytes((data[position] ^ 1,)) + data[position + 1 :]


@case("package.format", "text")
def text() -> bytes:
    return b"This is no package.\n" * 50


@case("package.format", "a PDF document")
def pdf() -> bytes:
    return b"%PDF-1.7\n" + NOISE[:2000]


@case("package.format", "random bytes")
def noise() -> bytes:
    return NOISE


@case("package.format", "one byte")
def one_byte() -> bytes:
    return b"P"


@case("package.format", "a RAR archive")
def rar() -> bytes:
    return b"Rar!\x1a\x07\x01\x00" + NOISE[:2000]


@case("package.format", "a 7z archive")
def seven_zip() -> bytes:
    return b"7z\xbc\xaf\x27\x1c\x00\x04" + NOISE[:2000]


@case("package.format", "compressed text")
def gz_text() -> bytes:
    return gzip.compress(b"This is no package.\n" * 50)


@case("package.format", "a compressed zip archive")
def gz_zip() -> bytes:
    return gzip.compress(zip_archive(ZipEntry()))


@case("package.format", "a tar archive whose first header is damaged")
def tar_first_header_damaged() -> bytes:
    return flipped(tar(FILE), 3)


@case("package.empty", "no bytes at all")
def no_bytes() -> bytes:
    return b""


@case("package.empty", "compressed nothing")
def gz_nothing() -> bytes:
    return gzip.compress(b"")


@case("package.empty", "a compressed empty tar archive")
def gz_empty_tar() -> bytes:
    return gzip.compress(tar())


@case("package.compression", "gzip in gzip")
def gz_twice() -> bytes:
    return gzip.compress(GZ)


@case("package.compression", "gzip in xz")
def xz_of_gz() -> bytes:
    return lzma.compress(GZ)


@case("package.polyglot", "a zip archive that begins as a tar header")
def zip_and_tar() -> bytes:
    header = bytearray(512)
    name = b"PK\x03\x04"
    header[:4] = name
    header[100:108] = b"0000644\0"
    header[124:136] = b"00000000000\0"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + tar(FILE)


# --- gzip


@case(ACCEPTED, "gzip", members=MEMBERS)
def gz() -> bytes:
    return GZ


@case(ACCEPTED, "gzip in several streams, as pigz and bgzip write", members=MEMBERS)
def gz_streams() -> bytes:
    return b"".join(
        gzip.compress(PLAIN[n : n + 60_000]) for n in range(0, len(PLAIN), 60_000)
    ) + gzip.compress(b"")


@case(ACCEPTED, "gzip with zeros behind it", members=MEMBERS)
def gz_padding() -> bytes:
    return GZ + bytes(1000)


@case(ACCEPTED, "gzip with a name, a comment, extra bytes and a header checksum", members=MEMBERS)
def gz_fields() -> bytes:
    header = (
        b"\x1f\x8b\x08\x1e" + bytes(4) + b"\x00\x03" + struct.pack("<H", 4) + b"abcd" + b"name.tar\0comment\0"
    )
    return header + struct.pack("<H", zlib.crc32(header) & 0xFFFF) + GZ[10:]


@case("package.checksum", "gzip with a wrong CRC")
def gz_crc() -> bytes:
    return flipped(GZ, -8)


@case("package.checksum", "gzip with a wrong length")
def gz_length() -> bytes:
    return flipped(GZ, -4)


@case("package.truncated", "gzip without its trailer")
def gz_no_trailer() -> bytes:
    return GZ[:-8]


@case("package.truncated", "gzip cut in its middle")
def gz_cut() -> bytes:
    return GZ[: len(GZ) // 2]


@case("package.truncated", "gzip cut in its header")
def gz_cut_header() -> bytes:
    return GZ[:5]


@case("package.truncated", "a second gzip stream cut")
def gz_second_cut() -> bytes:
    return gzip.compress(PLAIN[:1000]) + gzip.compress(PLAIN[1000:])[:-3]


@case("package.trailing", "text behind a gzip stream")
def gz_trailing() -> bytes:
    return GZ + b"trailing"


@case("package.trailing", "a second archive in a second gzip stream")
def gz_second_archive() -> bytes:
    return GZ + GZ


@case("package.trailing", "a gzip stream behind zeros")
def gz_after_padding() -> bytes:
    return GZ + bytes(512) + gzip.compress(b"evil")


@case("package.trailing", "a zip archive behind a gzip stream")
def gz_zip_behind() -> bytes:
    return GZ + zip_archive(ZipEntry())


@case("package.corrupt", "gzip of an unknown method")
def gz_method() -> bytes:
    return GZ[:2] + b"\x07" + GZ[3:]


@case("package.corrupt", "gzip with a reserved flag, which gzip refuses and others read over")
def gz_reserved_flag() -> bytes:
    return GZ[:3] + b"\x20" + GZ[4:]


@case("package.corrupt", "a reserved flag in a second gzip stream")
def gz_reserved_flag_later() -> bytes:
    second = gzip.compress(PLAIN[1000:])
    return gzip.compress(PLAIN[:1000]) + second[:3] + b"\x80" + second[4:]


@case("package.checksum", "gzip with a wrong header checksum")
def gz_header_checksum() -> bytes:
    return GZ[:3] + b"\x02" + GZ[4:10] + b"\x00\x00" + GZ[10:]


@case("package.corrupt", "a deflate block of a reserved type")
def gz_reserved_block() -> bytes:
    return GZ[:10] + b"\x07" + GZ[11:]


@case("package.limit.streams", "5,000 gzip streams of nothing")
def gz_empty_streams() -> bytes:
    return gzip.compress(PLAIN[:512]) + gzip.compress(b"") * 5000 + gzip.compress(PLAIN[512:])


# --- bzip2


@case(ACCEPTED, "bzip2", members=MEMBERS)
def bzip2() -> bytes:
    return BZ2


@case(ACCEPTED, "bzip2 in several streams, as pbzip2 writes", members=MEMBERS)
def bzip2_streams() -> bytes:
    return bz2.compress(PLAIN[:1000]) + bz2.compress(PLAIN[1000:]) + bz2.compress(b"")


@case(
    ACCEPTED, "a tar archive whose first member's name begins as bzip2 does", members=(b"BZhang/paper.tex",)
)
def bzip2_look_alike() -> bytes:
    return tar(tar_entry(b"BZhang/paper.tex", b"x"))


@case("package.corrupt", "bzip2 with a changed bit")
def bzip2_damaged() -> bytes:
    return flipped(BZ2, len(BZ2) // 2)


@case("package.corrupt", "bzip2 with a wrong checksum")
def bzip2_crc() -> bytes:
    return flipped(BZ2, -2)


@case("package.truncated", "bzip2 cut")
def bzip2_cut() -> bytes:
    return BZ2[:-5]


@case("package.trailing", "zeros behind bzip2")
def bzip2_padding() -> bytes:
    return BZ2 + bytes(16)


@case("package.trailing", "text behind bzip2")
def bzip2_trailing() -> bytes:
    return BZ2 + b"trailing"


# --- xz


@case(ACCEPTED, "xz", members=MEMBERS)
def xz() -> bytes:
    return XZ


@case(ACCEPTED, "xz in several streams with padding between", members=MEMBERS)
def xz_streams() -> bytes:
    return lzma.compress(PLAIN[:1000]) + bytes(8) + lzma.compress(PLAIN[1000:]) + bytes(4)


@case(ACCEPTED, "xz without a check", members=MEMBERS)
def xz_no_check() -> bytes:
    return lzma.compress(PLAIN, check=lzma.CHECK_NONE)


@case(ACCEPTED, "xz -9", members=MEMBERS)
def xz_nine() -> bytes:
    return lzma.compress(PLAIN, preset=9)


@case("package.limit.memory", "xz with a dictionary of 1 GiB")
def xz_dictionary() -> bytes:
    return _with_dictionary(XZ, 36)


def _with_dictionary(stream: bytes, code: int) -> bytes:
    """The xz stream with another dictionary size in its block header, whose checksum is mended."""
    length = (stream[12] + 1) * 4
    header = bytearray(stream[12 : 12 + length])
    position = header.index(b"\x21\x01") + 2
    header[position] = code
    header[-4:] = struct.pack("<I", zlib.crc32(header[:-4]))
    return stream[:12] + bytes(header) + stream[12 + length :]


@case("package.limit.memory", "xz with a dictionary of 4 GiB")
def xz_dictionary_largest() -> bytes:
    return _with_dictionary(XZ, 40)


@case("package.corrupt", "xz with a changed bit")
def xz_damaged() -> bytes:
    return flipped(XZ, len(XZ) // 2)


@case("package.corrupt", "xz with a wrong index")
def xz_index() -> bytes:
    return flipped(XZ, -16)


@case("package.truncated", "xz cut")
def xz_cut() -> bytes:
    return XZ[:-10]


@case("package.trailing", "xz with padding that is no multiple of four")
def xz_padding() -> bytes:
    return XZ + bytes(3)


@case("package.trailing", "text behind xz")
def xz_trailing() -> bytes:
    return XZ + b"trailing"


# --- zstd


@case(ACCEPTED, "zstd", members=MEMBERS)
def zst() -> bytes:
    return ZST


@case(ACCEPTED, "zstd in several frames, skippable ones among them", members=MEMBERS)
def zst_frames() -> bytes:
    skippable = struct.pack("<II", 0x184D2A50, 5) + b"abcde"
    return skippable + zstd(PLAIN[:1000]) + skippable + zstd(PLAIN[1000:]) + struct.pack("<II", 0x184D2A5F, 0)


@case(ACCEPTED, "zstd without checksum and content size", members=MEMBERS)
def zst_bare() -> bytes:
    return zstd(PLAIN, write_checksum=False, write_content_size=False)


@case(ACCEPTED, "zstd -19", members=MEMBERS)
def zst_nineteen() -> bytes:
    return zstd(PLAIN, level=19)


@case("package.limit.memory", "zstd with a window of 1 GiB")
def zst_window() -> bytes:
    return b"\x28\xb5\x2f\xfd" + b"\x00" + bytes((20 << 3,)) + ZST[10:]


@case("package.checksum", "zstd with a wrong checksum")
def zst_crc() -> bytes:
    return flipped(ZST, -1)


@case("package.truncated", "zstd cut in its checksum")
def zst_cut_checksum() -> bytes:
    return ZST[:-2]


@case("package.truncated", "zstd cut in its middle")
def zst_cut() -> bytes:
    return ZST[: len(ZST) // 2]


@case("package.truncated", "a skippable zstd frame cut")
def zst_cut_skippable() -> bytes:
    return ZST + struct.pack("<II", 0x184D2A50, 500) + b"abcde"


@case("package.corrupt", "a zstd block of the reserved type")
def zst_reserved() -> bytes:
    return zstd(PLAIN, write_content_size=False)[:6] + b"\x07\x00\x00" + bytes(100)


@case("package.trailing", "text behind zstd")
def zst_trailing() -> bytes:
    return ZST + b"trailing text"


# --- bombs


def _zeros(size: int) -> bytes:
    """A tar.gz of one file of zeros, in one stream."""
    codec = isal_zlib.compressobj(1, isal_zlib.DEFLATED, 31)
    parts = [codec.compress(tar_entry(b"zeros", size=size))]
    parts += [codec.compress(bytes(MIB)) for _ in range(size // MIB)]
    parts += [codec.compress(bytes(1024)), codec.flush()]
    return b"".join(parts)


@case("package.limit.ratio", "600 MB of zeros in a small tar.gz", limits=Limits(ratio_floor=128 * MIB))
def gz_bomb() -> bytes:
    return _zeros(600 * MIB)


@case(ACCEPTED, "64 MB of zeros: an honest file that compresses well", members=(b"zeros",))
def gz_zeros() -> bytes:
    return _zeros(64 * MIB)


SMALL = Limits(ratio_floor=8 * MIB)
"""The limit on expansion at a size that is quick to make."""


def _bomb(compress: Callable[[bytes], bytes]) -> bytes:
    """40 MB of zeros, in streams of 4 MB."""
    start, end = compress(tar_entry(b"zeros", size=40 * MIB)), compress(bytes(1024))
    return start + compress(bytes(4 * MIB)) * 10 + end


@case("package.limit.ratio", "a bomb of bzip2", limits=SMALL)
def bzip2_bomb() -> bytes:
    return _bomb(bz2.compress)


@case("package.limit.ratio", "a bomb of zstd", limits=SMALL)
def zst_bomb() -> bytes:
    return _bomb(zstd)


@case("package.limit.ratio", "a bomb of xz", limits=SMALL)
def xz_bomb() -> bytes:
    return _bomb(lambda data: lzma.compress(data, preset=1))


@case("package.limit.ratio", "zeros without end behind a small archive", limits=SMALL)
def zst_endless_padding() -> bytes:
    return zstd(tar(FILE)) + zstd(bytes(4 * MIB)) * 10


@case("package.limit.ratio", "pax headers of 1 MiB before every member", limits=SMALL)
def zst_header_bomb() -> bytes:
    header = pax((b"comment", b"x" * (MIB - 100)))
    return zstd(b"".join(header + tar_entry(b"%d" % n) for n in range(20))) + zstd(bytes(1024))


@case("package.limit.members", "empty members beyond the limit", limits=Limits(members=5000))
def gz_many_members() -> bytes:
    return gzip.compress(tar(*(tar_entry(b"%d" % n) for n in range(5001))))


@case("package.limit.component", "a GNU long name of 1 MB", limits=Limits(path=2 * MIB))
def gz_long_name() -> bytes:
    return gzip.compress(tar(long_name(b"n" * 1_000_000), FILE))


# --- lzip and lzma


def lzip(data: bytes, bits: int = 20) -> bytes:
    """One lzip member."""
    filters = [{"id": lzma.FILTER_LZMA1, "dict_size": 1 << bits}]
    raw = lzma.compress(data, format=lzma.FORMAT_RAW, filters=filters)
    member = b"LZIP\x01" + bytes((bits,)) + raw
    return member + struct.pack("<IQQ", zlib.crc32(data), len(data), len(member) + 20)


LZ = lzip(PLAIN)
LZMA = lzma.compress(PLAIN, format=lzma.FORMAT_ALONE)


@case(ACCEPTED, "lzip", members=MEMBERS)
def lz() -> bytes:
    return LZ


@case(ACCEPTED, "lzip in several members, as plzip and tarlz write", members=MEMBERS)
def lz_members() -> bytes:
    return b"".join(lzip(PLAIN[n : n + 60_000]) for n in range(0, len(PLAIN), 60_000))


@case("package.checksum", "lzip with a wrong checksum")
def lz_crc() -> bytes:
    return flipped(LZ, -20)


@case("package.corrupt", "lzip with a wrong length of its content")
def lz_length() -> bytes:
    return flipped(LZ, -16)


@case("package.corrupt", "lzip with a wrong length of its member")
def lz_member_length() -> bytes:
    return flipped(LZ, -8)


@case("package.corrupt", "lzip with a changed bit")
def lz_damaged() -> bytes:
    return LZ[:6] + b"\x01" + LZ[7:]


@case("package.corrupt", "lzip with a dictionary of no size")
def lz_dictionary_none() -> bytes:
    return LZ[:5] + b"\x00" + LZ[6:]


@case("package.limit.memory", "lzip with a dictionary of 512 MiB")
def lz_dictionary() -> bytes:
    return LZ[:5] + bytes((29,)) + LZ[6:]


@case("package.truncated", "lzip cut in its trailer")
def lz_cut_trailer() -> bytes:
    return LZ[:-3]


@case("package.truncated", "lzip cut in its middle")
def lz_cut() -> bytes:
    return LZ[: len(LZ) // 2]


@case("package.trailing", "text behind lzip")
def lz_trailing() -> bytes:
    return LZ + b"trailing"


@case("package.limit.ratio", "a bomb of lzip", limits=SMALL)
def lz_bomb() -> bytes:
    return _bomb(lzip)


@case(ACCEPTED, "the older lzma format", members=MEMBERS)
def lzma_alone() -> bytes:
    return LZMA


@case(ACCEPTED, "the older lzma format with its length", members=MEMBERS)
def lzma_alone_length() -> bytes:
    return LZMA[:5] + len(PLAIN).to_bytes(8, "little") + LZMA[13:]


@case(ACCEPTED, "the older lzma format with a dictionary of 12 MiB", members=MEMBERS)
def lzma_alone_odd_dictionary() -> bytes:
    filters = [{"id": lzma.FILTER_LZMA1, "dict_size": 12 * MIB}]
    return lzma.compress(PLAIN, format=lzma.FORMAT_ALONE, filters=filters)


@case("package.truncated", "the older lzma format cut")
def lzma_alone_cut() -> bytes:
    return LZMA[: len(LZMA) // 2]


@case("package.truncated", "the older lzma format, which has no checksum, without the end of the tar archive")
def lzma_alone_no_end() -> bytes:
    return lzma.compress(FILE, format=lzma.FORMAT_ALONE)


@case("package.trailing", "a second stream in the older lzma format")
def lzma_alone_twice() -> bytes:
    return LZMA + LZMA


@case("package.limit.memory", "the older lzma format with a dictionary of 1 GiB")
def lzma_alone_dictionary() -> bytes:
    return LZMA[:1] + struct.pack("<I", 1 << 30) + LZMA[5:]


@case("package.compression", "a compressed file of the program compress (.Z)")
def compress_z() -> bytes:
    return b"\x1f\x9d\x90" + NOISE[:2000]


@case("package.compression", "lz4")
def lz4() -> bytes:
    return b"\x04\x22\x4d\x18" + NOISE[:2000]


@case("package.format", "a cpio archive, compressed")
def gz_cpio() -> bytes:
    return gzip.compress(b"070701" + NOISE[:2000])
