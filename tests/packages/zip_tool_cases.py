"""Zip archives as programs on Windows, macOS and elsewhere write them, and what only looks like them."""

import random
import struct
import zlib

from packages import Limits
from packages.limits import MIB
from tests.packages.building import (
    ZipEntry,
    deflate64,
    pax,
    tar,
    tar_entry,
    unicode_path,
    zip64_field,
    zip_archive,
)
from tests.packages.cases import ACCEPTED, case
from tests.packages.zip_cases import SATURATED, named, symlink

ENCODING = ("package.warning.encoding",)
BACKSLASH = ("package.warning.backslash",)
TEXT = b"hello, hello, hello, hello\n" * 20
SJIS = Limits(name_encoding="shift_jis")


def dos(name: bytes, data: bytes = b"hello\n") -> ZipEntry:
    """A member as DOS and Windows write it."""
    return ZipEntry(name=name, data=data, host=0, attributes=0x20)


# --- names without an encoding


@case(ACCEPTED, "other bytes in a name, written on Unix", members=(b"caf\xe9",), warnings=ENCODING)
def zip_name_latin1() -> bytes:
    return named(b"caf\xe9")


@case(ACCEPTED, "a name in code page 437, written on Windows", members=(b"caf\x82",), warnings=ENCODING)
def zip_name_cp437() -> bytes:
    return zip_archive(dos("café".encode("cp437")))


@case(
    ACCEPTED,
    "a name in code page 437, which was named",
    members=("café".encode(), b"b"),
    limits=Limits(name_encoding="cp437"),
)
def zip_name_cp437_named() -> bytes:
    return zip_archive(dos("café".encode("cp437")), dos(b"b"))


@case(
    ACCEPTED,
    "Japanese names, written on Windows",
    members=("テスト/更新履歴.txt".encode("cp932"),),
    warnings=ENCODING,
)
def zip_name_sjis() -> bytes:
    return zip_archive(dos("テスト/更新履歴.txt".encode("cp932")))


@case(ACCEPTED, "Japanese names whose encoding was named", members=("ソース/表.txt".encode(),), limits=SJIS)
def zip_name_sjis_named() -> bytes:
    return zip_archive(dos("ソース/表.txt".encode("cp932")))


@case("package.member.encoding", "names that are not in the encoding that was named", limits=SJIS)
def zip_name_not_sjis() -> bytes:
    return zip_archive(dos(b"caf\x82"))


@case(ACCEPTED, "names with the UTF-8 flag, whatever was named", members=("é".encode(),), limits=SJIS)
def zip_name_flagged_and_named() -> bytes:
    return named("é".encode(), flags=0x800)


@case(
    ACCEPTED,
    "half-width letters that could be UTF-8, in the encoding that was named",
    members=("ﾃｽ".encode(),),
    limits=SJIS,
)
def zip_name_half_width() -> bytes:
    return zip_archive(dos("ﾃｽ".encode("cp932")))


@case(ACCEPTED, "a symbolic link to a name whose encoding was named", members=(b"l",), limits=SJIS)
def zip_symlink_named() -> bytes:
    return zip_archive(symlink("表".encode("cp932")))


@case(ACCEPTED, "a local name with its Unicode path, as WinRAR writes it", members=("é.txt".encode(),))
def zip_name_winrar() -> bytes:
    local = "é.txt".encode("cp850")
    return zip_archive(ZipEntry(name=local, host=0, extra=unicode_path("é.txt".encode(), local)))


@case("package.zip.names", "a local name with the Unicode path of another name")
def zip_name_winrar_differs() -> bytes:
    local = "é.txt".encode("cp850")
    return zip_archive(ZipEntry(name=local, host=0, extra=unicode_path(b"evil", local)))


@case("package.zip.local", "a local name with its Unicode path in the local header only")
def zip_name_winrar_local() -> bytes:
    local = "é.txt".encode("cp850")
    field = unicode_path("é.txt".encode(), local)
    return zip_archive(ZipEntry(name=local, host=0, local={"extra": field}))


# --- backslashes


@case(
    ACCEPTED,
    "backslashes as the only separators, as PowerShell 5.1 writes them",
    members=(b"d/e/a.txt", b"d/b.txt", b"d/empty", b"c.txt"),
    warnings=BACKSLASH,
)
def zip_path_backslash() -> bytes:
    return zip_archive(dos(b"d\\e\\a.txt"), dos(b"d\\b.txt"), dos(b"d\\empty\\", b""), dos(b"c.txt"))


