"""Zip archives, hostile and merely odd."""

import io
import struct
import zipfile
import zlib
from typing import Any

from packages import Limits
from packages.limits import MIB
from tests.packages.building import (
    ZipEntry,
    deflate,
    extra_field,
    tar,
    tar_entry,
    unicode_path,
    zip64_field,
    zip_archive,
    zip_end,
    zip_lzma,
)
from tests.packages.cases import ACCEPTED, case

TEXT = b"hello, hello, hello, hello\n" * 20
DEFLATED = ZipEntry(name=b"a.txt", data=TEXT, method=8)
SECOND = ZipEntry(name=b"b.txt", data=b"second")
A = (b"a.txt",)
AB = (b"a.txt", b"b.txt")
SATURATED = 0xFFFFFFFF


def named(name: bytes, **fields: Any) -> bytes:
    """An archive of one small file with this name."""
    return zip_archive(ZipEntry(name=name, **fields))


def symlink(target: bytes, name: bytes = b"l", **fields: Any) -> ZipEntry:
    """A symbolic link as Info-ZIP stores it."""
    return ZipEntry(name=name, data=target, attributes=0o120777 << 16, **fields)


# --- names


@case("package.member.path", "an absolute path")
def zip_path_absolute() -> bytes:
    return named(b"/etc/passwd")


@case("package.member.path", "a path that climbs")
def zip_path_parent() -> bytes:
    return named(b"../evil")


@case("package.member.path", "a path that climbs in its middle")
def zip_path_parent_inside() -> bytes:
    return named(b"a/../../evil")


@case("package.member.path", "a drive letter")
def zip_path_drive() -> bytes:
    return named(b"C:/evil")


@case("package.member.backslash", "backslashes that climb")
def zip_path_backslash_parent() -> bytes:
    return named(b"..\\evil")


@case("package.member.characters", "a NUL, where some readers cut the name")
def zip_name_nul() -> bytes:
    return named(b"good.txt\0.exe")


@case("package.member.characters", "a line break in a name")
def zip_name_newline() -> bytes:
    return named(b"a\nb")


@case("package.member.encoding", "a name declared as UTF-8 that is not")
def zip_name_not_utf8() -> bytes:
    return named(b"caf\xe9", flags=0x800)


@case("package.zip.names", "a Unicode path that differs from the name")
def zip_unicode_path_differs() -> bytes:
    return named(b"a.txt", extra=unicode_path(b"evil.txt", b"a.txt"))


@case("package.zip.names", "a Unicode path with the checksum of another name")
def zip_unicode_path_checksum() -> bytes:
    return named(b"a.txt", extra=unicode_path(b"a.txt", b"a.txt", crc=1))


@case("package.zip.local", "a Unicode path in the local header only, with another name")
def zip_unicode_path_local() -> bytes:
    return named(b"a.txt", local={"extra": unicode_path(b"evil.txt", b"a.txt")})


@case(ACCEPTED, "a Unicode path that repeats the name", members=("é".encode(),))
def zip_unicode_path() -> bytes:
    name = "é".encode()
    return named(name, extra=unicode_path(name, name))


@case(ACCEPTED, "a UTF-8 name with its flag", members=("日本.txt".encode(),))
def zip_name_utf8() -> bytes:
    return named("日本.txt".encode(), flags=0x800)


@case(ACCEPTED, "a UTF-8 name without its flag, written on Unix", members=("é".encode(),))
def zip_name_unix() -> bytes:
    return named("é".encode())


@case(ACCEPTED, "a UTF-8 name without its flag, written on Windows", members=("été.txt".encode(),))
def zip_name_unflagged() -> bytes:
    return named("été.txt".encode(), host=0)


@case(
    ACCEPTED,
    "a backslash below a folder, as git archive writes systemd",
    members=(b"units/system-x\\x2dy.slice",),
)
def zip_name_backslash_git() -> bytes:
    return named(b"units/system-x\\x2dy.slice", host=0, attributes=0)


@case(ACCEPTED, "a backslash within a name, written on Unix", members=(b"system-systemd\\x2dcrypt.slice",))
def zip_name_backslash() -> bytes:
    return named(b"system-systemd\\x2dcrypt.slice")


