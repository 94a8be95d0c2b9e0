"""Tar archives, hostile and merely odd."""

import io
import tarfile

from packages import Limits
from tests.packages.building import (
    GNU,
    TAR_END,
    V7,
    long_name,
    octal,
    padded,
    pax,
    pax_record,
    resealed,
    tar,
    tar_entry,
    tar_header,
)
from tests.packages.cases import ACCEPTED, case

FILE = tar_entry(b"a.txt", b"hello\n")
DIRECTORY = b"5"
ENCODING = ("package.warning.encoding",)
SYMLINK = b"2"
HARDLINK = b"1"

# --- paths


@case("package.member.path", "an absolute path")
def tar_path_absolute() -> bytes:
    return tar(tar_entry(b"/etc/passwd", b"x"))


@case("package.member.path", "an absolute path behind two slashes")
def tar_path_absolute_twice() -> bytes:
    return tar(tar_entry(b"//etc/passwd", b"x"))


@case("package.member.path", "a path that climbs out of the tree")
def tar_path_parent() -> bytes:
    return tar(tar_entry(b"../evil", b"x"))


@case("package.member.path", "a path that climbs in its middle")
def tar_path_parent_inside() -> bytes:
    return tar(tar_entry(b"a/../../evil", b"x"))


@case("package.member.path", "a path that climbs but stays in the tree")
def tar_path_parent_harmless() -> bytes:
    return tar(tar_entry(b"a/../b", b"x"))


@case("package.member.path", "a path that ends in '..'")
def tar_path_parent_last() -> bytes:
    return tar(tar_entry(b"a/..", typeflag=DIRECTORY))


@case("package.member.path", "a climbing path after './'")
def tar_path_dot_parent() -> bytes:
    return tar(tar_entry(b"./../evil", b"x"))


@case("package.member.path", "an absolute path after './' is doubled")
def tar_path_dot_absolute() -> bytes:
    return tar(tar_entry(b".//../etc/passwd", b"x"))


@case("package.member.path", "an absolute path in a pax header")
def tar_path_absolute_pax() -> bytes:
    return tar(pax((b"path", b"/etc/passwd")), FILE)


@case("package.member.path", "a climbing path in a GNU long name")
def tar_path_parent_gnu() -> bytes:
    return tar(long_name(b"../" * 50 + b"evil"), FILE)


@case("package.member.path", "a climbing path made by the ustar prefix")
def tar_path_parent_prefix() -> bytes:
    return tar(tar_entry(b"evil", b"x", prefix=b".."))


@case("package.member.path", "a path with a drive letter")
def tar_path_drive() -> bytes:
    return tar(tar_entry(b"C:/Windows/evil", b"x"))


@case("package.member.path", "a drive letter and a backslash")
def tar_path_drive_backslash() -> bytes:
    return tar(tar_entry(b"C:\\Windows\\evil", b"x"))


@case("package.member.backslash", "backslashes that climb on Windows")
def tar_path_backslash_parent() -> bytes:
    return tar(tar_entry(b"..\\..\\evil", b"x"))


@case("package.member.backslash", "a backslash that is absolute on Windows")
def tar_path_backslash_absolute() -> bytes:
    return tar(tar_entry(b"\\\\server\\share", b"x"))


@case("package.member.characters", "a line break in a name")
def tar_name_newline() -> bytes:
    return tar(tar_entry(b"a\nb", b"x"))


@case("package.member.characters", "an escape sequence in a name")
def tar_name_escape() -> bytes:
    return tar(tar_entry(b"a\x1b[2Jb", b"x"))


@case("package.member.characters", "a NUL in a pax path")
def tar_name_nul_pax() -> bytes:
    return tar(pax((b"path", b"a.txt\0.png")), FILE)


@case("package.member.characters", "a DEL in a name")
def tar_name_delete() -> bytes:
    return tar(tar_entry(b"a\x7fb", b"x"))


@case("package.limit.component", "a name of 256 bytes")
def tar_name_too_long() -> bytes:
    return tar(pax((b"path", b"n" * 256)), FILE)


@case("package.limit.path", "a path of 4097 bytes")
def tar_path_too_long() -> bytes:
    return tar(
        pax((b"path", b"/".join([b"n" * 240] * 16 + [b"n" * 241]))), tar_entry(b"d", typeflag=DIRECTORY)
    )


