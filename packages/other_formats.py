"""Archives and compressions that are not read here, so that their senders are told what they have and what to do."""

from packages.errors import PackageError

_ARCHIVES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive (.7z)"),
    (0, b"Rar!\x1a\x07", "a RAR archive"),
    (0, b"RE~^", "a RAR archive of the oldest form"),
    (0, b"MSCF", "a Windows cabinet (.cab)"),
    (0, b"MSWIM\0\0\0", "a Windows image (.wim)"),
    (0, b"xar!", "a xar archive (.xar, .pkg)"),
    (0, b"070701", "a cpio archive"),
    (0, b"070702", "a cpio archive"),
    (0, b"070707", "a cpio archive"),
    (0, b"\xc7\x71", "a cpio archive"),
    (0, b"\x71\xc7", "a cpio archive"),
    (0, b"!<arch>\ndebian-binary", "a Debian binary package (.deb)"),
    (0, b"!<arch>\n", "an ar archive (.a)"),
    (0, b"\xed\xab\xee\xdb", "an RPM package"),
    (0, b"hsqs", "a SquashFS image"),
    (0, b"StuffIt", "a StuffIt archive (.sit)"),
    (0, b"SIT!", "a StuffIt archive (.sit)"),
    (0, b"ZOO ", "a zoo archive"),
    (0, b"\x60\xea", "an ARJ archive"),
    (7, b"**ACE**", "an ACE archive"),
    (0, b"MZ", "a Windows program, perhaps an archive that extracts itself"),
    (0, b"\x7fELF", "a program, perhaps an archive that extracts itself"),
    (0, b"#!", "a script, perhaps an archive that extracts itself"),
    (2, b"-lh", "an LHA archive (.lzh)"),
    (2, b"-lz", "an LHA archive (.lzh)"),
    (0, b"# v2 git bundle", "a Git bundle"),
    (0, b"# v3 git bundle", "a Git bundle"),
)
_COMPRESSIONS: tuple[tuple[bytes, str, str], ...] = (
    (b"\x1f\x9d", "compress (.Z)", "uncompress"),
    (b"\x1f\xa0", "compress -H", "a program of its time"),
    (b"\x1f\x1e", "pack (.z)", "gzip -d"),
    (b"\x04\x22\x4d\x18", "lz4", "lz4 -d"),
    (b"\x02\x21\x4c\x18", "lz4", "lz4 -d"),
    (b"\x89LZO\0\r\n\x1a\n", "lzop", "lzop -d"),
    (b"LRZI", "lrzip", "lrzip -d"),
    (b"LZIP\0", "lzip in its version 0", "lzip -d of before 2009"),
    (b"\xff\x06\0\0sNaPpY", "snappy", "snzip -d"),
    (b"BZ0", "bzip 0.21", "its own program"),
)


def foreign_name(start: bytes) -> str:
    """What the file is by its first 512 bytes, if it is an archive or compressed in a way not read here; else ""."""
    for position, magic, name in _ARCHIVES:
        if start.startswith(magic, position):
            return name
    return next((f"a file of {name}" for magic, name, _ in _COMPRESSIONS if start.startswith(magic)), "")


def not_a_package(start: bytes) -> PackageError:
    """The refusal of what is no zip and no tar archive, as exact as the first bytes allow."""
    for magic, name, program in _COMPRESSIONS:
        if start.startswith(magic):
            return PackageError(
                "package.compression",
                "",
                f"The file is compressed with {name}, which is not accepted. Decompress it ({program}) and compress "
                "it anew with gzip or xz.",
            )
    name = foreign_name(start)
    if name:
        return PackageError(
            "package.format",
            "",
            f"The file is {name}, which is not accepted. Unpack it and pack the files as zip or tar.gz; "
            "7-Zip and most other archivers offer both.",
        )
    return PackageError(
        "package.format",
        "",
        "The file is neither a zip archive nor a tar archive (plain, or compressed with gzip, bzip2, xz, lzip, lzma "
        "or zstd). Pack the files as one of these.",
    )