@case("package.member.backslash", "backslashes and slashes in one archive")
def zip_path_backslash_mixed() -> bytes:
    return zip_archive(dos(b"d\\a.txt"), dos(b"e/b.txt"))


@case("package.member.backslash", "backslashes in one archive with names from Unix")
def zip_path_backslash_unix() -> bytes:
    return zip_archive(dos(b"d\\a.txt"), ZipEntry(name=b"b.txt"))


@case("package.member.path", "backslashes as separators that climb")
def zip_path_backslash_climbs() -> bytes:
    return zip_archive(dos(b"d\\..\\..\\evil"))


@case("package.member.path", "backslashes as separators, absolute")
def zip_path_backslash_absolute() -> bytes:
    return zip_archive(dos(b"\\evil"))


@case("package.member.duplicate", "the same path with either separator where no name has a slash")
def zip_path_backslash_twice() -> bytes:
    return zip_archive(dos(b"d\\a"), dos(b"d\\\\a", b"other"))


@case(
    ACCEPTED,
    "a backslash that is the second byte of a Japanese letter",
    members=("ソース.c".encode("cp932"), b"main.c"),
    warnings=ENCODING,
)
def zip_name_sjis_backslash() -> bytes:
    return zip_archive(dos("ソース.c".encode("cp932")), dos(b"main.c"))


@case(
    ACCEPTED,
    "such letters and backslashes as separators",
    members=("ソース".encode("cp932") + b"/" + "表示.c".encode("cp932"),),
    warnings=(*BACKSLASH, *ENCODING),
)
def zip_name_sjis_separators() -> bytes:
    return zip_archive(dos("ソース\\表示.c".encode("cp932")))


@case(
    ACCEPTED,
    "the same in the encoding that was named",
    members=("ソース/表示.c".encode(),),
    warnings=BACKSLASH,
    limits=SJIS,
)
def zip_name_sjis_separators_named() -> bytes:
    return zip_archive(dos("ソース\\表示.c".encode("cp932")))


@case(
    ACCEPTED, "a Chinese letter with a backslash in it", members=(b"\x85\x5c\xcb\xae.txt",), warnings=ENCODING
)
def zip_name_gbk_backslash() -> bytes:
    return zip_archive(dos(b"\x85\x5c\xcb\xae.txt"))


# --- directories


@case(ACCEPTED, "a directory that states its size on disk", members=(b"d", b"d/a"))
def zip_directory_size() -> bytes:
    lies = {"size": 4096}
    return zip_archive(ZipEntry(name=b"d/", data=b"", local=lies, central=lies), ZipEntry(name=b"d/a"))


@case("package.corrupt", "a directory that states a size and holds another")
def zip_directory_two_sizes() -> bytes:
    lies = {"size": 4096}
    return zip_archive(ZipEntry(name=b"d/", data=b"x", local=lies, central=lies))


# --- deflate64


D64 = ZipEntry(name=b"a", data=TEXT * 500, method=9)


@case(ACCEPTED, "deflate64, as the Explorer writes large files", members=(b"a", b"b"))
def zip_deflate64() -> bytes:
    noise = random.Random(2).randbytes(100_000)
    return zip_archive(D64, ZipEntry(name=b"b", data=noise, method=9))


@case(ACCEPTED, "deflate64 with a descriptor", members=(b"a",))
def zip_deflate64_descriptor() -> bytes:
    return zip_archive(ZipEntry(name=b"a", data=TEXT, method=9, descriptor=b"<IIII"))


@case("package.corrupt", "bytes behind a deflate64 stream")
def zip_deflate64_trailing() -> bytes:
    return zip_archive(ZipEntry(name=b"a", data=TEXT, method=9, raw=deflate64(TEXT) + b"hidden"))


@case("package.corrupt", "many bytes behind a deflate64 stream")
def zip_deflate64_trailing_much() -> bytes:
    return zip_archive(ZipEntry(name=b"a", data=TEXT, method=9, raw=deflate64(TEXT) + bytes(5000)))


@case("package.corrupt", "a deflate64 stream cut")
def zip_deflate64_cut() -> bytes:
    return zip_archive(ZipEntry(name=b"a", data=TEXT, method=9, raw=deflate64(TEXT)[:-2]))


@case("package.corrupt", "a deflate64 stream that is noise")
def zip_deflate64_noise() -> bytes:
    return zip_archive(ZipEntry(name=b"a", data=TEXT, method=9, raw=b"\xff" * 50))


@case("package.checksum", "deflate64 with a wrong CRC")
def zip_deflate64_crc() -> bytes:
    return zip_archive(ZipEntry(name=b"a", data=TEXT, method=9, local={"crc": 1}, central={"crc": 1}))