@case("package.limit.depth", "257 directories within each other")
def tar_path_too_deep() -> bytes:
    return tar(pax((b"path", b"/".join([b"d"] * 257))), FILE)


@case(ACCEPTED, "256 directories within each other", members=(b"/".join([b"d"] * 256),))
def tar_path_deep() -> bytes:
    return tar(pax((b"path", b"/".join([b"d"] * 256))), FILE)


@case(ACCEPTED, "a path of 4096 bytes", members=(b"/".join([b"n" * 240] * 16 + [b"m" * 240]),))
def tar_path_long() -> bytes:
    return tar(pax((b"path", b"/".join([b"n" * 240] * 16 + [b"m" * 240]))), FILE)


@case(ACCEPTED, "a name of 255 bytes", members=(b"n" * 255,))
def tar_name_long() -> bytes:
    return tar(long_name(b"n" * 255), FILE)


@case(ACCEPTED, "'./' before every path, and the root itself", members=(b"a", b"a/b.txt"))
def tar_path_dot() -> bytes:
    return tar(
        tar_entry(b"./", typeflag=DIRECTORY),
        tar_entry(b"./a/", typeflag=DIRECTORY),
        tar_entry(b"./a/b.txt", b"x"),
    )


@case(ACCEPTED, "doubled slashes and dots inside a path", members=(b"a/b/c.txt",))
def tar_path_untidy() -> bytes:
    return tar(tar_entry(b"a//b/./c.txt", b"x"))


@case(ACCEPTED, "bytes that are no UTF-8 in a name", members=(b"caf\xe9.txt",), warnings=ENCODING)
def tar_name_latin1() -> bytes:
    return tar(tar_entry(b"caf\xe9.txt", b"x"))


@case(ACCEPTED, "names that differ only in case", members=(b"xt_CONNMARK.h", b"xt_connmark.h"))
def tar_name_case() -> bytes:
    return tar(tar_entry(b"xt_CONNMARK.h", b"x"), tar_entry(b"xt_connmark.h", b"y"))


@case(ACCEPTED, "one name composed and decomposed", members=("é".encode(), "e\u0301".encode()))
def tar_name_normalisation() -> bytes:
    return tar(tar_entry("é".encode(), b"x"), tar_entry("e\u0301".encode(), b"y"))


@case(ACCEPTED, "a backslash as systemd uses it", members=(b"units/system-systemd\\x2dcryptsetup.slice",))
def tar_name_backslash() -> bytes:
    return tar(tar_entry(b"units/system-systemd\\x2dcryptsetup.slice", b"x"))


@case(ACCEPTED, "a manual page with colons", members=(b"man3/B::Deparse.3pm", b"B::Concise.3pm"))
def tar_name_colon() -> bytes:
    return tar(tar_entry(b"man3/B::Deparse.3pm", b"x"), tar_entry(b"B::Concise.3pm", b"x"))


@case(
    ACCEPTED,
    "names of dots, blanks, dashes and signs",
    members=(b"...", b" ", b"-rf", b"a b", b"*", b"..a", b"$(x)"),
)
def tar_name_signs() -> bytes:
    return tar(*(tar_entry(n, b"x") for n in (b"...", b" ", b"-rf", b"a b", b"*", b"..a", b"$(x)")))


@case(ACCEPTED, "a name that a Windows system reserves", members=(b"aux.c", b"CON"))
def tar_name_reserved() -> bytes:
    return tar(tar_entry(b"aux.c", b"x"), tar_entry(b"CON", b"x"))


@case(ACCEPTED, "a version-control folder and hidden files", members=(b".git/config", b".hidden"))
def tar_name_hidden() -> bytes:
    return tar(tar_entry(b".git/config", b"x"), tar_entry(b".hidden", b"x"))


# --- between members


@case("package.member.duplicate", "the same file twice, once with './'")
def tar_duplicate_dot() -> bytes:
    return tar(FILE, tar_entry(b"./a.txt", b"other"))


@case("package.member.duplicate", "the same file twice, once with doubled slashes")
def tar_duplicate_slashes() -> bytes:
    return tar(tar_entry(b"d/a", b"x"), tar_entry(b"d//a", b"y"))


@case("package.member.duplicate", "a file, then a symbolic link in its place")
def tar_duplicate_link() -> bytes:
    return tar(FILE, tar_entry(b"a.txt", typeflag=SYMLINK, link=b"b"))


