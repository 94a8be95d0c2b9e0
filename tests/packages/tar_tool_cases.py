"""Tar archives as tar programs write them in their less usual moments, and what only looks like them."""

import bz2
import gzip
import lzma
from collections.abc import Sequence

from packages import Limits
from packages.limits import MIB
from tests.packages.building import (
    GNU,
    long_name,
    octal,
    padded,
    pax,
    pax_record,
    resealed,
    tar,
    tar_entry,
    tar_header,
    zstd,
)
from tests.packages.cases import ACCEPTED, case

FILE = tar_entry(b"a.txt", b"hello\n")
SYMLINK, HARDLINK, DIRECTORY = b"2", b"1", b"5"
REPEATED = ("package.warning.repeated",)
NO_END = ("package.warning.end",)
S = (b"s",)
Pieces = Sequence[tuple[int, int]]
PIECES: Pieces = ((0, 512), (4096, 512), (8192, 0))
STORED = b"x" * 512 + b"y" * 512

# --- links and repeats


@case(ACCEPTED, "a hard link to a symbolic link, as tar programs write it", members=(b"l", b"b"))
def tar_hardlink_to_symlink() -> bytes:
    return tar(tar_entry(b"l", typeflag=SYMLINK, link=b"a"), tar_entry(b"b", typeflag=HARDLINK, link=b"l"))


@case("package.member.symlink", "a hard link to a symbolic link, which from its new place leads out")
def tar_hardlink_to_symlink_outside() -> bytes:
    link = tar_entry(b"d/l", typeflag=SYMLINK, link=b"../a")
    return tar(link, tar_entry(b"b", typeflag=HARDLINK, link=b"d/l"))


@case(ACCEPTED, "a hard link to a hard link", members=(b"a.txt", b"b", b"c"))
def tar_hardlink_chain() -> bytes:
    first = tar_entry(b"b", typeflag=HARDLINK, link=b"a.txt")
    return tar(FILE, first, tar_entry(b"c", typeflag=HARDLINK, link=b"b"))


@case(ACCEPTED, "a file that was named twice: a hard link to itself", members=(b"a.txt",), warnings=REPEATED)
def tar_hardlink_over_file() -> bytes:
    return tar(FILE, tar_entry(b"a.txt", typeflag=HARDLINK, link=b"a.txt"))


@case("package.member.duplicate", "a hard link to another file in the place of a file")
def tar_hardlink_over_other() -> bytes:
    return tar(FILE, tar_entry(b"b", b"x"), tar_entry(b"b", typeflag=HARDLINK, link=b"a.txt"))


@case(ACCEPTED, "the same file twice with the same content", members=(b"a.txt",), warnings=REPEATED)
def tar_duplicate() -> bytes:
    return tar(FILE, FILE)


@case(ACCEPTED, "everything appended once more, links too", members=(b"a.txt", b"b", b"l"), warnings=REPEATED)
def tar_appended() -> bytes:
    tree = FILE + tar_entry(b"b", typeflag=HARDLINK, link=b"a.txt")
    tree += tar_entry(b"l", typeflag=SYMLINK, link=b"b")
    return tar(tree, tree)


@case("package.member.duplicate", "the same file twice with other content")
def tar_duplicate_content() -> bytes:
    return tar(FILE, tar_entry(b"a.txt", b"jello\n"))


@case("package.member.duplicate", "the same file three times, the last with other content")
def tar_duplicate_thrice() -> bytes:
    return tar(FILE, FILE, tar_entry(b"a.txt", b"jello\n"))


@case("package.member.duplicate", "the same file twice, executable once")
def tar_duplicate_mode() -> bytes:
    return tar(FILE, tar_entry(b"a.txt", b"hello\n", mode=0o755))


@case("package.member.duplicate", "a symbolic link twice with two targets")
def tar_duplicate_target() -> bytes:
    return tar(*(tar_entry(b"l", typeflag=SYMLINK, link=target) for target in (b"a", b"b")))


@case("package.member.duplicate", "a hard link twice with two targets")
def tar_duplicate_hardlink_target() -> bytes:
    links = (tar_entry(b"l", typeflag=HARDLINK, link=target) for target in (b"a.txt", b"b"))
    return tar(FILE, tar_entry(b"b", b"x"), *links)


@case(ACCEPTED, "the same in a compressed archive", members=(b"a.txt", b"b"), warnings=REPEATED)
def gz_duplicate() -> bytes:
    return gzip.compress(tar(FILE, tar_entry(b"b", b"x" * 600_000), FILE, tar_entry(b"b", b"x" * 600_000)))