@case(ACCEPTED, "names that differ only in case", members=(b"README", b"readme"))
def zip_name_case() -> bytes:
    return zip_archive(ZipEntry(name=b"README"), ZipEntry(name=b"readme"))


@case(ACCEPTED, "'./' before a name, and doubled slashes", members=(b"a/b",))
def zip_name_untidy() -> bytes:
    return named(b"./a//b")


@case("package.limit.component", "a name of 300 bytes")
def zip_name_long() -> bytes:
    return named(b"n" * 300)


@case("package.limit.depth", "5,000 directories within each other", limits=Limits(path=20_000))
def zip_deep() -> bytes:
    return named(b"d/" * 5000 + b"f")


# --- between members


@case("package.member.duplicate", "the same name twice")
def zip_duplicate() -> bytes:
    return zip_archive(ZipEntry(), ZipEntry(data=b"other"))


@case("package.member.parent", "a file, then a member below it")
def zip_below_file() -> bytes:
    return zip_archive(ZipEntry(name=b"a"), ZipEntry(name=b"a/b"))


@case("package.member.below-link", "a member below a symbolic link")
def zip_below_link() -> bytes:
    return zip_archive(symlink(b"e", b"d"), ZipEntry(name=b"d/evil"))


@case("package.member.parent", "a file and a directory of one name")
def zip_file_and_directory() -> bytes:
    return zip_archive(ZipEntry(name=b"a"), ZipEntry(name=b"a/", data=b""))


@case(ACCEPTED, "directories, empty and repeated", members=(b"d", b"d", b"e/f"))
def zip_directories() -> bytes:
    directory = ZipEntry(name=b"d/", data=b"", attributes=0o40755 << 16 | 0x10)
    return zip_archive(directory, directory, ZipEntry(name=b"e/f"))


@case(
    ACCEPTED,
    "a directory with the mode -1, as old versions of Maven write it",
    members=(b"META-INF", b"a.txt"),
)
def zip_directory_maven() -> bytes:
    return zip_archive(ZipEntry(name=b"META-INF/", data=b"", attributes=0xFFFF0010), ZipEntry())


@case(ACCEPTED, "a directory with a deflate stream of nothing, as Java writes it", members=(b"d", b"d/a"))
def zip_directory_deflated() -> bytes:
    return zip_archive(ZipEntry(name=b"d/", data=b"", method=8, attributes=0), ZipEntry(name=b"d/a"))


@case("package.member.size", "a directory with content")
def zip_directory_with_content() -> bytes:
    return named(b"d/", data=b"content")


# --- types


@case("package.member.symlink", "a symbolic link to an absolute path")
def zip_symlink_absolute() -> bytes:
    return zip_archive(symlink(b"/etc/passwd"))


@case("package.member.symlink", "a symbolic link that climbs out")
def zip_symlink_parent() -> bytes:
    return zip_archive(symlink(b"../etc/passwd"))


@case("package.member.symlink", "a symbolic link without target")
def zip_symlink_empty() -> bytes:
    return zip_archive(symlink(b""))


@case("package.member.symlink", "a symbolic link whose target is 100 kB of text")
def zip_symlink_long() -> bytes:
    return zip_archive(symlink(b"t/" * 50_000, method=8))


@case("package.checksum", "a symbolic link with a wrong CRC")
def zip_symlink_crc() -> bytes:
    return zip_archive(symlink(b"a", local={"crc": 1}, central={"crc": 1}))


@case(ACCEPTED, "symbolic links, stored and deflated", members=(b"d/l", b"d/m"))
def zip_symlink() -> bytes:
    return zip_archive(symlink(b"../a", b"d/l"), symlink(b"b", b"d/m", method=8))


@case("package.zip.type", "a symbolic link by its mode, a directory by its name")
def zip_symlink_directory() -> bytes:
    return zip_archive(symlink(b"a", b"l/"))


@case("package.zip.type", "a symbolic link on a system that has none")
def zip_symlink_dos() -> bytes:
    return zip_archive(symlink(b"a", host=0))


@case("package.zip.type", "a directory by its mode, a file by its name")
def zip_directory_without_slash() -> bytes:
    return named(b"d", data=b"", attributes=0o40755 << 16)