@case("package.member.parent", "a file, then a directory in its place")
def tar_file_then_directory() -> bytes:
    return tar(FILE, tar_entry(b"a.txt/", typeflag=DIRECTORY))


@case("package.member.parent", "a directory, then a file in its place")
def tar_directory_then_file() -> bytes:
    return tar(tar_entry(b"a.txt/", typeflag=DIRECTORY), FILE)


@case("package.member.parent", "a member below a file")
def tar_below_file() -> bytes:
    return tar(FILE, tar_entry(b"a.txt/b", b"x"))


@case("package.member.parent", "a file in the place of a directory that only a path implied")
def tar_implied_directory_then_file() -> bytes:
    return tar(tar_entry(b"d/a", b"x"), tar_entry(b"d", b"x"))


@case("package.member.below-link", "a member below a symbolic link")
def tar_below_link() -> bytes:
    return tar(tar_entry(b"d", typeflag=SYMLINK, link=b"e"), tar_entry(b"d/evil", b"x"))


@case("package.member.below-link", "a member two levels below a symbolic link")
def tar_far_below_link() -> bytes:
    return tar(tar_entry(b"d", typeflag=SYMLINK, link=b"."), tar_entry(b"d/e/evil", b"x"))


@case("package.member.parent", "a directory, then a symbolic link in its place")
def tar_directory_then_link() -> bytes:
    return tar(tar_entry(b"d/a", b"x"), tar_entry(b"d", typeflag=SYMLINK, link=b"/tmp"))


@case("package.member.duplicate", "a symbolic link, then a file through it")
def tar_link_then_file() -> bytes:
    return tar(tar_entry(b"l", typeflag=SYMLINK, link=b"a"), tar_entry(b"l", b"x"))


@case(ACCEPTED, "the same directory three times", members=(b"d", b"d", b"d/a", b"d"))
def tar_directory_repeated() -> bytes:
    directory = tar_entry(b"d/", typeflag=DIRECTORY)
    return tar(directory, directory, tar_entry(b"d/a", b"x"), directory)


@case(ACCEPTED, "files whose directories are not members", members=(b"a/b/c", b"a/b/d"))
def tar_directories_implied() -> bytes:
    return tar(tar_entry(b"a/b/c", b"x"), tar_entry(b"a/b/d", b"x"))


@case(ACCEPTED, "an empty directory and an empty file", members=(b"d", b"f"))
def tar_empty_members() -> bytes:
    return tar(tar_entry(b"d/", typeflag=DIRECTORY), tar_entry(b"f"))


@case(ACCEPTED, "setuid, setgid and sticky bits, which are dropped", members=(b"f",))
def tar_setuid() -> bytes:
    return tar(tar_entry(b"f", b"x", mode=0o7755))


@case(ACCEPTED, "no permission at all", members=(b"f",))
def tar_mode_zero() -> bytes:
    return tar(tar_entry(b"f", b"x", mode=0))


# --- links


@case("package.member.symlink", "a symbolic link to an absolute path")
def tar_symlink_absolute() -> bytes:
    return tar(tar_entry(b"l", typeflag=SYMLINK, link=b"/etc/passwd"))


@case("package.member.symlink", "a symbolic link that climbs out")
def tar_symlink_parent() -> bytes:
    return tar(tar_entry(b"d/l", typeflag=SYMLINK, link=b"../../etc/passwd"))


@case("package.member.symlink", "a symbolic link that climbs out after descending")
def tar_symlink_parent_late() -> bytes:
    return tar(tar_entry(b"l", typeflag=SYMLINK, link=b"a/../../etc/passwd"))


@case("package.member.symlink", "a chain: a link whose '..' follows another link")
def tar_symlink_chain() -> bytes:
    return tar(
        tar_entry(b"a/b/up", typeflag=SYMLINK, link=b"../.."),
        tar_entry(b"out", typeflag=SYMLINK, link=b"a/b/up/../etc/passwd"),
    )


@case("package.member.symlink", "the same chain with the inner link last")
def tar_symlink_chain_reversed() -> bytes:
    return tar(
        tar_entry(b"out", typeflag=SYMLINK, link=b"a/b/up/../etc/passwd"),
        tar_entry(b"a/b/up", typeflag=SYMLINK, link=b"../.."),
    )


@case("package.member.symlink", "a symbolic link without target")
def tar_symlink_empty() -> bytes:
    return tar(tar_entry(b"l", typeflag=SYMLINK))