@case("package.corrupt", "a deflate64 stream longer than stated")
def zip_deflate64_longer() -> bytes:
    lies = {"size": 10}
    return zip_archive(ZipEntry(name=b"a", data=TEXT, method=9, local=lies, central=lies))


@case(ACCEPTED, "deflate64 of zeros, which expands 26,000 times", members=(b"a",))
def zip_deflate64_zeros() -> bytes:
    return zip_archive(ZipEntry(name=b"a", data=bytes(32 * MIB), method=9))


# --- zip64 and what is cut


@case(ACCEPTED, "70,000 members without zip64, the number cut to 16 bits, as macOS writes it",
      members=tuple(b"%d" % n for n in range(70_000)))  # fmt: skip
def zip_count_cut() -> bytes:
    entries, parts, offset = [], [], 0
    for number in range(70_000):
        member = ZipEntry(name=b"%d" % number, data=b"")
        parts.append(member.local_part())
        entries.append(member.central_part(offset))
        offset += len(parts[-1])
    directory = b"".join(entries)
    count = 70_000 & 0xFFFF
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, len(directory), offset, 0)
    return b"".join(parts) + directory + end


@case("package.zip.directory", "a number of entries that is off by one and not cut")
def zip_count_off() -> bytes:
    return zip_archive(dos(b"a"), dos(b"b"), end={"entries": 3, "here": 3})


@case(ACCEPTED, "a zip64 locator that counts no disks, as OneDrive writes it", members=(b"a",))
def zip64_no_disks() -> bytes:
    return zip_archive(dos(b"a"), zip64={"disks": 0})


@case(
    ACCEPTED,
    "zip64 sizes and a descriptor of 24 bytes for a small file, as OneDrive writes it",
    members=(b"a",),
)
def zip64_streamed() -> bytes:
    packed = zlib.compress(TEXT, 9)[2:-4]
    central = {"size": SATURATED, "compressed": SATURATED, "extra": zip64_field(len(TEXT), len(packed))}
    member = ZipEntry(
        name=b"a", data=TEXT, raw=packed, method=8, host=0, descriptor=b"<IIQQ", central=central
    )
    return zip_archive(member, zip64={"disks": 0})


# --- tar


@case(ACCEPTED, "tar names whose encoding was named", members=("表.txt".encode(), b"l"), limits=SJIS)
def tar_name_named() -> bytes:
    name = "表.txt".encode("cp932")
    return tar(tar_entry(name, b"x"), tar_entry(b"l", typeflag=b"2", link=name))


@case(ACCEPTED, "a pax name in UTF-8 whatever was named", members=("é".encode(),), limits=SJIS)
def tar_pax_and_named() -> bytes:
    return tar(pax((b"path", "é".encode())), tar_entry(b"e", b"x"))


@case(ACCEPTED, "Japanese names in tar", members=("表示.txt".encode("euc_jp"),), warnings=ENCODING)
def tar_name_euc() -> bytes:
    return tar(tar_entry("表示.txt".encode("euc_jp"), b"x"))


@case(ACCEPTED, "zeros behind a zip archive, as bsdtar fills up blocks", members=(b"a",))
def zip_padding() -> bytes:
    return zip_archive(dos(b"a")) + bytes(10_000)


@case("package.zip.end", "zeros behind a zip archive, and one byte")
def zip_padding_and_more() -> bytes:
    return zip_archive(dos(b"a")) + bytes(100) + b"x"


@case(
    ACCEPTED,
    "a FIFO where the collection takes it as an empty file",
    members=(b"pipe",),
    limits=Limits(special_files=True),
    warnings=("package.warning.special",),
)
def zip_special_file() -> bytes:
    return named(b"pipe", data=b"", attributes=0o010644 << 16)


@case(ACCEPTED, "the same, deflated without a stream, and with a descriptor", members=(b"d", b"e", b"e/a"))
def zip_directory_size_deflated() -> bytes:
    lies = {"size": 4096}
    first = ZipEntry(name=b"d/", data=b"", raw=b"", method=8, local=lies, central=lies)
    descriptor = struct.pack("<IIII", 0x08074B50, 0, 0, 4096)
    second = ZipEntry(name=b"e/", data=b"", descriptor=descriptor, central=lies)
    return zip_archive(first, second, ZipEntry(name=b"e/a"))


@case("package.checksum", "a directory without data that states a checksum")
def zip_directory_checksum() -> bytes:
    lies = {"size": 4096, "crc": 1}
    return zip_archive(ZipEntry(name=b"d/", data=b"", local=lies, central=lies))