@case("package.member.type", "a FIFO")
def zip_fifo() -> bytes:
    return named(b"pipe", attributes=0o010644 << 16)


@case("package.member.type", "a device")
def zip_device() -> bytes:
    return named(b"null", attributes=0o020666 << 16)


@case("package.member.type", "a socket")
def zip_socket() -> bytes:
    return named(b"socket", attributes=0o140755 << 16)


@case(ACCEPTED, "setuid, no mode at all, a mode without type", members=(b"a", b"b", b"c"))
def zip_modes() -> bytes:
    modes = zip((b"a", b"b", b"c"), (0o104755 << 16, 0, 0o755 << 16), strict=True)
    return zip_archive(*(ZipEntry(name=n, attributes=m) for n, m in modes))


# --- methods


@case(
    ACCEPTED,
    "stored, deflated, deflate64, bzip2, LZMA, zstd and xz in one archive",
    members=(b"0", b"8", b"9", b"12", b"14", b"93", b"95"),
)
def zip_methods() -> bytes:
    return zip_archive(
        *(
            ZipEntry(name=b"%d" % m, data=TEXT, method=m, flags=2 if m == 14 else 0)
            for m in (0, 8, 9, 12, 14, 93, 95)
        )
    )


@case("package.method", "a member that was imploded before 1993")
def zip_imploded() -> bytes:
    return named(b"a", method=6)


@case("package.method", "an unknown method")
def zip_method_unknown() -> bytes:
    return named(b"a", method=99)


@case("package.method", "patch data")
def zip_patched() -> bytes:
    return named(b"a", flags=0x20)


@case("package.encrypted", "an encrypted member")
def zip_encrypted() -> bytes:
    return named(b"a", flags=1)


@case("package.encrypted", "strong encryption")
def zip_encrypted_strongly() -> bytes:
    return named(b"a", flags=0x41)


@case("package.encrypted", "a masked directory")
def zip_masked() -> bytes:
    return named(b"a", flags=0x2000)


@case("package.limit.memory", "LZMA with a dictionary of 1 GiB")
def zip_lzma_dictionary() -> bytes:
    raw = bytearray(zip_lzma(TEXT))
    raw[5:9] = struct.pack("<I", 1 << 30)
    return named(b"a", data=TEXT, raw=bytes(raw), method=14, flags=2)


@case("package.corrupt", "LZMA with broken properties")
def zip_lzma_properties() -> bytes:
    return named(b"a", data=TEXT, raw=b"\x09\x14\xff\xff" + bytes(40), method=14, flags=2)


# --- content


@case("package.checksum", "a wrong CRC, stored")
def zip_crc_stored() -> bytes:
    return named(b"a", local={"crc": 1}, central={"crc": 1})


@case("package.checksum", "a wrong CRC, deflated")
def zip_crc_deflated() -> bytes:
    return zip_archive(ZipEntry(data=TEXT, method=8, local={"crc": 1}, central={"crc": 1}))


@case("package.checksum", "a wrong CRC in a member of 2 MB")
def zip_crc_large() -> bytes:
    return zip_archive(ZipEntry(data=bytes(2 * MIB), method=8, local={"crc": 1}, central={"crc": 1}))


@case("package.corrupt", "a stream longer than the stated size")
def zip_size_too_small() -> bytes:
    return zip_archive(ZipEntry(data=TEXT, method=8, local={"size": 10}, central={"size": 10}))


@case("package.corrupt", "a stream shorter than the stated size")
def zip_size_too_large() -> bytes:
    return zip_archive(ZipEntry(data=TEXT, method=8, local={"size": 9999}, central={"size": 9999}))


@case("package.corrupt", "bytes behind the deflate stream of a member")
def zip_member_trailing() -> bytes:
    return zip_archive(ZipEntry(data=TEXT, method=8, raw=deflate(TEXT) + b"hidden"))


@case("package.corrupt", "the same in a member of 2 MB")
def zip_member_trailing_large() -> bytes:
    return zip_archive(ZipEntry(data=bytes(2 * MIB), method=8, raw=deflate(bytes(2 * MIB)) + b"hidden"))


@case("package.corrupt", "a deflate stream cut")
def zip_member_cut() -> bytes:
    return zip_archive(ZipEntry(data=TEXT, method=8, raw=deflate(TEXT)[:-4]))