@case("package.member.symlink", "a target of 5000 bytes")
def tar_symlink_long() -> bytes:
    return tar(long_name(b"t/" * 2500, b"K"), tar_entry(b"l", typeflag=SYMLINK, magic=GNU))


@case("package.member.characters", "a line break in a target")
def tar_symlink_newline() -> bytes:
    return tar(tar_entry(b"l", typeflag=SYMLINK, link=b"a\nb"))


@case("package.member.symlink", "an absolute target in a pax header")
def tar_symlink_pax() -> bytes:
    return tar(pax((b"linkpath", b"/etc/passwd")), tar_entry(b"l", typeflag=SYMLINK, link=b"a"))


@case(
    ACCEPTED,
    "links within the tree: up, down, dangling, to themselves, to the root",
    members=tuple(b"d/%d" % n for n in range(6)),
)
def tar_symlink_benign() -> bytes:
    targets = (b"../a", b"e/f", b"nowhere", b"5", b"..", b"./x/../y")
    return tar(*(tar_entry(b"d/%d" % n, typeflag=SYMLINK, link=t) for n, t in enumerate(targets)))


@case(ACCEPTED, "links that point at each other in a ring", members=(b"a", b"b"))
def tar_symlink_ring() -> bytes:
    return tar(tar_entry(b"a", typeflag=SYMLINK, link=b"b"), tar_entry(b"b", typeflag=SYMLINK, link=b"a"))


@case(
    ACCEPTED,
    "an absolute target where the collection allows it",
    members=(b"l",),
    limits=Limits(links_outside=True),
)
def tar_symlink_absolute_allowed() -> bytes:
    return tar(tar_entry(b"l", typeflag=SYMLINK, link=b"/dev/null"))


@case(ACCEPTED, "hard links to an earlier file", members=(b"a.txt", b"b", b"d/c"))
def tar_hardlink() -> bytes:
    return tar(
        FILE,
        tar_entry(b"b", typeflag=HARDLINK, link=b"a.txt"),
        tar_entry(b"d/c", typeflag=HARDLINK, link=b"./a.txt"),
    )


@case("package.member.hardlink", "a hard link to a later file")
def tar_hardlink_forward() -> bytes:
    return tar(tar_entry(b"b", typeflag=HARDLINK, link=b"a.txt"), FILE)


@case("package.member.hardlink", "a hard link to nothing")
def tar_hardlink_dangling() -> bytes:
    return tar(tar_entry(b"b", typeflag=HARDLINK, link=b"nowhere"))


@case("package.member.hardlink", "a hard link to itself")
def tar_hardlink_self() -> bytes:
    return tar(tar_entry(b"b", typeflag=HARDLINK, link=b"b"))


@case("package.member.path", "a hard link to an absolute path")
def tar_hardlink_absolute() -> bytes:
    return tar(tar_entry(b"b", typeflag=HARDLINK, link=b"/etc/passwd"))


@case("package.member.path", "a hard link that climbs out")
def tar_hardlink_parent() -> bytes:
    return tar(tar_entry(b"b", typeflag=HARDLINK, link=b"../../etc/passwd"))


@case("package.member.hardlink", "a hard link to a directory")
def tar_hardlink_to_directory() -> bytes:
    return tar(tar_entry(b"d/", typeflag=DIRECTORY), tar_entry(b"b", typeflag=HARDLINK, link=b"d"))


# --- types


@case("package.member.type", "a character device")
def tar_character_device() -> bytes:
    return tar(tar_entry(b"null", typeflag=b"3"))


@case("package.member.type", "a block device")
def tar_block_device() -> bytes:
    return tar(tar_entry(b"sda", typeflag=b"4"))


@case("package.member.type", "a FIFO")
def tar_fifo() -> bytes:
    return tar(tar_entry(b"pipe", typeflag=b"6"))


@case("package.member.type", "a GNU volume label")
def tar_volume_label() -> bytes:
    return tar(tar_entry(b"label", typeflag=b"V", magic=GNU), FILE)


@case("package.member.type", "a GNU continuation from another volume")
def tar_multivolume() -> bytes:
    return tar(tar_entry(b"a.txt", b"x", typeflag=b"M", magic=GNU))


@case("package.member.type", "a GNU directory dump")
def tar_directory_dump() -> bytes:
    return tar(tar_entry(b"d/", b"Ya\0\0", typeflag=b"D", magic=GNU))