# --- no end


@case(ACCEPTED, "no end of archive in gzip", members=(b"a.txt",), warnings=NO_END)
def gz_no_end() -> bytes:
    return gzip.compress(FILE)


@case(ACCEPTED, "no end of archive in bzip2", members=(b"a.txt",), warnings=NO_END)
def bzip2_no_end() -> bytes:
    return bz2.compress(FILE)


@case(ACCEPTED, "no end of archive in xz", members=(b"a.txt",), warnings=NO_END)
def xz_no_end() -> bytes:
    return lzma.compress(FILE)


@case("package.truncated", "no end of archive in xz without a check")
def xz_no_end_no_check() -> bytes:
    return lzma.compress(FILE, check=lzma.CHECK_NONE)


@case(ACCEPTED, "no end of archive in zstd", members=(b"a.txt",), warnings=NO_END)
def zst_no_end() -> bytes:
    return zstd(FILE)


@case("package.truncated", "no end of archive in zstd without a checksum")
def zst_no_end_no_check() -> bytes:
    return zstd(FILE, write_checksum=False)


@case("package.truncated", "no end of archive, and the last content without its padding")
def gz_no_padding() -> bytes:
    return gzip.compress(FILE[:520])


@case("package.truncated", "no end of archive behind a header that speaks of a next member")
def gz_no_end_extended() -> bytes:
    return gzip.compress(FILE + pax((b"comment", b"x")))


# --- sparse files


def _old_map(pieces: Pieces) -> bytes:
    return b"".join(octal(offset, 12) + octal(length, 12) for offset, length in pieces)


def sparse_gnu(pieces: Pieces = PIECES, size: int = 8192, stored: bytes = STORED, more: bytes = b"") -> bytes:
    """A member of GNU's own sparse type: four pieces at most in the header, the others in ``more``."""
    header = tar_header(b"s", len(stored), b"S", magic=GNU)
    fields = _old_map(pieces[:4]).ljust(96, b"\0") + (b"\1" if more else b"\0") + octal(size, 12)
    return resealed(header, 386, fields) + more + padded(stored)


def sparse_new(text: bytes = b"3\n0\n512\n4096\n512\n8192\n0\n", **changes: bytes) -> bytes:
    """A member of form 1.0."""
    records = {"major": b"1", "minor": b"0", "name": b"s", "realsize": b"8192"} | changes
    fields = [(b"GNU.sparse." + keyword.encode(), value) for keyword, value in records.items() if value]
    return pax(*fields) + tar_entry(b"GNUSparseFile.0/s", padded(text) + STORED)


def sparse_listed(*fields: tuple[bytes, bytes], name: bytes = b"s") -> bytes:
    """A member of form 0.0 or 0.1 with these fields."""
    records = [(b"GNU.sparse." + keyword, value) for keyword, value in fields]
    return pax(*records) + tar_entry(name, STORED)


@case(ACCEPTED, "a sparse file of GNU's own form", members=S)
def tar_sparse_gnu() -> bytes:
    return tar(sparse_gnu())


@case(ACCEPTED, "a sparse file of GNU's own form with many pieces", members=(b"s", b"a.txt"))
def tar_sparse_gnu_extended() -> bytes:
    pieces = [(n * 1024, 512) for n in range(30)]
    second = _old_map(pieces[4:25]).ljust(504, b"\0") + b"\1" + bytes(7)
    third = _old_map(pieces[25:]).ljust(512, b"\0")
    return tar(sparse_gnu(pieces, 40_000, bytes(512 * 30), second + third), FILE)


@case(ACCEPTED, "a sparse file of pax form 0.0", members=S)
def tar_sparse_00() -> bytes:
    listed = [field for o, n in PIECES for field in ((b"offset", b"%d" % o), (b"numbytes", b"%d" % n))]
    return tar(sparse_listed((b"size", b"8192"), (b"numblocks", b"3"), *listed))


@case(ACCEPTED, "a sparse file of pax form 0.1", members=S)
def tar_sparse_01() -> bytes:
    fields = [(b"size", b"8192"), (b"numblocks", b"3"), (b"map", b"0,512,4096,512,8192,0"), (b"name", b"s")]
    return tar(sparse_listed(*fields, name=b"GNUSparseFile.0/s"))