@case("package.corrupt", "a deflate stream that is noise")
def zip_member_noise() -> bytes:
    return zip_archive(ZipEntry(data=TEXT, method=8, raw=b"\xff" * 50))


@case("package.corrupt", "a stored member with two sizes")
def zip_stored_sizes() -> bytes:
    return named(b"a", local={"size": 5}, central={"size": 5})


# --- tiling


@case("package.format", "bytes before the archive, as a self-extracting one has")
def zip_prefix() -> bytes:
    return b"#!/bin/sh\nexit\n" + zip_archive(ZipEntry())


@case("package.zip.end", "bytes before the archive that look like its beginning")
def zip_prefix_disguised() -> bytes:
    return ZipEntry(name=b"hidden").local_part() + zip_archive(ZipEntry())


@case("package.zip.end", "bytes behind the archive")
def zip_suffix() -> bytes:
    return zip_archive(ZipEntry()) + b"trailing"


@case("package.zip.end", "two archives joined")
def zip_joined() -> bytes:
    return zip_archive(ZipEntry()) + zip_archive(SECOND)


@case("package.zip.gap", "a member that the directory hides")
def zip_hidden_member() -> bytes:
    return zip_archive(DEFLATED, ZipEntry(name=b"z", after=ZipEntry(name=b"hidden").local_part()))


@case("package.zip.gap", "a hidden member between two others")
def zip_hidden_between() -> bytes:
    return zip_archive(ZipEntry(name=b"z", after=b"gap"), DEFLATED)


@case("package.zip.gap", "a first member that begins late")
def zip_hidden_first() -> bytes:
    hidden = ZipEntry(name=b"hidden").local_part()
    archive = zip_archive(SECOND)
    start = int.from_bytes(archive[-6:-2], "little")
    entry = SECOND.central_part(len(hidden))
    return hidden + archive[:start] + entry + zip_end(1, len(entry), len(hidden) + start)


@case("package.zip.gap", "a signature block before the directory, as in Android packages")
def zip_signing_block() -> bytes:
    return zip_archive(DEFLATED, before_directory=b"APK Sig Block 42" * 4)


@case("package.zip.end", "bytes between the directory and the end record")
def zip_after_directory() -> bytes:
    return zip_archive(DEFLATED, after_directory=b"PK\x05\x05\x00\x00")


@case("package.zip.overlap", "two entries for the same bytes")
def zip_overlap_same() -> bytes:
    return zip_archive(DEFLATED, ZipEntry(name=b"a.txt", data=TEXT, method=8, raw=b"", central={"offset": 0}))


@case("package.zip.overlap", "a member inside another one's data")
def zip_overlap_inside() -> bytes:
    inner = ZipEntry(name=b"inner").local_part()
    outer = ZipEntry(name=b"outer", data=inner)
    offset = 30 + len(b"outer")
    entries = outer.central_part(0) + ZipEntry(name=b"inner").central_part(offset)
    body = outer.local_part()
    return body + entries + zip_end(2, len(entries), len(body))


@case("package.zip.overlap", "a bomb of members that quote each other's headers")
def zip_quoted_overlap() -> bytes:
    kernel = deflate(bytes(MIB))
    last = ZipEntry(name=b"2", data=bytes(MIB), raw=kernel, method=8)
    quoted = last.local_part()
    header_length = 31
    stored = b"\x00" + struct.pack("<HH", header_length, header_length ^ 0xFFFF) + quoted[:header_length]
    data = quoted[:header_length] + bytes(MIB)
    first = ZipEntry(name=b"1", data=data, raw=stored + kernel, method=8)
    body = first.local_part()
    offset = 31 + 5
    entries = first.central_part(0) + last.central_part(offset)
    return body + entries + zip_end(2, len(entries), len(body))


@case(ACCEPTED, "a directory in another order than the members", members=(b"a", b"b", b"c"))
def zip_unordered() -> bytes:
    return zip_archive(ZipEntry(name=b"a"), ZipEntry(name=b"b"), ZipEntry(name=b"c"), reverse=True)


@case(
    ACCEPTED,
    "a zip archive stored in a zip archive, beside another member",
    members=(b"inner.zip", b"README"),
)
def zip_in_zip() -> bytes:
    return zip_archive(ZipEntry(name=b"inner.zip", data=zip_archive(DEFLATED)), ZipEntry(name=b"README"))