@case("package.member.type", "a type that nobody knows")
def tar_unknown_type() -> bytes:
    return tar(tar_entry(b"x", typeflag=b"Q"))


@case("package.member.size", "a symbolic link that declares content")
def tar_link_with_content() -> bytes:
    return tar(tar_entry(b"l", FILE, typeflag=SYMLINK, link=b"a"))


@case("package.member.size", "a hard link that declares content")
def tar_hardlink_with_content() -> bytes:
    return tar(FILE, tar_entry(b"b", FILE, typeflag=HARDLINK, link=b"a.txt"))


@case("package.member.size", "a directory that declares content")
def tar_directory_with_content() -> bytes:
    return tar(tar_entry(b"d/", FILE, typeflag=DIRECTORY))


@case("package.tar.ambiguous", "a file by its type, a directory by its name")
def tar_file_with_slash() -> bytes:
    return tar(tar_entry(b"d/"))


@case(ACCEPTED, "a directory as the oldest tars wrote it", members=(b"d", b"d/a"))
def tar_v7_directory() -> bytes:
    return tar(tar_entry(b"d/", typeflag=b"\0", magic=V7), tar_entry(b"d/a", b"x", typeflag=b"\0", magic=V7))


@case(ACCEPTED, "a contiguous file", members=(b"c",))
def tar_contiguous() -> bytes:
    return tar(tar_entry(b"c", b"x", typeflag=b"7"))


# --- headers


@case("package.tar.header", "a wrong checksum in the middle")
def tar_checksum_wrong() -> bytes:
    return tar(FILE, tar_entry(b"b", b"x", checksum=b"000000\0 "), tar_entry(b"c", b"x"))


@case("package.tar.header", "a checksum that is no number")
def tar_checksum_garbage() -> bytes:
    return tar(FILE, tar_entry(b"b", b"x", checksum=b"garbage!"))


@case("package.tar.header", "a size that is not octal")
def tar_size_garbage() -> bytes:
    return tar(tar_entry(b"a.txt", b"x", size=b"0000000009\0"))


@case("package.tar.header", "a size with an underscore, as int() would read it")
def tar_size_underscore() -> bytes:
    return tar(tar_entry(b"a.txt", b"x" * 8, size=b"0000000_10\0"))


@case("package.tar.header", "a negative size")
def tar_size_negative() -> bytes:
    return tar(tar_entry(b"a.txt", b"x", size=b"\xff" * 12))


@case("package.tar.header", "a signed size")
def tar_size_minus() -> bytes:
    return tar(tar_entry(b"a.txt", b"x", size=b"-0000000010\0"))


@case("package.tar.header", "a mode that is no number")
def tar_mode_garbage() -> bytes:
    return tar(tar_entry(b"a.txt", b"x", mode=b"rwxr-xr-"))


@case("package.tar.header", "an owner that is no number, where some readers stop in silence")
def tar_owner_garbage() -> bytes:
    return tar(FILE, resealed(tar_header(b"b", 0), 108, b"000175x\0"), tar_entry(b"c", b"x"))


@case("package.tar.header", "a time that is no number")
def tar_time_garbage() -> bytes:
    return tar(FILE, resealed(tar_header(b"b", 0), 136, b"yesterday..\0"))


@case("package.tar.header", "a device number that is no number")
def tar_device_garbage() -> bytes:
    return tar(FILE, resealed(tar_header(b"b", 0), 329, b"garbage\0"))


@case(ACCEPTED, "a time before 1970 and a large owner in base 256", members=(b"b",))
def tar_numbers_base256() -> bytes:
    header = resealed(tar_header(b"b", 0), 136, b"\xff" * 11 + b"\x00")
    return tar(resealed(header, 108, b"\x80\x00\x00\x00\xff\xff\xff\xff"))


@case("package.tar.header", "a file without a name")
def tar_name_empty() -> bytes:
    return tar(tar_entry(b"", b"x"))


@case("package.tar.ambiguous", "a prefix that only some programs read")
def tar_prefix_v7() -> bytes:
    return tar(tar_entry(b"a.txt", b"x", magic=V7, prefix=b"d"))


@case("package.tar.ambiguous", "times of an old GNU header where others see a prefix")
def tar_prefix_gnu() -> bytes:
    return tar(tar_entry(b"a.txt", b"x", magic=GNU, prefix=octal(1, 12)))