@case(ACCEPTED, "a sparse file of pax form 1.0, as bsdtar writes it unasked", members=(b"s", b"a.txt"))
def tar_sparse_10() -> bytes:
    return tar(sparse_new(), FILE)


@case(ACCEPTED, "the same with a stand-in for its long path", members=(b"d/s",))
def tar_sparse_stand_in() -> bytes:
    records = b"".join(
        pax_record(b"GNU.sparse." + keyword, value)
        for keyword, value in ((b"major", b"1"), (b"minor", b"0"), (b"name", b"d/s"), (b"realsize", b"0"))
    )
    body = records + pax_record(b"path", b"./d/GNUSparseFile.17/s")
    return tar(pax(body=body), tar_entry(b"GNUSparseFile.17/s", padded(b"0\n")))


@case(ACCEPTED, "a sparse file that is one hole", members=S)
def tar_sparse_hole() -> bytes:
    return tar(sparse_gnu([(8192, 0)], 8192, b""))


@case("package.tar.ambiguous", "GNU's own sparse type in a header that is not GNU's")
def tar_sparse_not_gnu() -> bytes:
    return tar(tar_entry(b"s", b"x", typeflag=b"S"))


@case("package.tar.ambiguous", "a directory that is sparse")
def tar_sparse_directory() -> bytes:
    return tar(sparse_new(name=b"s/"))


@case("package.member.sparse", "a sparse file whose pieces overlap")
def tar_sparse_overlap() -> bytes:
    return tar(sparse_gnu([(0, 512), (256, 512)]))


@case("package.member.sparse", "a sparse file whose pieces go beyond its size")
def tar_sparse_beyond() -> bytes:
    return tar(sparse_gnu(size=4500))


@case("package.member.sparse", "a sparse file with more stored than its pieces hold")
def tar_sparse_rest() -> bytes:
    return tar(sparse_gnu([(0, 512)]))


@case("package.member.sparse", "a sparse file with an empty entry amidst its pieces")
def tar_sparse_gap() -> bytes:
    header = sparse_gnu([(0, 512)])
    return tar(resealed(header[:512], 386 + 48, _old_map([(4096, 512)])) + header[512:])


@case("package.member.sparse", "a sparse file with a number that is none")
def tar_sparse_number() -> bytes:
    return tar(resealed(sparse_gnu()[:512], 386, b"garbage") + padded(STORED))


@case("package.member.sparse", "a sparse file with more pieces than a header may have")
def tar_sparse_endless() -> bytes:
    return tar(sparse_gnu(more=(_old_map([(0, 0)] * 21) + b"\1" + bytes(7)) * 3000))


@case("package.member.sparse", "a list of pieces in the content that is cut")
def tar_sparse_cut() -> bytes:
    return tar(sparse_new(b"900\n0\n512\n"))


@case("package.member.sparse", "a list of pieces in the content without line breaks")
def tar_sparse_no_lines() -> bytes:
    return tar(sparse_new(b"9" * 512))


@case("package.member.sparse", "more behind the list of pieces in the content")
def tar_sparse_list_rest() -> bytes:
    return tar(sparse_new(b"1\n0\n1024\nrest"))


@case("package.member.sparse", "a sparse file of an unknown version")
def tar_sparse_version() -> bytes:
    return tar(sparse_new(major=b"2"))


@case("package.member.sparse", "a sparse file without its size")
def tar_sparse_pax() -> bytes:
    return tar(sparse_new(realsize=b""))