@case("package.nested", "a zip archive that holds one archive and nothing else")
def zip_nested() -> bytes:
    return named(b"inner.zip", data=zip_archive(DEFLATED))


# --- headers that differ


@case("package.zip.local", "another name in the local header")
def zip_local_name() -> bytes:
    return named(b"a.txt", local={"name": b"b.txt"})


@case("package.zip.local", "another method in the local header")
def zip_local_method() -> bytes:
    return zip_archive(ZipEntry(data=TEXT, method=8, local={"method": 0}))


@case("package.zip.local", "other flags in the local header")
def zip_local_flags() -> bytes:
    return named(b"a.txt", local={"flags": 1})


@case("package.zip.local", "another size in the local header")
def zip_local_size() -> bytes:
    return named(b"a.txt", local={"size": 3, "compressed": 3})


@case("package.zip.local", "another CRC in the local header")
def zip_local_crc() -> bytes:
    return named(b"a.txt", local={"crc": 1})


@case("package.zip.local", "no local header where the entry points to")
def zip_local_magic() -> bytes:
    return zip_archive(ZipEntry(), ZipEntry(name=b"b", local={"magic": b"PK\x07\x07"}))


# --- descriptors


@case(ACCEPTED, "descriptors in their four forms", members=(b"1", b"2", b"3", b"4"))
def zip_descriptors() -> bytes:
    forms = (b"<III", b"<IIII", b"<IQQ", b"<IIQQ")
    return zip_archive(
        *(ZipEntry(name=b"%d" % n, data=TEXT, method=8, descriptor=f) for n, f in enumerate(forms, 1))
    )


@case(ACCEPTED, "a stored member with a descriptor, as Python writes to a pipe", members=A)
def zip_descriptor_stored() -> bytes:
    return zip_archive(ZipEntry(descriptor=b"<IIII"))


@case("package.zip.descriptor", "a descriptor with another CRC")
def zip_descriptor_crc() -> bytes:
    return zip_archive(ZipEntry(data=TEXT, method=8, descriptor=struct.pack("<IIII", 0x08074B50, 1, 2, 3)))


@case("package.zip.descriptor", "a descriptor with another marker")
def zip_descriptor_marker() -> bytes:
    values = struct.pack("<III", zlib.crc32(TEXT), len(deflate(TEXT)), len(TEXT))
    return zip_archive(ZipEntry(data=TEXT, method=8, descriptor=b"PK\x07\x09" + values))


@case("package.zip.gap", "a descriptor of 13 bytes")
def zip_descriptor_length() -> bytes:
    return zip_archive(ZipEntry(data=TEXT, method=8, descriptor=bytes(13)))


@case("package.zip.gap", "a descriptor that no flag announces")
def zip_descriptor_unannounced() -> bytes:
    return zip_archive(ZipEntry(after=struct.pack("<III", zlib.crc32(b"hello\n"), 6, 6)))


@case("package.zip.descriptor", "no descriptor although the flag announces one")
def zip_descriptor_missing() -> bytes:
    return zip_archive(ZipEntry(flags=8), SECOND)


def _false_end(inside: bytes, **fields: Any) -> bytes:
    """A stored member with a descriptor whose content holds ``inside`` behind five bytes, and another member."""
    return zip_archive(ZipEntry(data=b"first" + inside, descriptor=b"<IIII", **fields), SECOND)


_HIDDEN = ZipEntry(name=b"hidden").local_part()
_CRC = zlib.crc32(b"first")


@case("package.zip.descriptor", "a stored member whose content holds its descriptor and a hidden member")
def zip_descriptor_in_content() -> bytes:
    return _false_end(struct.pack("<IIII", 0x08074B50, _CRC, 5, 5) + _HIDDEN)


@case("package.zip.descriptor", "the same with a descriptor that has only the right checksum")
def zip_descriptor_in_content_checksum() -> bytes:
    return _false_end(struct.pack("<IIII", 0x08074B50, _CRC, 9, 9) + _HIDDEN)


