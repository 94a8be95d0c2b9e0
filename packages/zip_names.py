"""What a zip entry is called, and what it is (APPNOTE 4.4.4, 4.4.15, 4.6.9, appendix D; Info-ZIP's attributes)."""

import stat
from zlib import crc32

from packages.errors import PackageError
from packages.members import Kind
from packages.zip_directory import Entry

UNIX = 3
_FAT = 0
_NO_TYPE = stat.S_IFMT(0xFFFF)  # old versions of Maven write -1 as the mode of folders
_UTF8 = 0x0800
_UNICODE_PATH = 0x7075


def entry_path(entry: Entry, fields: dict[int, bytes]) -> bytes:
    """The name as the bytes that a Unix system stores.

    With the UTF-8 flag the bytes must be UTF-8; without it they are what Unix had on disk. From any other system they
    are UTF-8 if they can be (no text in another encoding is, but by accident), else IBM code page 437, the format's
    own encoding. A Unicode path field must say the same.
    """
    name = entry.name
    if not name.isascii():
        if _is_utf8(name):
            pass
        elif entry.flags & _UTF8:
            raise PackageError(
                "package.member.encoding",
                name,
                "This name is declared as UTF-8 and is not. Rename the file, or pack again with a current program.",
            )
        elif entry.host != UNIX:
            name = name.decode("cp437").encode()
    if entry.host == _FAT and b"\\" in name and b"/" not in name:
        raise PackageError(
            "package.member.backslash",
            name,
            "This path has backslashes, which zip archives must not use as separators. Pack again with '/'.",
        )
    field = fields.get(_UNICODE_PATH)
    if field is not None and (
        field[:1] != b"\x01" or field[1:5] != crc32(entry.name).to_bytes(4, "little") or field[5:] != name
    ):
        raise PackageError(
            "package.zip.names",
            name,
            "This zip member has another name in its Unicode path field. Make the package again.",
        )
    return name


def entry_kind(entry: Entry) -> Kind:
    """File, directory or symbolic link, where the name and the Unix mode agree."""
    slash = entry.name.endswith(b"/")
    form = stat.S_IFMT(entry.attributes >> 16)
    if form == stat.S_IFLNK and (slash or entry.host != UNIX):
        raise _two_kinds(entry.name)
    if entry.host != UNIX or form in (0, stat.S_IFREG, _NO_TYPE):
        return Kind.DIRECTORY if slash else Kind.FILE
    if form == stat.S_IFDIR:
        if not slash:
            raise _two_kinds(entry.name)
        return Kind.DIRECTORY
    if form == stat.S_IFLNK:
        return Kind.SYMLINK
    raise PackageError(
        "package.member.type",
        entry.name,
        "This member is a device, a FIFO or a socket. Only files, directories and links can be archived: leave it out.",
    )


def _is_utf8(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def _two_kinds(name: bytes) -> PackageError:
    return PackageError(
        "package.zip.type",
        name,
        "This zip member is a file by its name and a directory or link by its mode, or the other way round. "
        "Make the package again.",
    )