@case("package.member.sparse", "a sparse file with two names")
def tar_sparse_names() -> bytes:
    records = [(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.name", b"s")]
    return tar(
        pax(*records, (b"GNU.sparse.realsize", b"0"), (b"path", b"other")), tar_entry(b"s", padded(b"0\n"))
    )


@case("package.member.sparse", "a sparse file with two sizes of one form")
def tar_sparse_sizes() -> bytes:
    return tar(sparse_listed((b"size", b"8192"), (b"size", b"9000"), (b"map", b"0,1024")))


@case("package.member.sparse", "a sparse file with two lists")
def tar_sparse_lists() -> bytes:
    return tar(sparse_listed((b"size", b"8192"), (b"map", b"0,1024"), (b"offset", b"0"), (b"numbytes", b"1")))


@case("package.member.sparse", "a sparse file with half a piece")
def tar_sparse_half() -> bytes:
    return tar(sparse_listed((b"size", b"8192"), (b"map", b"0,1024,4096")))


@case("package.member.sparse", "a sparse file with pieces in disorder")
def tar_sparse_disorder() -> bytes:
    return tar(sparse_listed((b"size", b"8192"), (b"numbytes", b"1024"), (b"offset", b"0")))


@case("package.member.sparse", "a sparse file with another number of pieces than stated")
def tar_sparse_count() -> bytes:
    return tar(sparse_listed((b"size", b"8192"), (b"numblocks", b"2"), (b"map", b"0,1024")))


@case("package.member.sparse", "a file with holes as only Solaris writes them")
def tar_sparse_solaris() -> bytes:
    return tar(pax((b"SUN.holesdata", b" 0 512 4096")), tar_entry(b"s", STORED))


@case("package.tar.ambiguous", "a second size, which only some programs believe")
def tar_size_of_star() -> bytes:
    return tar(pax((b"SCHILY.realsize", b"9")), FILE)


@case("package.tar.extended", "a global header that makes every member sparse")
def tar_sparse_global() -> bytes:
    return tar(pax((b"GNU.sparse.size", b"9"), typeflag=b"g"), FILE)


@case("package.limit.ratio", "a sparse file of 6 GiB in a small package")
def tar_sparse_bomb() -> bytes:
    return tar(sparse_gnu([(0, 512), (6 << 30, 512)], (6 << 30) + 512))


@case("package.limit.member", "a sparse file larger than the limit", limits=Limits(member=4 * MIB))
def tar_sparse_too_large() -> bytes:
    return tar(sparse_gnu(size=5 * MIB))


@case(ACCEPTED, "a long name and a sparse file", members=(b"n" * 120,))
def tar_sparse_long_name() -> bytes:
    return tar(long_name(b"n" * 120), sparse_gnu())


@case(ACCEPTED, "appended in another order, with other hard links", members=(b"a", b"b"), warnings=REPEATED)
def tar_appended_reordered() -> bytes:
    return tar(
        tar_entry(b"a", b"x"),
        tar_entry(b"b", typeflag=HARDLINK, link=b"a"),
        tar_entry(b"b", b"x"),
        tar_entry(b"a", typeflag=HARDLINK, link=b"b"),
    )


@case("package.member.duplicate", "a file, then a hard link to other content in its place, appended")
def tar_appended_link_differs() -> bytes:
    return tar(
        tar_entry(b"a", b"x"),
        tar_entry(b"b", typeflag=HARDLINK, link=b"a"),
        tar_entry(b"c", b"x"),
        tar_entry(b"c", typeflag=HARDLINK, link=b"a"),
        tar_entry(b"b", b"y"),
    )


@case("package.member.duplicate", "a file, then a symbolic link in its place, by a hard link")
def tar_appended_symlink() -> bytes:
    return tar(
        FILE, tar_entry(b"l", typeflag=SYMLINK, link=b"x"), tar_entry(b"a.txt", typeflag=HARDLINK, link=b"l")
    )


@case("package.tar.ambiguous", "a hard link that may be executed to a file that may not")
def tar_hardlink_mode() -> bytes:
    return tar(FILE, tar_entry(b"b", typeflag=HARDLINK, link=b"a.txt", mode=0o755))


@case(ACCEPTED, "a hard link to a program, and one to that link", members=(b"run", b"b", b"c"))
def tar_hardlink_program() -> bytes:
    links = (
        tar_entry(name, typeflag=HARDLINK, link=to, mode=0o755) for name, to in ((b"b", b"run"), (b"c", b"b"))
    )
    return tar(tar_entry(b"run", b"x", mode=0o755), *links)


@case("package.tar.ambiguous", "a file that was named twice, executable once")
def tar_hardlink_over_file_mode() -> bytes:
    return tar(FILE, tar_entry(b"a.txt", typeflag=HARDLINK, link=b"a.txt", mode=0o755))


@case(
    ACCEPTED,
    "a FIFO and devices where the collection takes them as empty files",
    members=(b"pipe", b"null", b"sda"),
    limits=Limits(special_files=True),
    warnings=("package.warning.special",),
)
def tar_special_files() -> bytes:
    kinds = ((b"pipe", b"6"), (b"null", b"3"), (b"sda", b"4"))
    return tar(*(tar_entry(name, typeflag=kind) for name, kind in kinds))


@case("package.member.type", "a device that declares content", limits=Limits(special_files=True))
def tar_special_file_with_content() -> bytes:
    return tar(tar_entry(b"null", b"x", typeflag=b"3"))