@case("package.zip.descriptor", "the same with a descriptor that has only the right length")
def zip_descriptor_in_content_length() -> bytes:
    return _false_end(struct.pack("<IIII", 0x08074B50, 1, 5, 5) + _HIDDEN)


@case("package.zip.descriptor", "the same with lengths of 8 bytes")
def zip_descriptor_in_content_zip64() -> bytes:
    return _false_end(struct.pack("<IIQQ", 0x08074B50, _CRC, 5, 5) + _HIDDEN)


@case("package.zip.descriptor", "the same with a descriptor without marker")
def zip_descriptor_in_content_bare() -> bytes:
    return _false_end(struct.pack("<III", _CRC, 5, 5) + _HIDDEN)


@case("package.zip.descriptor", "the same before a directory")
def zip_descriptor_in_content_directory() -> bytes:
    return _false_end(struct.pack("<IQQ", _CRC, 5, 5) + ZipEntry(name=b"hidden").central_part(0))


@case("package.zip.descriptor", "the same at the very beginning of the content")
def zip_descriptor_in_content_first() -> bytes:
    data = struct.pack("<IIII", 0x08074B50, 0, 0, 0) + _HIDDEN
    return zip_archive(ZipEntry(data=data, descriptor=b"<IIII"), SECOND)


@case("package.zip.descriptor", "the same across two blocks of a large member")
def zip_descriptor_in_content_late() -> bytes:
    data = bytes(256 * 1024 - 7)
    data += struct.pack("<IIII", 0x08074B50, zlib.crc32(data), len(data), len(data)) + _HIDDEN
    return zip_archive(ZipEntry(data=data, descriptor=b"<IIII"), SECOND)


@case("package.zip.descriptor", "the same although the local header states the sizes, too")
def zip_descriptor_in_content_stated() -> bytes:
    data = b"first" + struct.pack("<IIII", 0x08074B50, _CRC, 5, 5) + _HIDDEN
    sizes = {"crc": zlib.crc32(data), "compressed": len(data), "size": len(data)}
    return _false_end(data[5:], local=sizes)


@case(ACCEPTED, "a streamed zip archive stored in another one", members=AB)
def zip_descriptor_nested() -> bytes:
    inner = zip_archive(ZipEntry(data=TEXT, method=8, descriptor=b"<IIII"), ZipEntry(descriptor=b"<IIII"))
    return zip_archive(ZipEntry(data=inner, descriptor=b"<IIII"), SECOND)


# --- extra fields


@case(ACCEPTED, "times, owners, alignment and unknown extra fields", members=A)
def zip_extra_benign() -> bytes:
    extra = extra_field(0x5455, b"\x03" + bytes(8)) + extra_field(
        0x7875, b"\x01\x04" + bytes(4) + b"\x04" + bytes(4)
    )
    return named(
        b"a.txt",
        extra=extra + extra_field(0xD935, b"\x04\x00\x00") + extra_field(0xCAFE, b""),
        local={"extra": extra + bytes(3)},
    )


@case("package.zip.extra", "an extra field longer than its room")
def zip_extra_overlong() -> bytes:
    return named(b"a.txt", extra=struct.pack("<HH", 0x5455, 500) + b"x")


@case("package.zip.extra", "bytes behind the last extra field")
def zip_extra_rest() -> bytes:
    return named(b"a.txt", extra=extra_field(0x5455, b"x") + b"\x01\x02")


@case("package.zip.extra", "two zip64 fields")
def zip_extra_twice() -> bytes:
    return named(b"a.txt", extra=zip64_field(6) * 2, central={"size": SATURATED}, local={"extra": b""})


# --- zip64


@case(ACCEPTED, "sizes in zip64 fields", members=A)
def zip64_sizes() -> bytes:
    lies = {"size": SATURATED, "compressed": SATURATED, "extra": zip64_field(6, 6)}
    return zip_archive(ZipEntry(local=lies, central=lies))


@case(ACCEPTED, "sizes in zip64 fields and a descriptor", members=A)
def zip64_descriptor() -> bytes:
    size = len(TEXT), len(deflate(TEXT))
    central = {"size": SATURATED, "compressed": SATURATED, "extra": zip64_field(*size)}
    local = {"size": SATURATED, "compressed": SATURATED, "extra": zip64_field(0, 0)}
    return zip_archive(ZipEntry(data=TEXT, method=8, descriptor=b"<IIQQ", local=local, central=central))