@case(ACCEPTED, "a path split into prefix and name", members=(b"d" * 150 + b"/" + b"n" * 90,))
def tar_prefix() -> bytes:
    return tar(tar_entry(b"n" * 90, b"x", prefix=b"d" * 150))


@case(ACCEPTED, "a size in base 256", members=(b"a.txt",))
def tar_size_base256() -> bytes:
    return tar(tar_entry(b"a.txt", b"hello\n", size=b"\x80" + bytes(10) + b"\x06"))


@case(ACCEPTED, "numbers with leading blanks and no NUL", members=(b"a.txt",))
def tar_numbers_blank() -> bytes:
    return tar(tar_entry(b"a.txt", b"hello\n", size=b"          6 ", mode=b"   644 \0"))


@case(ACCEPTED, "a checksum over signed bytes", members=("é".encode(),))
def tar_checksum_signed() -> bytes:
    header = bytearray(tar_header("é".encode(), 1, checksum=b" " * 8))
    signed = sum(byte - 256 if byte > 127 else byte for byte in header)
    header[148:156] = b"%06o\0 " % signed
    return tar(bytes(header), padded(b"x"))


@case(ACCEPTED, "bytes behind the NUL of a name", members=(b"a.txt",))
def tar_name_rest() -> bytes:
    return tar(tar_entry(b"a.txt\0/../../etc/passwd", b"x"))


# --- extended headers


@case("package.tar.extended", "a pax record of length 0")
def tar_pax_zero() -> bytes:
    return tar(pax(body=b"0 path=evil\n"), FILE)


@case("package.tar.extended", "a pax record longer than its header")
def tar_pax_overlong() -> bytes:
    return tar(pax(body=b"99 path=evil\n"), FILE)


@case("package.tar.extended", "a pax record without '='")
def tar_pax_no_equals() -> bytes:
    return tar(pax(body=b"10 path e\n"), FILE)


@case("package.tar.extended", "a pax record without its line break")
def tar_pax_no_newline() -> bytes:
    return tar(pax(body=b"12 path=evilX"[:12]), FILE)


@case("package.tar.extended", "a pax record with a signed length")
def tar_pax_signed_length() -> bytes:
    return tar(pax(body=b"-2 path=evil\n"), FILE)


@case("package.tar.extended", "bytes behind the last pax record")
def tar_pax_rest() -> bytes:
    return tar(pax(body=pax_record(b"comment", b"x") + b"rest"), FILE)


@case("package.tar.extended", "an empty pax path")
def tar_pax_empty_path() -> bytes:
    return tar(pax((b"path", b"")), FILE)


@case("package.tar.extended", "two pax headers for one member")
def tar_pax_twice() -> bytes:
    return tar(pax((b"path", b"a")), pax((b"path", b"b")), FILE)


@case("package.tar.extended", "20,000 GNU long names for one member")
def tar_long_names() -> bytes:
    return tar(long_name(b"n") * 20_000, FILE)


@case("package.tar.extended", "a long name with more behind its NUL")
def tar_long_name_rest() -> bytes:
    return tar(long_name(b"good\0evil"), FILE)


@case("package.tar.extended", "a long name that goes on behind its stated size")
def tar_long_name_short_size() -> bytes:
    return tar(tar_header(b"././@LongLink", 2, b"L", magic=GNU) + padded(b"good/evil"), FILE)


@case(ACCEPTED, "a long name without its NUL", members=(b"b.txt",))
def tar_long_name_no_nul() -> bytes:
    return tar(tar_entry(b"././@LongLink", b"b.txt", b"L", magic=GNU), FILE)


@case("package.tar.ambiguous", "a directory of the oldest form that a long name makes a file")
def tar_v7_directory_renamed() -> bytes:
    return tar(long_name(b"n"), tar_entry(b"d/", typeflag=b"\0", magic=V7), FILE)


@case("package.tar.extended", "an empty long name")
def tar_long_name_empty() -> bytes:
    return tar(long_name(b""), FILE)


@case("package.tar.extended", "a global pax header that renames every member")
def tar_pax_global_path() -> bytes:
    return tar(pax((b"path", b"evil"), typeflag=b"g"), FILE)


@case("package.tar.extended", "a global pax header between a long name and its member")
def tar_pax_global_between() -> bytes:
    return tar(long_name(b"n"), pax((b"comment", b"x"), typeflag=b"g"), FILE)


@case("package.tar.extended", "a global pax header that resizes every member")
def tar_pax_global_size() -> bytes:
    return tar(pax((b"size", b"1024"), typeflag=b"g"), FILE)