@case(ACCEPTED, "a zip64 end record that repeats the end record", members=AB)
def zip64_end_record() -> bytes:
    return zip_archive(DEFLATED, SECOND, zip64={})


@case(ACCEPTED, "a zip64 end record for saturated values", members=AB)
def zip64_end_saturated() -> bytes:
    return zip_archive(
        DEFLATED,
        SECOND,
        zip64={},
        end={"entries": 0xFFFF, "here": 0xFFFF, "size": SATURATED, "start": SATURATED},
    )


@case(ACCEPTED, "a zip64 field that repeats what is not saturated", members=A)
def zip64_repeated() -> bytes:
    return zip_archive(ZipEntry(central={"extra": zip64_field(6, 6, 0)}))


@case("package.zip.zip64", "a zip64 field that contradicts its entry")
def zip64_contradiction() -> bytes:
    return zip_archive(ZipEntry(central={"extra": zip64_field(7, 6, 0)}))


@case("package.zip.zip64", "a zip64 field that lacks a value")
def zip64_lacking() -> bytes:
    return zip_archive(
        ZipEntry(central={"size": SATURATED, "compressed": SATURATED, "extra": zip64_field(6)})
    )


@case("package.zip.zip64", "a zip64 field of five bytes")
def zip64_odd_length() -> bytes:
    return zip_archive(ZipEntry(central={"size": SATURATED, "extra": extra_field(1, b"12345")}))


@case("package.zip.zip64", "a zip64 end record with another number of entries")
def zip64_end_entries() -> bytes:
    return zip_archive(DEFLATED, SECOND, zip64={"entries": 1, "here": 1})


@case("package.zip.zip64", "a zip64 end record with another start")
def zip64_end_start() -> bytes:
    return zip_archive(DEFLATED, SECOND, zip64={"start": 0})


@case("package.zip.zip64", "a zip64 locator that points elsewhere")
def zip64_locator() -> bytes:
    return zip_archive(DEFLATED, SECOND, zip64={"at": 0})


@case("package.zip.zip64", "a zip64 end record with a hidden tail")
def zip64_end_length() -> bytes:
    return zip_archive(DEFLATED, SECOND, zip64={"length": 60})


@case(
    "package.corrupt",
    "a member that claims 2^63 bytes",
    limits=Limits(ratio=1 << 60, total=1 << 62, member=1 << 62),
)
def zip64_giant() -> bytes:
    lies = {"size": SATURATED, "extra": zip64_field(1 << 61)}
    return zip_archive(
        ZipEntry(
            data=TEXT,
            method=8,
            local=lies | {"compressed": SATURATED, "extra": zip64_field(1 << 61, len(deflate(TEXT)))},
            central=lies,
        )
    )


# --- end records


@case("package.truncated", "a zip archive cut in its directory")
def zip_cut() -> bytes:
    return zip_archive(DEFLATED, SECOND)[:-40]


@case("package.truncated", "a zip archive cut in its content")
def zip_cut_content() -> bytes:
    return zip_archive(DEFLATED, SECOND)[:40]


@case("package.zip.end", "a comment longer than the file")
def zip_comment_cut() -> bytes:
    return zip_archive(DEFLATED, end={"comment": 50})


@case("package.zip.end", "an end record in the comment")
def zip_end_in_comment() -> bytes:
    return zip_archive(DEFLATED, comment=zip_end(0, 0, 0))


@case("package.zip.end", "an end record in the comment that does not fit")
def zip_end_in_comment_cut() -> bytes:
    return zip_archive(DEFLATED, comment=b"PK\x05\x06 and more")


@case("package.zip.end", "content that reads as an end record which covers the rest of the file")
def zip_end_in_content() -> bytes:
    archive = zip_archive(ZipEntry(data=zip_end(0, 0, 0)))
    covered = len(archive) - (30 + len(b"a.txt")) - 22
    return zip_archive(ZipEntry(data=zip_end(0, 0, 0, comment=covered)))


@case("package.zip.end", "two directories and two end records")
def zip_two_directories() -> bytes:
    first = zip_archive(DEFLATED)
    start = int.from_bytes(first[-6:-2], "little")
    entry = ZipEntry(name=b"evil").central_part(0)
    return first + entry + zip_end(1, len(entry), start)


@case("package.zip.directory", "fewer entries than stated")
def zip_fewer_entries() -> bytes:
    return zip_archive(DEFLATED, end={"entries": 2, "here": 2})


@case("package.zip.directory", "more entries than stated")
def zip_more_entries() -> bytes:
    return zip_archive(DEFLATED, SECOND, end={"entries": 1, "here": 1})


@case("package.zip.end", "a directory that starts elsewhere")
def zip_directory_start() -> bytes:
    return zip_archive(DEFLATED, end={"start": 0})


@case("package.zip.directory", "an entry that does not begin as one")
def zip_entry_magic() -> bytes:
    return zip_archive(ZipEntry(central={"magic": b"PK\x01\x03"}))


@case("package.zip.disks", "one part of several")
def zip_disks() -> bytes:
    return zip_archive(DEFLATED, end={"disk": 1})


@case("package.zip.disks", "a member on another disk")
def zip_member_disk() -> bytes:
    return zip_archive(ZipEntry(central={"disk": 2}))


@case(ACCEPTED, "a comment, as git archive writes it", members=A)
def zip_comment() -> bytes:
    return zip_archive(DEFLATED, comment=b"0" * 40)


@case(ACCEPTED, "the longest comment", members=A)
def zip_comment_long() -> bytes:
    return zip_archive(DEFLATED, comment=b"c" * 65535)


@case(ACCEPTED, "a comment on a member", members=A)
def zip_member_comment() -> bytes:
    return zip_archive(ZipEntry(comment=b"a comment"))


@case("package.empty", "a zip archive without members")
def zip_empty() -> bytes:
    return zip_archive()


# --- limits


@case("package.limit.ratio", "2 GiB of zeros in a small zip")
def zip_bomb() -> bytes:
    lies: dict[str, Any] = {"size": 2048 * MIB}
    return zip_archive(ZipEntry(data=b"", raw=deflate(bytes(MIB)), method=8, local=lies, central=lies))


@case(
    "package.limit.ratio", "300 members of 1 MB from one small stream", limits=Limits(ratio_floor=128 * MIB)
)
def zip_bomb_flat() -> bytes:
    raw, data = deflate(bytes(MIB)), bytes(MIB)
    return zip_archive(*(ZipEntry(name=b"%d" % n, data=data, raw=raw, method=8) for n in range(300)))


@case("package.limit.members", "more entries than the limit", limits=Limits(members=10))
def zip_too_many_members() -> bytes:
    return zip_archive(*(ZipEntry(name=b"%d" % n) for n in range(11)))


@case("package.limit.member", "a file larger than the limit", limits=Limits(member=100))
def zip_member_too_large() -> bytes:
    return named(b"a", data=bytes(101))


@case("package.limit.total", "content larger than the limit", limits=Limits(total=100))
def zip_total_too_large() -> bytes:
    return zip_archive(ZipEntry(name=b"a", data=bytes(60)), ZipEntry(name=b"b", data=bytes(60)))


# --- as others write them


def _by_zipfile(stream: bool) -> bytes:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return not stream

        def seek(self, *args: int) -> int:
            if stream:
                raise OSError("a pipe")
            return super().seek(*args)

    buffer = Pipe()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("d/", b"")
        archive.writestr("d/a.txt", TEXT)
        archive.writestr("é.txt", b"x", zipfile.ZIP_STORED)
        with archive.open("large", "w", force_zip64=True) as member:
            member.write(TEXT)
    return buffer.getvalue()


_ZIPFILE_MEMBERS = (b"d", b"d/a.txt", "é.txt".encode(), b"large")


@case(ACCEPTED, "as Python writes it", members=_ZIPFILE_MEMBERS)
def zip_python() -> bytes:
    return _by_zipfile(stream=False)


@case(ACCEPTED, "as Python writes it to a pipe", members=_ZIPFILE_MEMBERS)
def zip_python_stream() -> bytes:
    return _by_zipfile(stream=True)


@case("package.zip.end", "a tar archive behind a zip archive")
def zip_tar_behind() -> bytes:
    return zip_archive(DEFLATED) + tar(tar_entry(b"evil", b"x"))