@case("package.tar.extended", "a pax header with no member behind it")
def tar_pax_last() -> bytes:
    return tar(FILE, pax((b"path", b"b")))


@case("package.limit.header", "a pax header that claims 2 GiB")
def tar_pax_huge() -> bytes:
    return tar(tar_header(b"pax", 2 << 30, b"x"), FILE)


@case("package.limit.header", "a GNU long name that claims 2 GiB")
def tar_long_name_huge() -> bytes:
    return tar(tar_header(b"././@LongLink", 2 << 30, b"L", magic=GNU), FILE)


@case("package.tar.ambiguous", "a pax size over a header that says 0: members within a member")
def tar_pax_size_differs() -> bytes:
    inner = tar_entry(b"evil", b"x")
    return tar(pax((b"size", str(len(inner)).encode())), tar_header(b"a.txt", 0) + inner)


@case("package.tar.ambiguous", "a pax size of 0 over a header that says 512")
def tar_pax_size_hides() -> bytes:
    return tar(pax((b"size", b"0")), tar_header(b"a.txt", 512) + tar_entry(b"evil"))


@case("package.tar.header", "a pax size that is negative")
def tar_pax_size_negative() -> bytes:
    return tar(pax((b"size", b"-512")), FILE)


@case("package.tar.ambiguous", "a pax path and a different GNU long name")
def tar_two_names() -> bytes:
    return tar(long_name(b"a"), pax((b"path", b"b")), FILE)


@case(ACCEPTED, "a pax size that repeats the header's", members=(b"a.txt",))
def tar_pax_size_same() -> bytes:
    return tar(pax((b"size", b"6")), FILE)


@case(ACCEPTED, "the global pax header of git archive", members=(b"a.txt",))
def tar_pax_global_comment() -> bytes:
    return tar(pax((b"comment", b"0" * 40), typeflag=b"g"), FILE)


@case(ACCEPTED, "pax times, owners, attributes and an unknown keyword", members=(b"a.txt",))
def tar_pax_benign() -> bytes:
    return tar(
        pax((b"mtime", b"1.5"), (b"uid", b"99"), (b"SCHILY.xattr.user.x", b"\0\n\xff"), (b"X.y", b"z")), FILE
    )


@case(ACCEPTED, "a pax path that is no UTF-8", members=(b"caf\xe9",), warnings=ENCODING)
def tar_pax_binary() -> bytes:
    return tar(pax((b"hdrcharset", b"BINARY"), (b"path", b"caf\xe9")), FILE)


@case(ACCEPTED, "a Sun extended header", members=(b"b.txt",))
def tar_pax_sun() -> bytes:
    return tar(pax((b"path", b"b.txt"), typeflag=b"X"), FILE)


@case(ACCEPTED, "a long name and a long target together", members=(b"n" * 120,))
def tar_long_both() -> bytes:
    return tar(
        long_name(b"n" * 120),
        long_name(b"t" * 120, b"K"),
        tar_entry(b"n", typeflag=SYMLINK, link=b"t", magic=GNU),
    )


# --- the archive as a whole


@case("package.empty", "a tar archive without members")
def tar_empty() -> bytes:
    return tar()


@case("package.empty", "a tar archive that holds its root only")
def tar_root_only() -> bytes:
    return tar(tar_entry(b"./", typeflag=DIRECTORY))


@case("package.truncated", "a header cut in its middle")
def tar_cut_header() -> bytes:
    return FILE + FILE[:200]


@case("package.truncated", "content cut in its middle")
def tar_cut_content() -> bytes:
    return tar_entry(b"a", b"x" * 5000)[:2000]


@case("package.truncated", "no end of archive")
def tar_no_end() -> bytes:
    return FILE


@case("package.truncated", "a size larger than the file")
def tar_size_lie() -> bytes:
    return tar(tar_entry(b"a", b"x", size=1 << 30))


@case("package.trailing", "two tar archives joined")
def tar_joined() -> bytes:
    return tar(FILE) + tar(tar_entry(b"b", b"x"))


@case("package.trailing", "a member behind the end")
def tar_member_after_end() -> bytes:
    return tar(FILE) + tar_entry(b"evil", b"x")


@case("package.trailing", "a zip archive behind the end")
def tar_zip_after_end() -> bytes:
    return tar(FILE) + b"PK\x05\x06" + bytes(18)


@case("package.trailing", "one byte behind the end")
def tar_byte_after_end() -> bytes:
    return tar(FILE) + b"\n"


@case(ACCEPTED, "zeros to the end of a tape record", members=(b"a.txt",))
def tar_padding() -> bytes:
    return tar(FILE) + bytes(64 * 1024 - 100)


@case(ACCEPTED, "one block of zeros as the end", members=(b"a.txt",))
def tar_single_end() -> bytes:
    return FILE + TAR_END[:512]


@case(
    ACCEPTED,
    "one folder that holds all, where it is to be left away",
    members=(b"a.txt", b"b.txt"),
    limits=Limits(strip_top_folder=True),
)
def tar_strip_folder() -> bytes:
    return tar(tar_entry(b"d/a.txt", b"a"), tar_entry(b"d/b.txt", typeflag=HARDLINK, link=b"d/a.txt"))


@case(
    "package.top-folder",
    "a file beside the one folder, where that is to be left away",
    limits=Limits(strip_top_folder=True),
)
def tar_strip_beside() -> bytes:
    return tar(tar_entry(b"d/a.txt", b"a"), tar_entry(b"README", b"x"))


@case("package.nested", "one archive and nothing else")
def tar_nested() -> bytes:
    return tar(tar_entry(b"inner.tar.gz", b"x"))


@case("package.nested", "one archive in a directory that is no member")
def tar_nested_below() -> bytes:
    return tar(tar_entry(b"d/inner.ZIP", b"x"))


@case(ACCEPTED, "an archive beside another member", members=(b"inner.tar.gz", b"README"))
def tar_nested_beside() -> bytes:
    return tar(tar_entry(b"inner.tar.gz", b"x"), tar_entry(b"README", b"x"))


@case(ACCEPTED, "one compressed file that is no archive", members=(b"data.csv.gz",))
def tar_single_gz() -> bytes:
    return tar(tar_entry(b"data.csv.gz", b"x"))


@case("package.limit.members", "more members than the limit", limits=Limits(members=100))
def tar_too_many_members() -> bytes:
    return tar(*(tar_entry(b"%d" % n) for n in range(101)))


@case("package.limit.members", "more implied directories than the limit", limits=Limits(members=100))
def tar_too_many_implied() -> bytes:
    return tar(tar_entry(b"a/" * 40 + b"f"), tar_entry(b"b/" * 40 + b"f"), tar_entry(b"c/" * 40 + b"f"))


@case("package.limit.members", "one directory repeated beyond the limit", limits=Limits(members=100))
def tar_too_many_repeats() -> bytes:
    return tar(tar_entry(b"d/", typeflag=DIRECTORY) * 101)


@case("package.limit.member", "a file larger than the limit", limits=Limits(member=1000))
def tar_member_too_large() -> bytes:
    return tar(tar_entry(b"a", bytes(1001)))


@case("package.limit.total", "content larger than the limit", limits=Limits(total=1000))
def tar_total_too_large() -> bytes:
    return tar(tar_entry(b"a", bytes(600)), tar_entry(b"b", bytes(600)))


@case(
    ACCEPTED,
    "exactly as many members and bytes as the limits",
    members=(b"a", b"b"),
    limits=Limits(members=2, total=1000, member=500),
)
def tar_at_the_limits() -> bytes:
    return tar(tar_entry(b"a", bytes(500)), tar_entry(b"b", bytes(500)))


def _by_tarfile(form: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name in ("d/a.txt", "d/" + "n" * 90 + ".txt"):
            info = tarfile.TarInfo(name)
            info.size = 5
            archive.addfile(info, io.BytesIO(b"hello"))
    return buffer.getvalue()


_TARFILE_MEMBERS = (b"d/a.txt", b"d/" + b"n" * 90 + b".txt")


@case(ACCEPTED, "as Python writes it, pax", members=_TARFILE_MEMBERS)
def tar_python_pax() -> bytes:
    return _by_tarfile(tarfile.PAX_FORMAT)


@case(ACCEPTED, "as Python writes it, GNU", members=_TARFILE_MEMBERS)
def tar_python_gnu() -> bytes:
    return _by_tarfile(tarfile.GNU_FORMAT)


@case(ACCEPTED, "as Python writes it, ustar", members=_TARFILE_MEMBERS)
def tar_python_ustar() -> bytes:
    return _by_tarfile(tarfile.USTAR_FORMAT)
